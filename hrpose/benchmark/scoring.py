"""Scoring alone: AP beside the evaluators of COCO, and PCK with NME, of predictions from a seed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np

from hrpose.benchmark.figures import Fact, Figure, Row, Section, ratio
from hrpose.benchmark.pages import Page
from hrpose.benchmark.stand_in import coco_of, random_animals, random_predictions
from hrpose.benchmark.timing import Plan, alternate
from hrpose.engine.experiment import prepare
from hrpose.keypoints import KeypointMeta
from hrpose.metrics import cocoapi
from hrpose.registry import build

_AP, _DISTANCE = 5000, 4000
"""Predictions that are scored by AP, and by PCK and NME."""
_SIGMA = 0.05
"""Of every keypoint, where the page's have none."""


def eval_section(page: Page, plan: Plan, counts: Sequence[int] = (_AP, _DISTANCE)) -> Section:
    """Seconds of each scoring of `counts` predictions, by AP and by PCK and NME."""
    meta = prepare(page).meta
    by_ap, by_distance = counts
    return Section(
        [*_ap_rows(meta, plan, by_ap), *_distance_rows(meta, plan, by_distance)],
        ["animals and predictions from a seed, 1 to 3 in an image; reading files is not included"],
    )


def _ap_rows(meta: KeypointMeta, plan: Plan, count: int) -> list[Row]:
    truth = random_animals(count, len(meta))
    coco, predictions = coco_of(truth), random_predictions(truth)
    sigmas = list(meta.sigmas) if meta.sigmas else [_SIGMA] * len(meta)
    metric: Any = build({"type": "CocoAP", "sigmas": sigmas}, "CocoAP")

    def by_evaluator(backend: cocoapi.Backend) -> dict[str, float | None]:
        array = np.array(sigmas, dtype=np.float64)
        detections = metric.detections(predictions, truth, array)
        return cocoapi.evaluate(coco, detections, array, [1], backend)[0]

    def ours() -> dict[str, float | None]:
        return metric.compute(predictions, truth, coco, meta).values

    works: dict[str, Callable[[], dict[str, float | None]]] = {"CocoAP": ours}
    works |= {backend: partial(by_evaluator, backend) for backend in _backends()}
    taken = alternate(works, plan, "AP")
    values = {name: work() for name, work in works.items()}
    rows = []
    for name, seconds in taken.items():
        facts: dict[str, Fact] = {"predictions": count, "AP": values[name]["AP"]}
        if name != "CocoAP":
            facts["largest_difference_of_the_ten_numbers"] = _difference(
                values["CocoAP"], values[name]
            )
        rows.append(Row(f"AP by {name}", Figure(tuple(seconds), "s"), facts))
        if name != "CocoAP":
            rows.append(Row(f"AP by {name}, ratio to CocoAP", ratio(seconds, taken["CocoAP"])))
    return rows


def _distance_rows(meta: KeypointMeta, plan: Plan, count: int) -> list[Row]:
    truth = random_animals(count, len(meta))
    coco, predictions = coco_of(truth), random_predictions(truth)
    metrics = build([{"type": "PCK", "norm": "box"}, {"type": "NME", "norm": "box"}], "metrics")

    def both() -> list[float | None]:
        done = [metric.compute(predictions, truth, coco, meta) for metric in metrics]
        return [value for scores in done for value in scores.values.values()]

    taken = alternate({"both": both}, plan, "PCK and NME")
    pck, nme = both()
    facts: dict[str, Fact] = {"predictions": count, "PCK": pck, "NME": nme}
    return [Row("PCK + NME", Figure(tuple(taken["both"]), "s"), facts)]


def _backends() -> list[cocoapi.Backend]:
    """The evaluators that run here; xtcocotools is built against NumPy 1."""
    found = [name for name in ("xtcocotools", "pycocotools") if importlib.util.find_spec(name)]
    if not np.__version__.startswith("1."):
        found = [name for name in found if name != "xtcocotools"]
    return cast("list[cocoapi.Backend]", found)


def _difference(ours: dict[str, float | None], theirs: dict[str, float | None]) -> float:
    """The largest of all numbers; infinite where only one side has a number."""
    pairs = [(ours[name], theirs[name]) for name in theirs]
    return max(
        0.0 if a is b else float("inf") if a is None or b is None else abs(a - b) for a, b in pairs
    )
