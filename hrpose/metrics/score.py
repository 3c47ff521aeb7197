"""Every metric of a page for one set of predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hrpose.structures import Labels, Predictions

if TYPE_CHECKING:
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


@dataclass
class Pairing:
    """Predictions as a metric wants them, and the labels that their index leads to."""

    predictions: Predictions
    labels: Labels
    notes: Sequence[str] = ()
    trouble: str | None = None
    """Why the metric does not exist for them, if so."""


def score(
    predictions: Predictions, metrics: Sequence[Metric], view: Callable[[Metric], Pairing]
) -> Report:
    """All `metrics` of `predictions`, each of its own view of them."""
    report = Report(predictions)
    for metric in metrics:
        seen = view(metric)
        if seen.trouble:
            report.values.update(dict.fromkeys(metric.names))
            report.notes.append(f"{metric.names[0]}: does not exist: {seen.trouble}")
            continue
        scores = metric.compute(seen.predictions, seen.labels)
        report.values.update(scores.values)
        report.per_keypoint.update(scores.per_keypoint)
        report.notes += [*scores.notes, *(f"{metric.names[0]}: {note}" for note in seen.notes)]
    return report
