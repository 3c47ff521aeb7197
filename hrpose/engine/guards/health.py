"""Whether what came of good steps may be saved; waits for the device at a log line or a save."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hrpose.errors import RunError
from hrpose.models.soundness import extent, faults, learned
from hrpose.processes import distributed
from hrpose.rundir.state import RunState

_LARGEST = 1e4
"""Weights and statistics of a trained network stay far below it: those of the published HRNets are
below 100."""
_LARGE = 10.0
"""So many times the first loss are worth a warning."""
_ROOM = 100.0
"""Weights that begin larger, as other people's may, have room up to so many times that."""


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
      step of the run. The median, as one hard batch is no ruin. That step is made with weights that
      nothing has harmed yet; where few of its points have a target, its loss counts as if all had.
      A trained model begins low, but if it forgets all that it knows, its loss rises to that of
      empty heatmaps, some tens of times as much. A loss that begins at 0 or below has no such
      measure.

    From ten times on it is said, and the run goes on: a rate of a hundred times too much, whose
    first steps do that, still comes back to the loss of empty heatmaps as it falls.

    Args:
        growth: None leaves the loss out, for losses of another kind.
        last_good: a sentence on the newest checkpoint.
        warn: takes the sentence on a loss that has grown.
    """

    def __init__(
        self,
        state: RunState,
        growth: float | None,
        last_good: Callable[[], str],
        warn: Callable[[str], None],
    ) -> None:
        self._state, self._growth = state, growth
        self._last_good, self._warn = last_good, warn
        self._said = False
        self._largest = max(_LARGEST, _ROOM * extent(self._trained()))
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
        self._warn_of_growth(losses)
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
        progress = self._state.progress
        if progress.first_loss is None and self._shares:
            loss = next((value for value in losses.tolist() if value > 0), 0.0)
            share = next((value for value in torch.stack(self._shares).tolist() if value), 1.0)
            progress.first_loss = loss / share or None

    def _warn_of_growth(self, losses: Tensor) -> None:
        """Say it, once until it falls again, where the median of a log line has grown much."""
        median, first = losses.nanmedian().item(), self._state.progress.first_loss or 0.0
        large = self._growth is not None and first > 0 and median > _LARGE * first
        if large and not self._said:
            self._warn(
                f"the loss is {median:.3g}, {median / first:,.0f} times that of the first step: "
                "should it not fall soon, lower optimizer.lr or lengthen the warm-up"
            )
        self._said = large

    def _growth_of_loss(self) -> list[str]:
        new = self._state.losses.values()
        self._begin(new)
        median = torch.cat([self._reported.to(new.device), new]).nanmedian().item()
        first = self._state.progress.first_loss or 0.0
        if self._growth is None or first <= 0 or not median > self._growth * first:
            return []
        return [f"the loss is {median:.3g}, {median / first:,.0f} times that of the first step"]
