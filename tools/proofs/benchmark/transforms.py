"""The time of each transform, taken inside the data set's own way through its pipeline."""

from __future__ import annotations

import copy
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.loader import collate
from hrpose.datasets.transforms import Drawn, Transform
from proofs.benchmark.figures import Figure, Row
from proofs.benchmark.timing import Plan

Key = tuple[int, int]


def transform_rows(dataset: PoseDataset, keys: Sequence[Key], plan: Plan, split: str) -> list[Row]:
    """Microseconds a sample of each transform, of the rest of a sample, and of collating; with
    its share of the whole.
    """
    spent: list[dict[str, float]] = []
    whole = dataset.pipeline
    for _ in range(plan.repeats + 1):  # the first is the warm-up
        times: dict[str, float] = defaultdict(float)
        dataset.pipeline = tuple(
            _timed(transform, times, f"{place} {type(transform).__name__}")
            for place, transform in enumerate(whole)
        )
        try:
            _read(dataset, keys, times)
        finally:
            dataset.pipeline = whole
        spent.append({name: value / len(keys) for name, value in times.items()})
    runs = spent[1:]
    total = Figure(tuple(sum(run.values()) for run in runs), "s").median
    rows = []
    for name in runs[0]:
        figure = Figure(tuple(run[name] * 1e6 for run in runs), "us/sample")
        rows.append(Row(f"{split}: {name}", figure, {"share": figure.median / 1e6 / total}))
    return rows


def _read(dataset: PoseDataset, keys: Sequence[Key], times: dict[str, float]) -> None:
    """Read the samples; adds what no transform took, and the collating, to `times`."""
    start = time.perf_counter()
    samples = dataset.__getitems__(keys)
    read = time.perf_counter()
    inside = sum(times.values())
    collate(samples)
    times["record, random stream and the rest"] = read - start - inside
    times["collate"] = time.perf_counter() - read


def _timed(transform: Transform, times: dict[str, float], name: str) -> Transform:
    """A copy of `transform`, of a class made from its own, that adds its time to `times[name]`."""

    class Timed(type(transform)):  # type: ignore[misc]
        def for_each(self, samples: Sequence[Drawn]) -> list[Drawn]:
            start = time.perf_counter()
            try:
                return super().for_each(samples)
            finally:
                times[name] += time.perf_counter() - start

    timed: Any = copy.copy(transform)
    timed.__class__ = Timed
    return timed
