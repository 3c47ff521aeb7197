"""The optimizer's step, made only with a finite gradient; what a bad one touched is put back.

Nothing here waits for a GPU.
"""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def clip_gradients(
    optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, largest: float | None
) -> Tensor:
    """Unscale the gradients, and scale them down to the norm `largest` if it is set.

    Returns: their norm before that, a scalar on the device; not finite where any of them is not.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = [p.grad for p in parameters if p.grad is not None]
    if scaler.is_enabled():
        # the scaler looks at single numbers: it shall skip what a norm beyond all numbers skips
        finite = nn.utils.get_total_norm(gradients).isfinite()
        torch._foreach_mul_(gradients, torch.where(finite, 1.0, torch.nan))
        scaler.unscale_(optimizer)
    norm = nn.utils.get_total_norm(gradients)
    if largest:
        nn.utils.clip_grads_with_norm_(parameters, largest, norm)
    return norm


@torch.no_grad()
def step_if_finite(
    optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, norm: Tensor
) -> Tensor:
    """`optimizer.step()` if the gradients' `norm` is finite; returns, on the device, whether."""
    finite = norm.isfinite()
    if scaler.is_enabled():
        scaler.step(optimizer)
        scaler.update()
    elif all(group.get("fused") for group in optimizer.param_groups):
        # torch's fused kernels skip by themselves where `found_inf` is 1, as GradScaler has it
        optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]
        optimizer.step()
    elif finite:  # waits for the device
        optimizer.step()
    return finite


class BatchStatistics:
    """Running mean, variance and counter of every batch norm of `model`, to be put back.

    Make it once the model stands on its device: a later `model.to(...)` gives it other buffers. All
    buffers of one type are kept in one tensor, so each call is a handful of kernels.
    """

    def __init__(self, model: nn.Module) -> None:
        by_type = defaultdict[torch.dtype, list[Tensor]](list)
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                for buffer in module.buffers(recurse=False):
                    by_type[buffer.dtype].append(buffer.detach().view(-1))
        self._live = list(by_type.values())
        self._kept = [torch.cat(buffers) for buffers in self._live]

    @torch.no_grad()
    def remember(self) -> None:
        """Remember the buffers as they are now."""
        for kept, live in zip(self._kept, self._live, strict=True):
            torch.cat(live, out=kept)

    @torch.no_grad()
    def put_back_where(self, bad: Tensor) -> None:
        """Put back what the last `remember` (or the constructor) saw if `bad` is true.

        Args:
            bad: one bool; the host does not read it where it is on the device of the model.
        """
        for kept, live in zip(self._kept, self._live, strict=True):
            chosen = torch.where(bad.to(kept.device), kept, torch.cat(live))
            torch._foreach_copy_(live, list(chosen.split([len(buffer) for buffer in live])))
