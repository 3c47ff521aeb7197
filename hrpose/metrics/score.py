"""Every metric of a page for one set of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hrpose.structures import Predictions

if TYPE_CHECKING:
    from hrpose.engine.labels import Labels
    from hrpose.metrics.base import Metric


@dataclass
class Report:
    """All metrics of one evaluation."""

    predictions: Predictions
    values: dict[str, float | None] = field(default_factory=dict)
    per_keypoint: dict[str, dict[str, float | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    intervals: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    """Of each number, where they were asked for; see `metrics.bootstrap`."""


def score(predictions: Predictions, labels: Labels, metrics: Sequence[Metric]) -> Report:
    """All `metrics` for `predictions`, which answer rows of `labels`."""
    report = Report(predictions)
    for metric in metrics:
        scores = metric.compute(predictions, labels.truth, labels.coco, labels.meta)
        report.values.update(scores.values)
        report.per_keypoint.update(scores.per_keypoint)
        report.notes.extend(scores.notes)
    return report
