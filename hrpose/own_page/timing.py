"""How long a training step takes on this machine, and what fits into some minutes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hrpose.engine.loading import loader, size_of_epoch
from hrpose.engine.train import make_runner
from hrpose.own_page.plan import MOST, SIDES, Plan, shaped
from hrpose.processes.device import choose_device, set_backends
from hrpose.rundir.log import RunLog

if TYPE_CHECKING:
    from hrpose.engine.experiment import Experiment

STEPS = 10
"""How many are timed, after two that are not: the first ones are slower."""
WANTED = 1_000
"""Steps that a run should have at least; a smaller input makes more of them."""
_TRAINING, _VALIDATION = 0.8, 0.1  # shares of the time; the rest is for checkpoints and the start
_FORWARD = 0.7  # of the time of a training step: an animal predicted, with its mirror image
_WARM = 2
Progress = Callable[[Iterator[int], int, str], Iterator[int]]
"""Puts a progress line around some steps: them, their number, a title."""


def fit(
    plan: Plan,
    minutes: float,
    fixed_size: bool,
    validated: int,
    prepare: Callable[[Plan], Experiment],
    progress: Progress,
) -> tuple[Plan, str]:
    """`plan` changed so that its run takes about `minutes` here, and what was measured, in words.

    Sizes are tried from the plan's own down, until `WANTED` steps fit or there is no smaller one;
    then half the batch is.

    Args:
        fixed_size: keep the input size.
        validated: animals of a validation.
        prepare: makes the page of a plan.
    """
    tried = smaller(plan, fixed_size)
    for number, candidate in enumerate(tried):
        rehearsal = Rehearsal(prepare(candidate))
        enough = minutes * 60 * _TRAINING / WANTED
        title = f"timing steps, {candidate.input_size[0]} x {candidate.input_size[1]} px"
        seconds = rehearsal.seconds(enough if number < len(tried) - 1 else None, progress, title)
        if seconds is not None:
            steps = min(plan.steps, MOST, int(minutes * 60 * _TRAINING / seconds))
            chosen = candidate.with_steps(max(1, steps))
            once = validated * seconds / candidate.batch_size * _FORWARD
            times = int(minutes * 60 * _VALIDATION / once)
            chosen = replace(chosen, validations=max(1, min(chosen.validations, times)))
            took = f"{seconds:.2f} s a step of {chosen.batch_size}, timed on {rehearsal.machine}"
            return chosen, f"{took}: about {chosen.steps * seconds / 60 / _TRAINING:.0f} min"
    raise AssertionError("the last candidate is always timed")


def smaller(plan: Plan, fixed_size: bool) -> list[Plan]:
    """`plan` and what is quicker: smaller inputs, then smaller batches with the smallest."""
    width, height = plan.input_size
    sides = [side for side in reversed(SIDES) if side < max(width, height)]
    plans = [plan]
    if not fixed_size:
        plans += [replace(plan, input_size=shaped(side, width / height)) for side in sides]
    batch = plan.batch_size
    while batch > 4:
        batch //= 2
        plans.append(replace(plans[-1], batch_size=batch))
    return plans


class Rehearsal:
    """The first steps of a run, as `hrpose train` makes them, from random weights."""

    def __init__(self, experiment: Experiment) -> None:
        device = choose_device(experiment.settings.device)
        set_backends(experiment.settings.deterministic, device, experiment.settings.tf32)
        batches = loader(experiment, experiment.dataset("train"), train=True, device=device)
        identity = size_of_epoch(batches, experiment.settings)
        log = RunLog(None, False, None)
        self.runner = make_runner(experiment, identity, batches, None, Path(), log, device)
        self.device = device

    @property
    def machine(self) -> str:
        """The device in words."""
        from hrpose.rundir.provenance import machine

        return machine(self.device)

    def seconds(self, enough: float | None, progress: Progress, title: str) -> float | None:
        """Seconds a step, mean of `STEPS`; None where the first one timed takes over `enough`."""
        self.runner.state.model.train()
        source = self._batches()
        begun = 0.0
        for number in progress(iter(range(_WARM + STEPS)), _WARM + STEPS, title):
            if number == _WARM:
                self._wait()
                begun = time.perf_counter()
            self.runner.train_step([next(source)])
            if number == _WARM:
                self._wait()
                if enough is not None and time.perf_counter() - begun > 1.5 * enough:
                    return None
        self._wait()
        taken = (time.perf_counter() - begun) / STEPS
        return None if enough is not None and taken > enough else taken

    def _batches(self) -> Iterator[dict[str, Any]]:
        for epoch in itertools.count():
            self.runner.loader.batch_sampler.set_epoch(epoch, 0)  # type: ignore[union-attr]
            yield from self.runner.loader

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
