"""Batch norm's buffers put back after a step that went wrong, without waiting for the device."""

from collections import defaultdict

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class BufferGuard:
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
    def keep(self) -> None:
        """Remember the buffers as they are now."""
        for kept, live in zip(self._kept, self._live, strict=True):
            torch.cat(live, out=kept)

    @torch.no_grad()
    def restore_where(self, bad: Tensor) -> None:
        """Put back what the last `keep` (or the constructor) saw if `bad` is true.

        Args:
            bad: one bool; the host does not read it where it is on the device of the model.
        """
        for kept, live in zip(self._kept, self._live, strict=True):
            chosen = torch.where(bad.to(kept.device), kept, torch.cat(live))
            torch._foreach_copy_(live, list(chosen.split([len(buffer) for buffer in live])))
