"""Scoring alone: AP beside the evaluators of COCO, and PCK with NME, of predictions from a seed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from hrpose.config.registry import build
from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances, Labels
from proofs.benchmark.figures import Fact, Figure, Row, Section, ratio
from proofs.benchmark.pages import Page
from proofs.benchmark.stand_in import coco_of, random_animals, random_predictions
from proofs.benchmark.timing import Plan, alternate

Values = dict[str, float | None]
Scorer = Callable[[], Values]

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
    sigmas = list(meta.sigmas) if meta.sigmas else [_SIGMA] * len(meta)
    works = _scorers(meta, sigmas, truth)
    taken = alternate(works, plan, "AP")
    ours, *others = [work() for work in works.values()]
    rows = [Row("AP by hrpose", Figure(tuple(taken["hrpose"]), "s"), _ap_facts(count, ours))]
    for name, values in zip([name for name in works if name != "hrpose"], others, strict=True):
        facts = {**_ap_facts(count, values), "largest_difference": _difference(ours, values)}
        rows.append(Row(f"AP by {name}", Figure(tuple(taken[name]), "s"), facts))
        rows.append(Row(f"AP by {name}, ratio to hrpose", ratio(taken[name], taken["hrpose"])))
    return rows


def _scorers(meta: KeypointMeta, sigmas: list[float], truth: Instances) -> dict[str, Scorer]:
    """The metric with each evaluator that can be had here, our own first."""
    labels, predictions = Labels(truth, coco_of(truth), meta), random_predictions(truth)

    def by(evaluator: str) -> Scorer:
        metric: Any = build({"type": "CocoAP", "sigmas": sigmas, "evaluator": evaluator}, "CocoAP")
        return lambda: metric.compute(predictions, labels).values

    scorers = {"hrpose": by("hrpose")}
    for evaluator in ("xtcocotools", "pycocotools"):
        with contextlib.suppress(ConfigError):  # not installed, or built for another NumPy
            scorers[evaluator] = by(evaluator)
    return scorers


def _ap_facts(count: int, values: Values) -> dict[str, Fact]:
    return {"predictions": count, "AP": values["AP"]}


def _distance_rows(meta: KeypointMeta, plan: Plan, count: int) -> list[Row]:
    truth = random_animals(count, len(meta))
    labels, predictions = Labels(truth, coco_of(truth), meta), random_predictions(truth)
    metrics = build([{"type": "PCK", "norm": "box"}, {"type": "NME", "norm": "box"}], "metrics")

    def both() -> list[float | None]:
        done = [metric.compute(predictions, labels) for metric in metrics]
        return [value for scores in done for value in scores.values.values()]

    taken = alternate({"both": both}, plan, "PCK and NME")
    pck, nme = both()
    facts: dict[str, Fact] = {"predictions": count, "PCK": pck, "NME": nme}
    return [Row("PCK + NME", Figure(tuple(taken["both"]), "s"), facts)]


def _difference(ours: Values, theirs: Values) -> float:
    """The largest of all numbers; infinite where only one side has a number."""
    pairs = [(ours[name], theirs[name]) for name in theirs]
    return max(
        0.0 if a is b else float("inf") if a is None or b is None else abs(a - b) for a, b in pairs
    )
