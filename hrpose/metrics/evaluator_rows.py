"""Annotations and detections as rows that both evaluators of COCO read alike.

Legend: D detections, K keypoints; coordinates image px, areas px squared.
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
        return Detections(
            self.keypoints[rows],
            self.scores[rows],
            self.instance_scores[rows],
            self.image_ids[rows],
            self.category_ids[rows],
        )


def renumbered(coco: dict[str, Any]) -> dict[int, int]:
    """From 1, in the order of the ids, to each image id."""
    image_ids = {image["id"] for image in coco["images"]}
    image_ids |= {annotation["image_id"] for annotation in coco["annotations"]}
    return {number: place for place, number in enumerate(sorted(image_ids), start=1)}


def truth_rows(
    coco: dict[str, Any],
    num_keypoints: int,
    category_ids: Sequence[int],
    renumbered: dict[int, int],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Annotations with ids from 1 and every key that the evaluators read."""
    rows: list[dict[str, Any]] = []
    without_area = 0
    for annotation in coco["annotations"]:
        if annotation["category_id"] not in category_ids:
            continue
        points = np.asarray(annotation.get("keypoints") or np.zeros(3 * num_keypoints), np.float64)
        if points.shape != (3 * num_keypoints,):
            raise DataError(
                f"annotation {annotation['id']}: 'keypoints' has {points.size} numbers, expected "
                f"{3 * num_keypoints} (x, y, v of {num_keypoints} keypoints)"
            )
        box = annotation.get("bbox") or _extent(points.reshape(-1, 3))
        without_area += annotation.get("area") is None
        area = box[2] * box[3] if annotation.get("area") is None else annotation["area"]
        rows.append(
            {
                "id": len(rows) + 1,
                "image_id": renumbered[annotation["image_id"]],
                "category_id": annotation["category_id"],
                "keypoints": points,
                "num_keypoints": np.count_nonzero(points[2::3] > 0),
                "bbox": box,
                "area": area,
                "iscrowd": int(annotation.get("iscrowd") or 0),
            }
        )
    notes = []
    if len(rows) < len(coco["annotations"]):
        other = len(coco["annotations"]) - len(rows)
        notes.append(f"{other} annotations of other categories are not evaluated")
    if without_area:
        notes.append(f"{without_area} annotations have no area; that of their box is taken")
    return rows, notes


def _extent(points: np.ndarray) -> list[float]:
    """Box x, y, w, h around the labelled of `points` (K, 3)."""
    labelled = points[points[:, 2] > 0, :2]
    if not len(labelled):
        return [0.0, 0.0, 0.0, 0.0]
    return [*labelled.min(axis=0), *np.ptp(labelled, axis=0)]


def detection_rows(
    detections: Detections, renumbered: dict[int, int]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Detections with ids from 1, without those that no evaluator should see."""
    visible = (detections.scores > 0).any(axis=1)
    points = np.concatenate([detections.keypoints, detections.scores[..., None]], axis=2)
    points = points.astype(np.float64)
    finite = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(detections.instance_scores)
    areas = np.prod(np.ptp(points[..., :2], axis=1), axis=1)
    rows: list[dict[str, Any]] = []
    for i in np.flatnonzero(visible & finite).tolist():
        image_id = int(detections.image_ids[i])
        if image_id not in renumbered:
            raise DataError(f"detection {i}: image {image_id} is not in the ground truth")
        rows.append(
            {
                "id": len(rows) + 1,
                "image_id": renumbered[image_id],
                "category_id": int(detections.category_ids[i]),
                "keypoints": points[i].reshape(-1),
                "score": float(detections.instance_scores[i]),
                "area": float(areas[i]),
            }
        )
    notes = []
    if not finite.all():
        # an evaluator would match a NaN with anything
        count = np.count_nonzero(~finite)
        notes.append(f"{count} detections have coordinates or scores that are not finite: dropped")
    if (finite & ~visible).any():
        count = np.count_nonzero(finite & ~visible)
        notes.append(f"{count} detections have no keypoint with a score above 0: dropped")
    return rows, notes
