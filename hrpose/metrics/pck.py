"""PCK and NME: distances in units of a length that each animal brings along."""

from __future__ import annotations

from typing import Any

import numpy as np

from hrpose.config.registry import register
from hrpose.keypoints import KeypointMeta
from hrpose.metrics.base import coverage_notes, full_name, scores_of
from hrpose.metrics.functional import distances, mean_of, pck
from hrpose.metrics.normaliser import Missing, Norm, Normaliser
from hrpose.metrics.resampling import Resampler, mean_resampler, places_of, share_resampler
from hrpose.structures import Instances, Predictions, Scores


@register
class PCK:
    """Share of labelled points that are predicted nearer than `thr` times the normaliser.

    Averaged over keypoints, each counting the same. See `Normaliser` for `norm` and `missing`.

    Args:
        variant: goes before the name, as in 'strict/PCK@0.3', to tell two on one page apart.
    """

    higher_is_better = True
    by_instance = True

    def __init__(
        self,
        thr: float = 0.3,
        norm: Norm = "box",
        missing: Missing | None = None,
        variant: str = "",
    ) -> None:
        if not thr > 0:
            raise ValueError(f"thr {thr}: expected a positive number")
        self.thr = thr
        self.normaliser = Normaliser(norm, missing)
        self.names = (full_name(f"PCK@{thr:g}", variant),)

    def check(self, meta: KeypointMeta) -> list[str]:
        """See `Metric.check`."""
        return self.normaliser.check(meta)

    def compute(
        self, predictions: Predictions, truth: Instances, coco: dict[str, Any], meta: KeypointMeta
    ) -> Scores:
        """See `Metric.compute`."""
        table, notes = _distances(self.normaliser, predictions, truth, coco, meta)
        return scores_of(self.names[0], pck(table, self.thr), meta, notes)

    def resampler(
        self,
        predictions: Predictions,
        truth: Instances,
        coco: dict[str, Any],
        meta: KeypointMeta,
        images: np.ndarray,
    ) -> Resampler:
        """See `Metric.resampler`."""
        table, _ = _distances(self.normaliser, predictions, truth, coco, meta)
        places = places_of(truth.image_ids[predictions.index], images)
        return share_resampler(self.names[0], table, [self.thr], places, len(images))


@register
class NME:
    """Normalised mean error: mean over all labelled points of distance / normaliser.

    See `Normaliser` for `norm` and `missing`; `variant` as in `PCK`.
    """

    higher_is_better = False
    by_instance = True

    def __init__(
        self, norm: Norm = "box", missing: Missing | None = None, variant: str = ""
    ) -> None:
        self.normaliser = Normaliser(norm, missing)
        self.names = (full_name("NME", variant),)

    def check(self, meta: KeypointMeta) -> list[str]:
        """See `Metric.check`."""
        return self.normaliser.check(meta)

    def compute(
        self, predictions: Predictions, truth: Instances, coco: dict[str, Any], meta: KeypointMeta
    ) -> Scores:
        """See `Metric.compute`."""
        table, notes = _distances(self.normaliser, predictions, truth, coco, meta)
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
        table, _ = _distances(self.normaliser, predictions, truth, coco, meta)
        places = places_of(truth.image_ids[predictions.index], images)
        return mean_resampler(self.names[0], table, places, len(images))


def _distances(
    normaliser: Normaliser,
    predictions: Predictions,
    truth: Instances,
    coco: dict[str, Any],
    meta: KeypointMeta,
) -> tuple[np.ndarray, list[str]]:
    """Distances (N, K) of all predictions in units of the normaliser, and notes to the reader."""
    rows = predictions.index
    lengths, notes = normaliser.lengths(truth, rows, coco, meta)
    table = distances(
        predictions.keypoints, truth.keypoints[rows], truth.visible[rows] > 0, lengths
    )
    return table, notes + coverage_notes(predictions, truth)
