"""Skipped steps that end a run, and those of a loss scale that is still too high."""

from types import SimpleNamespace

import pytest
import torch

from hrpose.engine.guards.skipped import SkippedSteps
from hrpose.engine.steps import clip_gradients, step_if_finite
from hrpose.errors import RunError
from hrpose.rundir.state import Progress


class Steps:
    """Steps of one weight whose gradient is 1, or NaN, by a scaler as of fp16."""

    def __init__(self, scale: float | None) -> None:
        self.scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1, enabled=scale is not None)
        self.progress, self.said, self.count = Progress(), [], 0
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.optimizer = torch.optim.SGD([self.weight], 0.1)
        self.skipped = SkippedSteps(
            SimpleNamespace(progress=self.progress, scaler=self.scaler), 3, str, self.said.append,
            lambda: "go on from latest.pth",
        )  # fmt: skip

    def step(self, fits_below: float) -> None:
        """One step, whose scaled gradient is a number while the scale is below `fits_below`."""
        self.scaler.scale(torch.ones(()))
        scale = self.scaler.get_scale()
        fits = scale < fits_below
        self.weight.grad = torch.tensor(scale if fits else torch.inf)
        norm = clip_gradients(self.optimizer, self.scaler, None)
        finite = step_if_finite(self.optimizer, self.scaler, norm)
        self.skipped.note(self.count, finite, [{"index": torch.tensor([7])}])
        self.count += 1


def test_a_scale_that_is_too_high_ends_no_run():
    """2^40 fits from 2^30 on: eleven steps are skipped, where three in a row end a run."""
    steps = Steps(2.0**40)
    for _ in range(15):
        steps.step(fits_below=2.0**30)
    assert (steps.progress.skipped, steps.progress.skipped_in_a_row) == (11, 0)
    assert steps.scaler.get_scale() == 2.0**29 and steps.weight < 1
    assert "the scale of the loss in fp16 comes down to 5.49756e+11" in steps.said[0]


def test_what_no_scale_helps_ends_the_run_in_fp16_too():
    """From 4 the scale comes down to 2, 1, then .5, .25, .125: three that count."""
    steps = Steps(4.0)
    with pytest.raises(RunError, match="3 steps in a row had gradients that are not finite"):
        for _ in range(9):
            steps.step(fits_below=0)
    assert steps.progress.skipped == 5 and "fp16" not in steps.said[-1]


def test_without_a_scale_each_skip_counts():
    steps = Steps(None)
    with pytest.raises(RunError, match="go on from latest"):
        for _ in range(9):
            steps.step(fits_below=0)
    assert steps.progress.skipped == 3


def test_scales_of_steps_that_are_looked_at_together():
    """On a GPU several steps are looked at at once; the scale of each is worked out."""
    steps = Steps(0.5)
    assert steps.skipped._scales_after([False, True, False]) == [1, 1, 0.5]
