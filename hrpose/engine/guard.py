"""Steps whose gradient is not finite are skipped, counted and named, without waiting for a GPU."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from hrpose.errors import RunError
from hrpose.models.buffers import BufferGuard
from hrpose.processes import distributed
from hrpose.rundir.state import Progress

_NAMED = 4
"""Animals of a skipped step that are named; the rest is counted."""


class StepGuard:
    """Lets a step change the model only if its gradient is finite.

    Args:
        progress: where skipped steps are counted.
        limit: so many skipped steps in a row end the run.
        describe: from an index of the training set to words.
        warn: takes the sentence about a skipped step.
    """

    def __init__(
        self,
        model: nn.Module,
        limit: int,
        progress: Progress,
        describe: Callable[[int], str],
        warn: Callable[[str], None],
    ) -> None:
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._buffers = BufferGuard(model)
        self._limit, self._describe, self._warn = limit, describe, warn
        self._progress = progress
        self._open: list[tuple[int, torch.Tensor, list[int]]] = []

    def keep(self) -> None:
        """Before the forward pass: remember the BatchNorm statistics."""
        self._buffers.keep()

    def undo(self) -> None:
        """After a forward pass that failed: put the BatchNorm statistics back."""
        self._buffers.restore_where(torch.tensor(True))

    @torch.no_grad()
    def step(
        self,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        clip: float | None = None,
    ) -> torch.Tensor:
        """`optimizer.step()` if the gradient's norm is finite; returns, on the device, whether.

        Args:
            clip: a gradient with a norm above this is scaled down to it.
        """
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        if scaler.is_enabled():
            # the scaler looks at single numbers: it shall skip what this guard skips
            finite = nn.utils.get_total_norm(gradients).isfinite()
            torch._foreach_mul_(gradients, torch.where(finite, 1.0, torch.nan))
            scaler.unscale_(optimizer)
        norm = nn.utils.get_total_norm(gradients)
        finite = norm.isfinite()
        if clip:  # of a norm beyond all numbers would come a step of zeros: that one is skipped
            nn.utils.clip_grads_with_norm_(self._parameters, clip, norm)
        if scaler.is_enabled():
            scaler.step(optimizer)
            scaler.update()
        elif all(group.get("fused") for group in optimizer.param_groups):
            # torch's fused kernels skip by themselves where `found_inf` is 1, as GradScaler has it
            optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]
            optimizer.step()
        elif finite:  # waits for the device
            optimizer.step()
        self._buffers.restore_where(~finite)
        return finite

    def note(self, iteration: int, finite: torch.Tensor, indices: list[int]) -> None:
        """Remember the outcome of step `iteration` on the animals `indices`; see `examine`."""
        self._open.append((iteration, finite, indices))
        if finite.device.type == "cpu" or len(self._open) >= self._limit:
            self.examine()

    def examine(self) -> None:
        """Look at the steps since the last look; name the skipped ones. Waits for the device.

        Raises:
            RunError: too many in a row.
        """
        if not self._open:
            return
        outcomes = torch.stack([finite for _, finite, _ in self._open]).tolist()
        steps, self._open = self._open, []
        progress = self._progress
        for (iteration, _, indices), finite in zip(steps, outcomes, strict=True):
            if finite:
                progress.skipped_in_a_row = 0
                continue
            progress.skipped += 1
            progress.skipped_in_a_row += 1
            everyone = [i for part in distributed.gather(indices) for i in part]
            named = "; ".join(self._describe(index) for index in everyone[:_NAMED])
            more = len(everyone) - _NAMED
            self._warn(
                f"step {iteration + 1} skipped: its gradient is not finite (number "
                f"{progress.skipped}, {progress.skipped_in_a_row} in a row); animals: {named}"
                + (f" and {more} more" if more > 0 else "")
            )
            if progress.skipped_in_a_row >= self._limit:
                raise RunError(
                    f"{self._limit} steps in a row had gradients that are not finite: lower "
                    "optimizer.lr, set runner.clip_grad, or use runner.precision='fp32'; the last "
                    "good checkpoint is untouched, and --resume goes on from it"
                )
