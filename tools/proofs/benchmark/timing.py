"""Repeated runs of works that take turns, with the device's queue empty at both ends of each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Args:
        repeats: runs of each figure that count.
        seconds: least length of one run; a work is called as often as that takes.
    """

    device: torch.device
    repeats: int = 5
    seconds: float = 1.0

    def wait(self) -> None:
        """Until the device has done all that it was asked to."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()


def alternate(
    works: Mapping[str, Callable[[], object]], plan: Plan, title: str
) -> dict[str, list[float]]:
    """Seconds of one call of each work, in each run.

    Warm-up: one call of each, then calls for `plan.seconds`, from which the number of calls in a
    run is taken. Then the works take turns, a run each, `plan.repeats` times: what slows the
    machine down for a while meets all of them.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    with bar(title, len(works) * (plan.repeats + 1)) as progress:
        calls = {}
        for name, work in works.items():
            work()
            calls[name] = _calls(work, plan)
            progress.update()
        for _ in range(plan.repeats):
            for name, work in works.items():
                taken[name].append(seconds_of(work, calls[name], plan))
                progress.update()
    return taken


def seconds_of(work: Callable[[], object], calls: int, plan: Plan) -> float:
    """Seconds of one call, from `calls` of them in a row."""
    plan.wait()
    start = time.perf_counter()
    for _ in range(calls):
        work()
    plan.wait()
    return (time.perf_counter() - start) / calls


def bar(title: str, total: int) -> Any:
    """A progress bar, only on a terminal."""
    hidden = not sys.stderr.isatty()
    return tqdm(desc=title, total=total, leave=False, disable=hidden, dynamic_ncols=True)


def _calls(work: Callable[[], object], plan: Plan) -> int:
    """How many calls of `work` fill a run."""
    calls, spent = 0, 0.0
    while not calls or spent < plan.seconds:
        spent += seconds_of(work, 1, plan)
        calls += 1
    return max(1, round(plan.seconds * calls / spent))
