"""What every metric offers to the engine, and the few things that all of them share."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from hrpose.keypoints import KeypointMeta
from hrpose.metrics.functional import Summary
from hrpose.metrics.resampling import Resampler
from hrpose.structures import Instances, Labels, Predictions, Scores


@runtime_checkable
class Metric(Protocol):
    """Numbers made of all predictions of a data set."""

    names: tuple[str, ...]
    """The names of its numbers, known before any data is read."""
    higher_is_better: bool
    """Whether a larger number is a better model."""
    by_instance: bool
    """Whether each prediction must answer one instance; else it is a detection in an image."""

    def check(self, meta: KeypointMeta) -> list[str]:
        """What in the metric disagrees with the keypoints, a sentence each."""

    def compute(self, predictions: Predictions, labels: Labels) -> Scores:
        """The numbers.

        Args:
            predictions: row i answers row `predictions.index[i]` of `labels.truth`.
        """

    def resampler(self, predictions: Predictions, labels: Labels, images: np.ndarray) -> Resampler:
        """A function from how often each of `images` (I,), sorted ids, is drawn to the numbers."""


def full_name(name: str, variant: str) -> str:
    """`name`, behind its variant if it has one: 'strict/PCK@0.3'."""
    return f"{variant}/{name}" if variant else name


def finite(value: float) -> float | None:
    """`value` as a plain float, None if it is NaN or infinite."""
    return float(value) if np.isfinite(value) else None


def scores_of(name: str, summary: Summary, meta: KeypointMeta, notes: list[str]) -> Scores:
    """`Scores` of one number, with notes on whatever does not exist."""
    overall, per_keypoint = summary
    unlabelled = [meta.names[place] for place in np.flatnonzero(np.isnan(per_keypoint))]
    if len(unlabelled) == len(meta):
        notes = [*notes, "does not exist: no labelled point counts"]
    elif unlabelled:
        notes = [*notes, f"no labelled point counts for {', '.join(unlabelled)}"]
    if np.isinf(overall):
        notes = [*notes, "does not exist: some predicted coordinates are not finite"]
    return Scores(
        values={name: finite(overall)},
        per_keypoint={name: dict(zip(meta.names, map(finite, per_keypoint), strict=True))},
        notes=[f"{name}: {note}" for note in notes],
    )


def coverage_notes(predictions: Predictions, truth: Instances) -> list[str]:
    """Notes on the instances that cannot count: without prediction, or without any label."""
    notes = []
    missing = len(truth) - len(predictions)
    if missing:
        notes.append(f"{missing} of {len(truth)} instances have no prediction and do not count")
    bare = np.count_nonzero(~truth.visible[predictions.index].astype(bool).any(axis=1))
    if bare:
        notes.append(f"{bare} of {len(predictions)} instances have no labelled point")
    return notes
