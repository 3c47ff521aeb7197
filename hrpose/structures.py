"""Arrays that travel between data sets, engine and metrics.

Legend: N instances (animals), K keypoints; coordinates are image px, x before y.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hrpose.keypoints import KeypointMeta


@dataclass
class Instances:
    """Ground truth, one row an animal, in the order of the data set."""

    keypoints: np.ndarray
    """(N, K, 2) float32, image px; (0, 0) where unlabelled."""
    visible: np.ndarray
    """(N, K) float32, 1 where labelled (COCO v > 0), else 0."""
    boxes: np.ndarray
    """(N, 4) float32 x, y, w, h in image px, as annotated (after the data set's box clean-up)."""
    areas: np.ndarray
    """(N,) float32 image px squared."""
    image_ids: np.ndarray
    """(N,) int64."""
    annotation_ids: np.ndarray
    """(N,) int64; -1 for a detector's box, which has no annotation (its rows have visible = 0)."""
    box_scores: np.ndarray
    """(N,) float32; 1 for ground-truth boxes."""
    category_ids: np.ndarray
    """(N,) int64."""

    def __len__(self) -> int:
        return len(self.keypoints)

    def take(self, rows: np.ndarray) -> Instances:
        """The instances `rows`, in that order."""
        return Instances(**{name: array[rows] for name, array in vars(self).items()})


@dataclass
class Labels:
    """What predictions are compared with: the animals, and what else the files say of them."""

    truth: Instances
    coco: dict[str, Any]
    """All ground truth as a COCO dict, also what the data set had to leave out."""
    meta: KeypointMeta
    """What the keypoints are called."""

    def image_ids(self) -> set[int]:
        """Ids of all images."""
        return {part["id"] for part in self.coco["images"]}

    def only(self, image_ids: set[int]) -> Labels:
        """The labels of some images."""
        rows = np.flatnonzero(np.isin(self.truth.image_ids, sorted(image_ids)))
        coco = {
            **self.coco,
            "images": [part for part in self.coco["images"] if part["id"] in image_ids],
            "annotations": [
                part for part in self.coco["annotations"] if part["image_id"] in image_ids
            ],
        }
        return Labels(self.truth.take(rows), coco, self.meta)


@dataclass
class Predictions:
    """A model's answer for rows of `Instances`; row i answers truth row `index[i]`."""

    keypoints: np.ndarray
    """(N, K, 2) float32, image px."""
    scores: np.ndarray
    """(N, K) float32, the heatmaps' peak values."""
    index: np.ndarray
    """(N,) int64, unique: the row of the ground truth (position in the data set)."""
    areas: np.ndarray
    """(N,) float32, area of the padded crop box in image px squared; OKS NMS uses it."""
    instance_scores: np.ndarray | None = None
    """(N,) float64, the ranking that a results file came with; None where it is still to be made
    of box scores and keypoint scores."""

    def __len__(self) -> int:
        return len(self.keypoints)

    @classmethod
    def join(cls, parts: list[Predictions]) -> Predictions:
        """All rows of `parts`, sorted by `index`."""
        names = ("keypoints", "scores", "index", "areas")
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        order = np.argsort(arrays["index"], kind="stable")
        return cls(**{name: array[order] for name, array in arrays.items()})


@dataclass
class Scores:
    """What a metric says: numbers, the same per keypoint, and what a reader must know of them."""

    values: dict[str, float | None]
    """Metric name to value; None where the number does not exist (a note says why)."""
    per_keypoint: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """Metric name to keypoint name to value."""
    notes: list[str] = field(default_factory=list)
