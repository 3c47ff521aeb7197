"""The optimizer's step, made only with a finite gradient; what a bad one touched is put back; and
whether what came of good ones may be saved.

Nothing here waits for a GPU but `SkippedSteps.examine` and `Health`, before a log line or a save.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hrpose.errors import RunError
from hrpose.models.soundness import extent, faults, learned
from hrpose.processes import distributed
from hrpose.rundir.state import Progress, RunState

_NAMED = 4
"""Animals of a skipped step that are named; the rest is counted."""
_LARGEST = 1e4
"""Weights and statistics of a trained network stay far below it: those of the published HRNets are
below 100."""
_ROOM = 100.0
"""Weights that begin larger, as other people's may, have room up to so many times that."""


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


class SkippedSteps:
    """Counts the steps that were skipped and names their animals.

    Args:
        progress: where they are counted.
        limit: so many in a row end the run.
        describe: from an index of the training set to words.
        warn: takes the sentence about a skipped step.
        last_good: a sentence on the newest checkpoint, for the error that ends a run.
    """

    def __init__(
        self,
        progress: Progress,
        limit: int,
        describe: Callable[[int], str],
        warn: Callable[[str], None],
        last_good: Callable[[], str],
    ) -> None:
        self._progress, self._limit, self._describe, self._warn = progress, limit, describe, warn
        self._last_good = last_good
        self._open: list[tuple[int, Tensor, list[int]]] = []

    def note(self, iteration: int, finite: Tensor, batches: list[dict[str, Any]]) -> None:
        """Remember how step `iteration` on `batches` went; see `examine`."""
        indices = [index for batch in batches for index in batch["index"].tolist()]
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
                    "optimizer.lr, set runner.clip_grad, or use runner.precision='fp32'; "
                    + self._last_good()
                )


class Health:
    """Whether the run is sound enough to be saved: a ruined one must not replace good checkpoints.

    A step with a finite gradient and a rate too high ruins weights as surely as a NaN does. A run
    is ruined where, at a save,

    - a weight, a BatchNorm statistic, their moving average or a number in the optimizer's memory is
      not finite, or a running variance is below 0;
    - a weight, a running mean or the root of a running variance is beyond 1e4, or beyond a hundred
      times the largest that this process began with, where that is more: what other people trained
      on images that are not normalised may begin large;
    - the median loss since the last log line but one is more than `growth` times that of the first
      step. The median, as one hard batch is no ruin. The first step of a process, resumed or not,
      is made with weights that nothing has harmed yet; where few of its points have a target, its
      loss counts as if all had. A trained model begins low, but if it forgets all that it knows,
      its loss rises to that of empty heatmaps, some tens of times as much. A loss that begins at 0
      or below has no such measure.

    Args:
        growth: None leaves the loss out, for losses of another kind.
        last_good: a sentence on the newest checkpoint.
    """

    def __init__(self, state: RunState, growth: float | None, last_good: Callable[[], str]) -> None:
        self._state, self._growth, self._last_good = state, growth, last_good
        self._largest = max(_LARGEST, _ROOM * extent(self._trained()))
        self._first: float | None = None
        self._reported = torch.zeros(0)
        self._shares: list[Tensor] = []

    def see(self, weight: Tensor) -> None:
        """Note how many points of a part of a batch have a target: `weight` (B, K) above 0."""
        self._shares.append((weight > 0).sum() / max(1, weight.numel()))

    def report(self, losses: Tensor) -> bool:
        """Take the `losses` of a log line, NaN where a step was skipped.

        Returns: whether any point had a target since the last log line, in any process.
        """
        self._begin(losses)
        self._reported = losses
        shares, self._shares = self._shares, []
        return bool(distributed.largest(int(any(torch.stack(shares).tolist()))))

    def require_sound(self) -> None:
        """RunError if the run is ruined; of several processes all must ask together."""
        memory = {
            f"optimizer.{number}.{name}": value
            for number, values in self._state.optimizer.state_dict()["state"].items()
            for name, value in values.items()
            if isinstance(value, Tensor)
        }
        problems = [
            *faults(self._trained(), self._largest),
            *faults(memory),
            *self._growth_of_loss(),
        ]
        everywhere = [line for lines in distributed.gather(problems) for line in lines]
        if everywhere:
            raise RunError(
                f"the training has ruined its weights ({'; '.join(dict.fromkeys(everywhere))}); "
                "they are neither saved nor validated; lower optimizer.lr, lengthen the warm-up, "
                f"or set runner.clip_grad; {self._last_good()}"
            )

    def _trained(self) -> dict[str, Tensor]:
        """All that is to stay within bounds."""
        average = learned(self._state.ema.model) if self._state.ema else {}
        return learned(self._state.model) | {f"ema.{key}": value for key, value in average.items()}

    def _begin(self, losses: Tensor) -> None:
        """Find the loss of the first step with a target in `losses`, if it is not known yet."""
        if self._first is None and self._shares:
            loss = next((value for value in losses.tolist() if value > 0), 0.0)
            share = next((value for value in torch.stack(self._shares).tolist() if value), 1.0)
            self._first = loss / share or None

    def _growth_of_loss(self) -> list[str]:
        new = self._state.losses.values()
        self._begin(new)
        median = torch.cat([self._reported.to(new.device), new]).nanmedian().item()
        first = self._first or 0.0
        if self._growth is None or first <= 0 or not median > self._growth * first:
            return []
        return [f"the loss is {median:.3g}, {median / first:,.0f} times that of the first step"]
