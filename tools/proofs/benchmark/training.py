"""Training from end to end: the page's loader and the Runner's own epoch."""

from __future__ import annotations

import contextlib
import io
import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch
from torch.utils.data import DataLoader

from hrpose.datasets.base import PoseDataset
from hrpose.engine.experiment import prepare
from hrpose.engine.loading import loader
from hrpose.engine.runner import Runner
from hrpose.rundir.log import RunLog
from proofs.benchmark.figures import Fact, Figure, Row, Section, rate, ratio
from proofs.benchmark.pages import Page, supplied, without_validation
from proofs.benchmark.resident import new_runner, on_device
from proofs.benchmark.resized import Resized
from proofs.benchmark.timing import Plan, bar, seconds_of


class Stopwatch:
    """The runner's loader with a clock in it: how long each run of batches took and waited.

    It hands over `warm_up` batches, then `runs` times `batches` of them, and ends. The loader must
    have that many.
    """

    def __init__(self, loader: Any, warm_up: int, batches: int, runs: int, plan: Plan) -> None:
        self._loader, self._warm_up, self._batches, self._runs = loader, warm_up, batches, runs
        self._plan = plan
        self.seconds: list[float] = []
        """Of each run."""
        self.waited: list[float] = []
        """Of these, waiting for the loader."""
        self.first = 0.0
        """Seconds until the first batch was there."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_loader"], name)

    def __len__(self) -> int:
        return self._warm_up + self._batches * self._runs

    def __iter__(self) -> Iterator[dict[str, Any]]:
        asked = time.perf_counter()
        batches = iter(self._loader)
        with bar("training", self._runs) as progress:
            for batch in islice(batches, self._warm_up):
                self.first = self.first or time.perf_counter() - asked
                yield batch
            for _ in range(self._runs):
                yield from self._run(batches)
                progress.update()

    def _run(self, batches: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        self._plan.wait()
        start, waited = time.perf_counter(), 0.0
        for _ in range(self._batches):
            asked = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - asked
            yield batch
        self._plan.wait()
        self.seconds.append(time.perf_counter() - start)
        self.waited.append(waited)


def train_section(page: Page, plan: Plan, folder: Path) -> Section:
    """Images a second of training with the loader, and the share of time that it is waited for.

    Before and after stand training steps from resident data, of the same Runner.
    """
    experiment = prepare(without_validation(page))
    animals = experiment.dataset("train")
    size = experiment.data.batch_size * experiment.settings.accumulate

    def steps(count: int) -> PoseDataset:
        return cast(PoseDataset, Resized(animals, count * size))

    with contextlib.redirect_stdout(io.StringIO()), contextlib.closing(RunLog(folder)) as log:
        one = supplied(experiment, lambda *_: steps(1))
        runner = new_runner(one, folder, log, plan.device)
        runner.train_epoch(0)  # one step; puts every layer in the mode that training wants

        def make_loader(count: int) -> DataLoader:
            return loader(experiment, steps(count), train=True, device=plan.device)

        return _train(runner, make_loader, plan)


def _train(runner: Runner, make_loader: Callable[[int], DataLoader], plan: Plan) -> Section:
    accumulate = runner.settings.accumulate
    batches = [on_device(batch, plan.device) for batch in runner.loader]
    images = sum(len(batch["images"]) for batch in batches)

    def step() -> torch.Tensor:
        return runner.train_step(batches)

    # no loader has animals left while resident steps are timed: its processes are idle
    calls = max(1, round(plan.seconds / seconds_of(step, 1, plan)))
    before = (plan.repeats + 1) // 2
    resident = [seconds_of(step, calls, plan) for _ in range(before)]
    warm_up = math.ceil((runner.loader.num_workers + 2) / accumulate)
    long = make_loader(warm_up + calls * plan.repeats + 1)  # one to spare
    watch = Stopwatch(long, warm_up * accumulate, calls * accumulate, plan.repeats, plan)
    runner.loader = cast(DataLoader, watch)
    runner.iters_per_epoch = warm_up + calls * plan.repeats
    runner.train_epoch(0)
    resident += [seconds_of(step, calls, plan) for _ in range(plan.repeats - before)]
    whole = [seconds / calls for seconds in watch.seconds]
    facts: dict[str, Fact] = {
        "batch": len(batches[0]["images"]),
        "steps_per_run": calls,
        "workers": long.num_workers,
        "first_batch_after_s": watch.first,
    }
    waited = [part / all_ for part, all_ in zip(watch.waited, watch.seconds, strict=True)]
    return Section(
        [
            Row("training, end to end", rate(whole, images, "img/s"), facts),
            Row("data-wait share", Figure(tuple(waited), "of the time")),
            Row("resident steps, before and after", rate(resident, images, "img/s")),
            Row("end to end, ratio to resident steps", ratio(resident, whole)),
        ],
        [
            "the Runner's own epoch with the page's loader, logging included; no validation, no "
            "checkpoint",
            "data-wait share: as in the training log, the share of time in which the loop waits "
            "for the loader; on a GPU work may still be queued meanwhile, so the ratio to resident "
            "steps is what is really lost",
        ],
    )
