"""PCK, NME, EPE and AUC: distances between predicted and labelled points, summarised.

Legend: N predicted instances, K keypoints, I images.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from hrpose.config.registry import register
from hrpose.keypoints import KeypointMeta
from hrpose.metrics.base import Metric, coverage_notes, full_name, scores_of
from hrpose.metrics.functional import Summary, auc, distances, mean_of, pck
from hrpose.metrics.normaliser import Missing, Norm, Normaliser
from hrpose.metrics.resampling import Resampler, mean_resampler, places_of, share_resampler
from hrpose.structures import Labels, Predictions, Scores


class DistanceMetric(Metric, ABC):
    """One number made of the distances of all labelled points.

    Args:
        unit: what distances are in units of: lengths of the animals, or a number of image px.
        variant: goes before the name, as in 'strict/PCK@0.3', to tell two on one page apart.
    """

    by_instance = True

    def __init__(self, name: str, unit: Normaliser | float, variant: str) -> None:
        self.names = (full_name(name, variant),)
        self.unit = unit

    @abstractmethod
    def summarise(self, table: np.ndarray) -> Summary:
        """The number, and that of each keypoint, of distances (N, K)."""

    @abstractmethod
    def resampled(self, table: np.ndarray, places: np.ndarray, count: int) -> Resampler:
        """See `resampling.mean_resampler`."""

    def notes(self) -> list[str]:
        """What a reader must know of the number, whatever the data."""
        return []

    def check(self, meta: KeypointMeta) -> list[str]:
        """See `Metric.check`."""
        return self.unit.check(meta) if isinstance(self.unit, Normaliser) else []

    def label_notes(self, labels: Labels) -> list[str]:
        """On the animals of `labels` whose length is made up, as it was in 2021."""
        if not (isinstance(self.unit, Normaliser) and self.unit.as_2021):
            return []
        return self.unit.lengths(np.arange(len(labels.truth)), labels)[1][1:]

    def compute(self, predictions: Predictions, labels: Labels) -> Scores:
        """See `Metric.compute`."""
        table, notes = self.distances(predictions, labels)
        notes = [*notes, *self.notes(), *coverage_notes(predictions, labels.truth)]
        return scores_of(self.names[0], self.summarise(table), labels.meta, notes)

    def resampler(self, predictions: Predictions, labels: Labels, images: np.ndarray) -> Resampler:
        """See `Metric.resampler`."""
        table, _ = self.distances(predictions, labels)
        places = places_of(labels.truth.image_ids[predictions.index], images)
        return self.resampled(table, places, len(images))

    def distances(self, predictions: Predictions, labels: Labels) -> tuple[np.ndarray, list[str]]:
        """Distances (N, K) of all predictions, and notes on the normaliser."""
        rows, truth = predictions.index, labels.truth
        if isinstance(self.unit, Normaliser):
            lengths, notes = self.unit.lengths(rows, labels)
        else:
            lengths, notes = np.full(len(rows), self.unit), []
        visible = truth.visible[rows] > 0
        return distances(predictions.keypoints, truth.keypoints[rows], visible, lengths), notes


@register
class PCK(DistanceMetric):
    """Share of labelled points that are predicted nearer than `thr` times the normaliser.

    Averaged over keypoints, each counting the same. See `Normaliser` for `norm` and `missing`,
    `DistanceMetric` for `variant`.
    """

    higher_is_better = True

    def __init__(
        self,
        thr: float = 0.3,
        norm: Norm = "box",
        missing: Missing = "leave-out",
        variant: str = "",
    ) -> None:
        if not thr > 0:
            raise ValueError(f"thr {thr}: expected a positive number")
        super().__init__(f"PCK@{thr:g}", Normaliser(norm, missing), variant)
        self.thr = thr

    def summarise(self, table: np.ndarray) -> Summary:
        """See `functional.pck`."""
        return pck(table, self.thr)

    def resampled(self, table: np.ndarray, places: np.ndarray, count: int) -> Resampler:
        """See `resampling.share_resampler`."""
        return share_resampler(self.names[0], table, [self.thr], places, count)


class MeanDistance(DistanceMetric):
    """The mean over all labelled points; a keypoint weighs as much as it has points."""

    higher_is_better = False

    def summarise(self, table: np.ndarray) -> Summary:
        """See `functional.mean_of`."""
        return mean_of(table)

    def resampled(self, table: np.ndarray, places: np.ndarray, count: int) -> Resampler:
        """See `resampling.mean_resampler`."""
        return mean_resampler(self.names[0], table, places, count)


@register
class NME(MeanDistance):
    """Normalised mean error: mean over all labelled points of distance / normaliser.

    See `Normaliser` for `norm` and `missing`, `DistanceMetric` for `variant`.
    """

    def __init__(
        self, norm: Norm = "box", missing: Missing = "leave-out", variant: str = ""
    ) -> None:
        super().__init__("NME", Normaliser(norm, missing), variant)


@register
class EPE(MeanDistance):
    """End-point error: mean distance over all labelled points, image px; the same for large and
    small animals.
    """

    def __init__(self, variant: str = "") -> None:
        super().__init__("EPE", 1.0, variant)

    def notes(self) -> list[str]:
        """Its unit."""
        return ["in image px"]


@register
class AUC(DistanceMetric):
    """Area under the curve of PCK over `steps` thresholds from 0 up to `norm` image px."""

    higher_is_better = True

    def __init__(self, norm: float = 30, steps: int = 20, variant: str = "") -> None:
        if not norm > 0:
            raise ValueError(f"norm {norm}: expected a positive number of px")
        if steps < 1:
            raise ValueError(f"steps {steps}: expected at least 1")
        super().__init__("AUC", norm, variant)
        self.norm, self.steps = norm, steps

    def notes(self) -> list[str]:
        """Its thresholds."""
        return [f"{self.steps} thresholds from 0 to below {self.norm:g} image px"]

    def summarise(self, table: np.ndarray) -> Summary:
        """See `functional.auc`."""
        return auc(table, self.steps)

    def resampled(self, table: np.ndarray, places: np.ndarray, count: int) -> Resampler:
        """See `resampling.share_resampler`."""
        thresholds = [step / self.steps for step in range(self.steps)]
        return share_resampler(self.names[0], table, thresholds, places, count)
