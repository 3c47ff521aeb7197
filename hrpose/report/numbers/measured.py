"""One run's predictions beside the labels: how far off each point is, and when it is right.

Legend: N animals with a prediction, K keypoints. NaN in a table marks a point that does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hrpose.errors import RunError
from hrpose.metrics import PCK, Metric
from hrpose.metrics.bootstrap import Groups, drawn, images_to_draw, percentiles
from hrpose.metrics.functional import distances
from hrpose.metrics.normaliser import Normaliser
from hrpose.metrics.resampling import Resampler, mean_resampler, places_of, share_resampler
from hrpose.structures import Instances, Labels, Predictions

DEFAULT_THR = 0.1
"""Of the box's longest side, where neither page nor user says what is right."""

Ends = list[float] | None
"""Both ends of a 95% interval; None where it does not exist."""


def yardstick(metrics: Sequence[Metric], thr: float | None) -> PCK:
    """The PCK that says which points are right: the page's first one, at `thr` if that is given.

    One that counts animals without a length as all right is passed over if there is another.
    """
    known = [metric for metric in metrics if isinstance(metric, PCK)]
    honest = [metric for metric in known if not _unit(metric).as_2021]
    first = (honest or known or [PCK(DEFAULT_THR)])[0]
    return first if thr is None else at(first, thr)


def at(metric: PCK, thr: float) -> PCK:
    """`metric` with another threshold.

    Raises:
        RunError: no point can be right at it.
    """
    unit = _unit(metric)
    if not thr > 0:
        raise RunError(f"--thr {thr:g}: expected a positive number of {unit}")
    norm = unit.norm if isinstance(unit.norm, tuple) else str(unit.norm)
    missing = "mmpose-2021" if unit.as_2021 else "leave-out"
    return PCK(thr, norm, missing, variant=metric.names[0].rpartition("/")[0])  # type: ignore[arg-type]


def _unit(metric: PCK) -> Normaliser:
    assert isinstance(metric.unit, Normaliser)  # as PCK's constructor has it
    return metric.unit


@dataclass(frozen=True)
class Measured:
    """What the sections of a report are made of.

    Args:
        predictions: sorted by `index`.
        pck: says when a point is right, see `yardstick`.
        groups: what intervals are drawn by; None draws images.
    """

    labels: Labels
    predictions: Predictions
    pck: PCK
    groups: Groups | None = None
    resamples: int = 1000
    seed: int = 0

    @property
    def names(self) -> Sequence[str]:
        """Of the keypoints."""
        return self.labels.meta.names

    @cached_property
    def truth(self) -> Instances:
        """The labels of the N animals."""
        return self.labels.truth.take(self.predictions.index)

    @cached_property
    def unit(self) -> str:
        """What distances are in units of, in words."""
        return str(self.pck.unit)

    @cached_property
    def distances(self) -> np.ndarray:
        """(N, K) float32, in units of the normaliser."""
        return self.pck.distances(self.predictions, self.labels)[0]

    def with_keypoints(self, keypoints: np.ndarray) -> np.ndarray:
        """`distances` if `keypoints` (N, K, 2) had been predicted."""
        return self.pck.distances(replace(self.predictions, keypoints=keypoints), self.labels)[0]

    @cached_property
    def pixels(self) -> np.ndarray:
        """(N, K) float32 distances in image px."""
        labelled = self.truth.visible > 0
        ones = np.ones(len(self.predictions))
        return distances(self.predictions.keypoints, self.truth.keypoints, labelled, ones)

    @cached_property
    def right(self) -> np.ndarray:
        """(N, K) float32: 1 for a point nearer than the threshold, 0 for one that is not."""
        near = (self.distances < np.float32(self.pck.thr)).astype(np.float32)
        return np.where(np.isnan(self.distances), np.float32(np.nan), near)

    def share_ends(self, table: np.ndarray, thr: float | None = None) -> Ends:
        """The interval of the PCK of distances (N, K'), averaged over keypoints as PCK is."""
        places, images = self._places
        thresholds = [self.pck.thr if thr is None else thr]
        return self._ends(share_resampler("it", table, thresholds, places, len(images)))

    def mean_ends(self, table: np.ndarray) -> Ends:
        """The interval of the mean of all entries of (N, K') that count."""
        places, images = self._places
        return self._ends(mean_resampler("it", table, places, len(images)))

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        images = images_to_draw(self.labels)
        return places_of(self.truth.image_ids, images), images

    def _ends(self, numbers: Resampler) -> Ends:
        images = self._places[1]
        values = drawn(numbers, images, self.resamples, self.seed, groups=self.groups)["it"]
        ends = percentiles(values)
        return None if ends is None else list(ends)


def plain(value: float) -> float | None:
    """A number as JSON holds it: None where it does not exist or is not finite."""
    return float(value) if np.isfinite(value) else None
