"""Batch norm that trains on groups of a large batch.

Legend: B batch, G groups, C channels, H/W grid.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class GroupBatchNorm2d(nn.BatchNorm2d):
    """Batch norm that trains on groups of `group_size` animals, each with its own statistics.

    What is left of a batch that the groups do not divide is a group of its own. The running
    statistics follow the mean over the groups, by animals. Evaluation is that of batch norm.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def __init__(self, norm: nn.BatchNorm2d, group_size: int) -> None:
        """Takes the place of `norm`, whose parameters and buffers it shares."""
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        for name, tensor in (*norm.named_parameters(), *norm.named_buffers()):
            setattr(self, name, tensor)
        self.group_size = group_size
        self.train(norm.training)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        if not self.training or len(input) <= self.group_size:
            return super().forward(input)
        groups = input.split(self.group_size)
        means, variances = self.running_mean.new_zeros(2, len(groups), self.num_features)
        # a loop, as torch's kernels for batch norm know no groups: W32 in two groups of four on
        # two CPU cores, one step: 2.74 s so, 5.88 s in operations on (G, B / G, C, H, W)
        normal = [
            # momentum 1: the group's own mean and unbiased variance replace the zeros
            functional.batch_norm(group, mean, var, self.weight, self.bias, True, 1.0, self.eps)
            for group, mean, var in zip(groups, means, variances, strict=True)
        ]
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            share = len(groups[-1]) / len(input)
            for running, found in ((self.running_mean, means), (self.running_var, variances)):
                mean = torch.lerp(found[:-1].mean(0), found[-1], share)
                running.lerp_(mean, self.momentum)
        return torch.cat(normal)


def group_batch_norm(model: nn.Module, size: int) -> None:
    """Make every `BatchNorm2d` of `model` train on groups of `size` animals, in place.

    One process with a batch of 512 and groups of 64 then normalises as eight processes of 64 do,
    except that each of those follows running statistics of its own, and the first one's are kept.
    Parameters, buffers and state-dict keys stay; a batch of `size` or less trains as before.

    Raises:
        ValueError: a batch norm without weights, running statistics or momentum.
    """
    if size < 1:
        raise ValueError(f"groups of {size} animals: must be at least 1")
    modules = dict(model.named_modules())
    for path, module in modules.items():
        if type(module) is not nn.BatchNorm2d:
            continue
        if not (module.affine and module.track_running_stats and module.momentum is not None):
            raise ValueError(f"{path}: batch norm in groups needs weights, statistics, momentum")
        parent, _, name = path.rpartition(".")
        setattr(modules[parent], name, GroupBatchNorm2d(module, size))
