"""What AP is made of, as arrays: the animals of an annotation file, and poses found in its images.

Legend: G animals, D detections, I images, K keypoints; coordinates image px, areas px squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrpose.errors import DataError


@dataclass
class Detections:
    """Poses as an evaluator sees them: in an image, with a score, tied to no annotation."""

    keypoints: np.ndarray
    """(D, K, 2) image px."""
    scores: np.ndarray
    """(D, K) of the keypoints; a detection with none above 0 is dropped."""
    instance_scores: np.ndarray
    """(D,) the ranking."""
    image_ids: np.ndarray
    """(D,) int64, as in the annotation file."""
    category_ids: np.ndarray
    """(D,) int64."""

    def __len__(self) -> int:
        return len(self.keypoints)

    def take(self, rows: np.ndarray) -> Detections:
        """The detections `rows`, in that order."""
        return Detections(**{name: array[rows] for name, array in vars(self).items()})

    def areas(self) -> np.ndarray:
        """(D,) float64 area of the box around all points."""
        return np.prod(np.ptp(self.keypoints.astype(np.float64), axis=1), axis=1)


@dataclass
class Animals:
    """The annotations to find, in the order of the file."""

    keypoints: np.ndarray
    """(G, K, 2) float64."""
    labelled: np.ndarray
    """(G, K) bool."""
    boxes: np.ndarray
    """(G, 4) float64 x, y, w, h; that of the labelled points where there is none."""
    areas: np.ndarray
    """(G,) float64; that of the box where there is none."""
    crowd: np.ndarray
    """(G,) bool: a region of many animals; finding it counts neither for nor against."""
    image_ids: np.ndarray
    """(G,) int64."""
    category_ids: np.ndarray
    """(G,) int64."""

    def __len__(self) -> int:
        return len(self.keypoints)


def image_ids(coco: dict[str, Any]) -> np.ndarray:
    """(I,) int64, sorted: ids of all images, also of those that only an annotation names."""
    ids = {int(image["id"]) for image in coco.get("images", ())}
    ids |= {int(annotation["image_id"]) for annotation in coco.get("annotations", ())}
    return np.array(sorted(ids), dtype=np.int64)


def animals_of(
    coco: dict[str, Any], num_keypoints: int, category_ids: Sequence[int]
) -> tuple[Animals, list[str]]:
    """All annotations of the categories, and notes to the reader.

    Raises:
        DataError: an annotation has another number of keypoints.
    """
    wanted = set(category_ids)
    rows = [row for row in coco["annotations"] if row["category_id"] in wanted]
    points = _points(rows, num_keypoints)
    labelled = points[..., 2] > 0
    boxes = _boxes(rows, points[..., :2], labelled)
    areas = np.array([row.get("area") for row in rows], dtype=np.float64)  # None becomes NaN
    without_area = np.isnan(areas)
    animals = Animals(
        keypoints=points[..., :2],
        labelled=labelled,
        boxes=boxes,
        areas=np.where(without_area, boxes[:, 2] * boxes[:, 3], areas),
        crowd=np.array([bool(row.get("iscrowd")) for row in rows], dtype=bool),
        image_ids=np.array([row["image_id"] for row in rows], dtype=np.int64),
        category_ids=np.array([row["category_id"] for row in rows], dtype=np.int64),
    )
    notes = []
    if len(rows) < len(coco["annotations"]):
        other = len(coco["annotations"]) - len(rows)
        notes.append(f"{other} annotations of other categories are not evaluated")
    if without_area.any():
        count = np.count_nonzero(without_area)
        notes.append(f"{count} annotations have no area; that of their box is taken")
    return animals, notes


def _points(rows: list[dict[str, Any]], num_keypoints: int) -> np.ndarray:
    """Keypoints x, y, v (G, K, 3) float64, all 0 where an annotation has none."""
    width = 3 * num_keypoints
    nothing = [0.0] * width
    lists = [row.get("keypoints") or nothing for row in rows]
    for row, values in zip(rows, lists, strict=True):
        if len(values) != width:
            raise DataError(
                f"annotation {row['id']}: 'keypoints' has {len(values)} numbers, expected "
                f"{width} (x, y, v of {num_keypoints} keypoints)"
            )
    return np.array(lists, dtype=np.float64).reshape(len(rows), num_keypoints, 3)


def _boxes(rows: list[dict[str, Any]], points: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Boxes (G, 4); around the labelled of `points` where an annotation has none."""
    lists = [row.get("bbox") or (np.nan,) * 4 for row in rows]
    boxes = np.array(lists, dtype=np.float64).reshape(len(rows), 4)
    for i in np.flatnonzero(np.isnan(boxes).all(axis=1)):
        known = points[i, labelled[i]]
        boxes[i] = [*known.min(axis=0), *np.ptp(known, axis=0)] if len(known) else [0.0] * 4
    return boxes


def usable(detections: Detections, images: np.ndarray) -> tuple[Detections, list[str]]:
    """The detections that an evaluator should see, and notes on the rest.

    Raises:
        DataError: one is on an image that is not among `images` (I,), sorted ids.
    """
    visible = (detections.scores > 0).any(axis=1)
    finite = (
        np.isfinite(detections.keypoints).all(axis=(1, 2))
        & np.isfinite(detections.scores).all(axis=1)
        & np.isfinite(detections.instance_scores)
    )
    strange = visible & finite & ~np.isin(detections.image_ids, images)
    if strange.any():
        first = int(strange.argmax())
        raise DataError(
            f"detection {first}: image {detections.image_ids[first]} is not in the ground truth"
        )
    notes = []
    if not finite.all():
        # an evaluator would match a NaN with anything
        count = np.count_nonzero(~finite)
        notes.append(f"{count} detections have coordinates or scores that are not finite: dropped")
    if (finite & ~visible).any():
        count = np.count_nonzero(finite & ~visible)
        notes.append(f"{count} detections have no keypoint with a score above 0: dropped")
    return detections.take(np.flatnonzero(visible & finite)), notes
