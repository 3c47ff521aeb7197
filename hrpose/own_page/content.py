"""All that a page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hrpose.models.channels import TrainedModel
from hrpose.own_page.labels import OwnLabels
from hrpose.own_page.plan import Plan


@dataclass(frozen=True)
class Content:
    """What a page is made of.

    Args:
        sigmas: as measured; None for `DEFAULT`, which the page says to be assumed.
        repeats: how often an animal was labelled again.
        norm: two keypoints whose distance errors are divided by; None for the box.
        start: the trained model to start from; None for a classifier's backbone.
        width: of HRNet, 32 or 48.
        timed: a sentence on the time that the run takes; '' where it was not asked for.
    """

    name: str
    labels: OwnLabels
    flip_pairs: Sequence[tuple[str, str]]
    flip: bool
    sigmas: Sequence[float] | None
    repeats: int
    norm: tuple[str, str] | None
    whole_frame: bool
    start: TrainedModel | None
    width: int
    plan: Plan
    timed: str = ""

    @property
    def validated_on(self) -> str:
        """The part that validates: 'train' where there is no other."""
        return next(part for part in ("val", "test", "train") if part in self.labels.parts)

    @property
    def tested_on(self) -> str:
        """The part that tests."""
        return next(part for part in ("test", "val", "train") if part in self.labels.parts)

    @property
    def median_crop(self) -> str:
        """Width x height px that is cut out of an image, as the median."""
        part = self.labels.train
        crops = part.sizes if self.whole_frame else part.animals.boxes[:, 2:]
        known = crops[np.isfinite(crops).all(axis=1)]
        if not len(known):
            return "unknown"
        width, height = np.median(known, axis=0) * self.plan.padding
        return f"{width:.0f} x {height:.0f}"
