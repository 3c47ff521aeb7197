"""One entry of an annotation file: what its numbers are, and why it cannot be used.

Legend: K keypoints, W, H width and height of the image in px; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hrpose.errors import DataError

CleanUp = Literal["mmpose", "none"]
AreaFrom = Literal["file", "box"]
BoxFrom = Literal["file", "keypoints"]

LIMIT = 2.0**31
"""Image px. What lies further out is no number to reckon with: areas in float32 would overflow."""


@dataclass(frozen=True)
class Entry:
    """An annotation: its content, its place in the house and where it came from."""

    content: dict[str, Any]
    id: int
    image_id: int
    path: Path
    source_id: Hashable
    """Its id in the file."""
    number: int
    """Its place in the list of its file, from 1."""

    @property
    def name(self) -> Hashable:
        """Its id in the file, or where it stands there."""
        if self.source_id is None:
            return f"number {self.number} of the list (it has no id)"
        return self.source_id

    def __str__(self) -> str:
        return f"{self.path}: annotation {self.name}"


def clean_box(
    box: np.ndarray, size: tuple[float, float] | None, clean_up: CleanUp, where: str
) -> tuple[np.ndarray, str | None]:
    """`box` (4,) to crop around in an image of `size` (W, H), if known; and why not, if so."""
    if np.isnan(box).all():
        return box, "without a box"
    if not sane(box).all():
        return box, "with a box that is not finite"
    x, y, width, height = (float(value) for value in box)
    if width <= 0 or height <= 0:
        return box, "with a box without area"
    if size is not None and (x >= size[0] or y >= size[1] or x + width <= 0 or y + height <= 0):
        return box, "with a box outside the image"
    if clean_up == "none":
        return box, None
    if size is None:
        raise DataError(
            f"{where}: its image has no width and height, which box_clean_up='mmpose' needs; add "
            "them, or set box_clean_up='none'"
        )
    left, top = max(0.0, x), max(0.0, y)
    # one px narrower and lower than the box: so were the crops that the published models saw
    right = min(size[0] - 1, left + max(0.0, width - 1))
    bottom = min(size[1] - 1, top + max(0.0, height - 1))
    if right <= left or bottom <= top:
        return box, "with a box that clean-up leaves nothing of"
    return np.array([left, top, right - left, bottom - top]), None


def sane(numbers: np.ndarray) -> np.ndarray:
    """Which of `numbers` can be coordinates in an image: finite, and not beyond any image."""
    return np.abs(numbers) < LIMIT


def is_crowd(entry: dict[str, Any]) -> bool:
    """Whether an annotation is marked iscrowd. NaN and '0' are not: pandas and csv files make them
    of a 0.
    """
    value = entry.get("iscrowd")
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true")
    return bool(value) and value == value


def why_not(entry: dict[str, Any], points: np.ndarray | None) -> str | None:
    """Why the keypoints (K, 3) of an annotation cannot be used, if so."""
    if is_crowd(entry):
        return "marked iscrowd"
    if points is None:
        return "without keypoints"
    if not (sane(points).all(axis=1) | (points[:, 2] == 0)).all():
        return "with a labelled keypoint that is not finite"
    if not (points[:, 2] > 0).any():
        return "without a labelled keypoint"
    return None


def keypoints_of(where: str, entry: dict[str, Any], count: int) -> np.ndarray | None:
    """Keypoints x, y, v (K, 3) float64 of an annotation, None if it has none."""
    values = entry.get("keypoints")
    if values is None or values == []:
        return None
    flat = _numbers(where, "keypoints", values)
    if flat.size != 3 * count:
        raise DataError(
            f"{where} has {flat.size} keypoint numbers, expected 3 * {count} (x, y, v of each "
            "keypoint of the meta)"
        )
    return flat.reshape(count, 3)


def box_of(where: str, entry: dict[str, Any]) -> np.ndarray:
    """Box (4,) float64 of an annotation, all NaN if it has none."""
    values = entry.get("bbox")
    if values is None or values == []:
        return np.full(4, np.nan)
    box = _numbers(where, "bbox", values)
    if box.size != 4:
        raise DataError(f"{where}: bbox has {box.size} numbers, expected x, y, w, h")
    return box


def _numbers(where: str, what: str, values: Any) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{where}: {what} must be a list of numbers, got {values!r:.80}") from None


def box_around(points: np.ndarray, size: tuple[float, float] | None) -> np.ndarray:
    """Box (4,) around the labelled of `points` (K, 3) in an image of `size` (W, H), if known; all
    NaN where there are none.

    With a margin of a fifth of the longer side, and at least a tenth of the image's shorter side
    long and high, as `hrpose convert` makes them; cut at the borders of the image.
    """
    known = points[(points[:, 2] > 0) & sane(points).all(axis=1), :2]
    if not len(known):
        return np.full(4, np.nan)
    low, high = known.min(axis=0), known.max(axis=0)
    least = 0.1 * min(size) if size is not None else 0.0
    half = np.maximum((high - low) / 2 + 0.2 * (high - low).max(), least / 2)
    low, high = (low + high) / 2 - half, (low + high) / 2 + half
    if size is not None:
        low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    return np.concatenate([low, high - low])


def coco_annotation(
    entry: Entry, points: np.ndarray, box: np.ndarray, area_from: AreaFrom
) -> dict[str, Any]:
    """The annotation with every key that COCOeval reads, and numbers that it can reckon with.

    Keypoints (K, 3) that are not finite count as not labelled. `area` is the one given, if it is
    a number of 0 or more and `area_from` is not 'box', else that of the box; `source_id` is added
    where it is not the id, and how large the head is where it is known.
    """
    points = np.where(sane(points).all(axis=1, keepdims=True), points, 0.0)
    box = np.where(sane(box), box, 0.0)
    area = entry.content.get("area")
    given = isinstance(area, int | float) and 0 <= area < LIMIT**2
    if area_from == "box" or not given:
        area = float(box[2] * box[3])
    annotation = {
        "id": entry.id,
        "image_id": entry.image_id,
        "category_id": entry.content["category_id"],
        "keypoints": points.ravel().tolist(),
        "num_keypoints": int((points[:, 2] > 0).sum()),
        "bbox": box.tolist(),
        "area": area,
        "iscrowd": int(is_crowd(entry.content)),
    }
    for key in ("head_size", "head_box"):  # as they are: PCK by the head looks at them
        if key in entry.content:
            annotation[key] = entry.content[key]
    if entry.source_id != entry.id:
        annotation["source_id"] = entry.source_id
    return annotation
