"""EPE and AUC: distances in image px, the same for large and small animals."""

from __future__ import annotations

from typing import Any

import numpy as np

from hrpose.config.registry import register
from hrpose.keypoints import KeypointMeta
from hrpose.metrics.base import coverage_notes, full_name, scores_of
from hrpose.metrics.functional import auc, distances, mean_of
from hrpose.metrics.resampling import Resampler, mean_resampler, places_of, share_resampler
from hrpose.structures import Instances, Predictions, Scores


@register
class EPE:
    """End-point error: mean distance over all labelled points, image px. `variant` as in `PCK`."""

    higher_is_better = False
    by_instance = True

    def __init__(self, variant: str = "") -> None:
        self.names = (full_name("EPE", variant),)

    def check(self, meta: KeypointMeta) -> list[str]:
        """Nothing can disagree."""
        return []

    def compute(
        self, predictions: Predictions, truth: Instances, coco: dict[str, Any], meta: KeypointMeta
    ) -> Scores:
        """See `Metric.compute`."""
        notes = ["in image px", *coverage_notes(predictions, truth)]
        table = _distances(predictions, truth, 1.0)
        return scores_of(self.names[0], mean_of(table), meta, notes)

    def resampler(
        self,
        predictions: Predictions,
        truth: Instances,
        coco: dict[str, Any],
        meta: KeypointMeta,
        images: np.ndarray,
    ) -> Resampler:
        """See `Metric.resampler`."""
        table = _distances(predictions, truth, 1.0)
        places = places_of(truth.image_ids[predictions.index], images)
        return mean_resampler(self.names[0], table, places, len(images))


@register
class AUC:
    """Area under the curve of PCK over thresholds from 0 up to `norm` image px, in `steps` steps.

    `variant` as in `PCK`.
    """

    higher_is_better = True
    by_instance = True

    def __init__(self, norm: float = 30, steps: int = 20, variant: str = "") -> None:
        if not norm > 0:
            raise ValueError(f"norm {norm}: expected a positive number of px")
        if steps < 1:
            raise ValueError(f"steps {steps}: expected at least 1")
        self.norm = norm
        self.steps = steps
        self.names = (full_name("AUC", variant),)

    def check(self, meta: KeypointMeta) -> list[str]:
        """Nothing can disagree."""
        return []

    def compute(
        self, predictions: Predictions, truth: Instances, coco: dict[str, Any], meta: KeypointMeta
    ) -> Scores:
        """See `Metric.compute`."""
        notes = [
            f"{self.steps} thresholds from 0 to below {self.norm:g} image px",
            *coverage_notes(predictions, truth),
        ]
        table = _distances(predictions, truth, self.norm)
        return scores_of(self.names[0], auc(table, self.steps), meta, notes)

    def resampler(
        self,
        predictions: Predictions,
        truth: Instances,
        coco: dict[str, Any],
        meta: KeypointMeta,
        images: np.ndarray,
    ) -> Resampler:
        """See `Metric.resampler`."""
        table = _distances(predictions, truth, self.norm)
        places = places_of(truth.image_ids[predictions.index], images)
        thresholds = [step / self.steps for step in range(self.steps)]
        return share_resampler(self.names[0], table, thresholds, places, len(images))


def _distances(predictions: Predictions, truth: Instances, length: float) -> np.ndarray:
    """Distances (N, K) of all predictions in units of `length` image px."""
    rows = predictions.index
    lengths = np.full(len(rows), length)
    return distances(predictions.keypoints, truth.keypoints[rows], truth.visible[rows] > 0, lengths)
