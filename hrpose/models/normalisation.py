"""Batch norm that trains on groups of a large batch.

Legend: B batch, G groups of N animals each, C channels, H/W grid.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_ANIMALS_AND_GRID = (1, 3, 4)


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
        whole = len(input) // self.group_size * self.group_size
        output, mean, var = self._normalise(input[:whole].unflatten(0, (-1, self.group_size)))
        if whole < len(input):
            last, last_mean, last_var = self._normalise(input[whole:][None])
            output = torch.cat([output, last])
            share = 1 - whole / len(input)
            mean, var = torch.lerp(mean, last_mean, share), torch.lerp(var, last_var, share)
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var, self.momentum)
        return output

    def _normalise(self, groups: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(G, N, C, H, W) -> (G N, C, H, W); mean and unbiased variance (C,), means of groups."""
        output, mean, var = _Normalise.apply(groups, self.weight, self.bias, self.eps)
        return output.flatten(0, 1), mean.mean(0).flatten(), var.mean(0).flatten()


class _Normalise(torch.autograd.Function):
    """Each group less its mean, over its deviation, times weight, plus bias.

    A function of its own, as autograd would keep float32 copies where the input is bf16 or fp16.
    """

    @staticmethod
    def forward(
        ctx: Any, groups: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(G, N, C, H, W) -> the same shape, and mean and unbiased variance (G, 1, C, 1, 1)."""
        wide = groups.to(torch.promote_types(groups.dtype, torch.float32))
        var, mean = torch.var_mean(wide, _ANIMALS_AND_GRID, correction=0, keepdim=True)
        inverse = torch.rsqrt(var + eps)
        scale = inverse * weight[:, None, None]
        output = torch.addcmul(bias[:, None, None] - mean * scale, groups, scale).to(groups.dtype)
        ctx.save_for_backward(groups, weight, mean, inverse)
        ctx.mark_non_differentiable(mean, var)
        count = groups[0, :, 0].numel()
        return output, mean, var * (count / max(count - 1, 1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of groups, weight and bias."""
        groups, weight, mean, inverse = ctx.saved_tensors
        normal = (groups - mean) * inverse
        grad = grad.to(mean.dtype)
        bias_grad = grad.sum(_ANIMALS_AND_GRID, keepdim=True)
        weight_grad = (grad * normal).sum(_ANIMALS_AND_GRID, keepdim=True)
        count = groups[0, :, 0].numel()
        inner = grad - torch.addcmul(bias_grad, normal, weight_grad) / count
        groups_grad = (inner * (inverse * weight[:, None, None])).to(groups.dtype)
        return groups_grad, weight_grad.sum(0).flatten(), bias_grad.sum(0).flatten(), None


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
