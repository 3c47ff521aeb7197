"""Steps that were skipped: counted, and their animals named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from hrpose.errors import RunError
from hrpose.processes import distributed
from hrpose.rundir.state import RunState

_NAMED = 4
"""Animals of a skipped step that are named; the rest is counted."""


class SkippedSteps:
    """Counts the steps that were skipped and names their animals.

    In fp16 the scale of the loss begins high, perhaps too high, and each skipped step halves it:
    that ends no run until the scale is below 1, where it is no help any more, and what is not
    finite comes of the weights or the animals.

    Args:
        state: in whose progress they are counted.
        limit: so many in a row end the run.
        describe: from an index of the training set to words.
        warn: takes the sentence about a skipped step.
        last_good: a sentence on the newest checkpoint, for the error that ends a run.
    """

    def __init__(
        self,
        state: RunState,
        limit: int,
        describe: Callable[[int], str],
        warn: Callable[[str], None],
        last_good: Callable[[], str],
    ) -> None:
        self._progress, self._scaler = state.progress, state.scaler
        self._limit, self._describe, self._warn = limit, describe, warn
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
        scales = self._scales_after(outcomes)
        for (iteration, _, indices), finite, scale in zip(steps, outcomes, scales, strict=True):
            if finite:
                progress.skipped_in_a_row = 0
                continue
            progress.skipped += 1
            progress.skipped_in_a_row += scale < 1
            everyone = [i for part in distributed.gather(indices) for i in part]
            named = "; ".join(self._describe(index) for index in everyone[:_NAMED])
            more = len(everyone) - _NAMED
            self._warn(
                f"step {iteration + 1} skipped: its gradient is not finite (number "
                f"{progress.skipped}, {progress.skipped_in_a_row} in a row); animals: {named}"
                + (f" and {more} more" if more > 0 else "")
                + (f"; the scale of the loss in fp16 comes down to {scale:g}" if scale >= 1 else "")
            )
            if progress.skipped_in_a_row >= self._limit:
                raise RunError(
                    f"{self._limit} steps in a row had gradients that are not finite: lower "
                    "optimizer.lr, set runner.clip_grad, or use runner.precision='fp32'; "
                    + self._last_good()
                )

    def _scales_after(self, outcomes: list[bool]) -> list[float]:
        """The scale of the loss after each of the last steps; 0 where there is none.

        Worked out from the newest: each skipped step halved it. Growth is left out, which only
        makes earlier ones larger than they were by as much.
        """
        scale = self._scaler.get_scale() if self._scaler.is_enabled() else 0.0
        scales = []
        for finite in reversed(outcomes):
            scales.append(scale)
            if scale and not finite:
                scale /= self._scaler.get_backoff_factor()
        return scales[::-1]
