"""One entry of an annotation file: what its numbers are, and why it cannot be used.

Legend: K keypoints, W, H width and height of the image in px; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from hrpose.errors import DataError
from hrpose.geometry import corners_around

CleanUp = Literal["mmpose", "mmpose-1.x", "none"]
AreaFrom = Literal["file", "box"]
BoxFrom = Literal["file", "keypoints"]

LIMIT = 2.0**31
"""Image px. What lies further out is no number to reckon with: areas in float32 would overflow."""


TOGETHER = 1024
"""Rows that are reckoned with at once: few enough for their numbers to stay in a core's cache."""


def in_parts(rows: np.ndarray) -> Iterator[np.ndarray]:
    """`rows` some at a time, in their order; all of them at once would want new memory for every
    step of a calculation.
    """
    for start in range(0, len(rows), TOGETHER):
        yield rows[start : start + TOGETHER]


class Entry(NamedTuple):
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
    sizes = np.array([size or (np.nan, np.nan)], np.float64)
    boxes, (reason,) = clean_boxes(box[None], sizes, clean_up, lambda row: where)
    return boxes[0], reason


@np.errstate(invalid="ignore", over="ignore")  # of boxes that are not finite
def clean_boxes(
    boxes: np.ndarray, sizes: np.ndarray, clean_up: CleanUp, where: Callable[[int], str]
) -> tuple[np.ndarray, list[str | None]]:
    """`boxes` (N, 4) to crop around in images of `sizes` (N, 2) W, H, NaN where they are not known;
    and why not, None where a box can be used.

    Raises:
        DataError: a clean-up needs a size that is not known; it names the row, as `where` calls it.
    """
    x, y, width, height = boxes.T
    across, down = sizes.T
    outside = (x >= across) | (y >= down)
    outside |= ~np.isnan(across) & ((x + width <= 0) | (y + height <= 0))
    looks = {
        "without a box": np.isnan(boxes).all(axis=1),
        "with a box that is not finite": ~sane(boxes).all(axis=1),
        "with a box without area": (width <= 0) | (height <= 0),
        "with a box outside the image": outside,
    }
    reasons = first_reasons(looks)
    if clean_up == "none":
        return boxes, reasons
    good = np.array([reason is None for reason in reasons], bool)
    for row in np.flatnonzero(good & np.isnan(across)):
        raise DataError(
            f"{where(int(row))}: its image has no width and height, which box_clean_up="
            f"{clean_up!r} needs; add them, or set box_clean_up='none'"
        )
    left, top = np.maximum(0.0, x), np.maximum(0.0, y)
    if clean_up == "mmpose":
        # one px narrower and lower than the box: so were the crops that the published models saw
        right, bottom = left + np.maximum(0.0, width - 1), top + np.maximum(0.0, height - 1)
    else:
        right, bottom = x + width, y + height
    right, bottom = np.minimum(across - 1, right), np.minimum(down - 1, bottom)
    for row in np.flatnonzero(good & ((right <= left) | (bottom <= top))).tolist():
        reasons[row], good[row] = "with a box that clean-up leaves nothing of", False
    cleaned = np.stack([left, top, right - left, bottom - top], axis=1)
    return np.where(good[:, None], cleaned, boxes), reasons


def first_reasons(looks: dict[str, np.ndarray]) -> list[str | None]:
    """For each row (N,) the first of `looks` whose mask has it, None where none has."""
    texts = [*looks, None]
    found = np.select([*looks.values()], range(len(looks)), default=len(looks))
    return [texts[number] for number in found.tolist()]


def sane(numbers: np.ndarray) -> np.ndarray:
    """Which of `numbers` can be coordinates in an image: finite, and not beyond any image."""
    return np.abs(numbers) < LIMIT


def sound(points: np.ndarray) -> np.ndarray:
    """Which of `points` (..., 3) are `sane` in x, y and v."""
    good = sane(points)
    return good[..., 0] & good[..., 1] & good[..., 2]  # `all` over three takes ten times as long


def is_crowd(entry: dict[str, Any]) -> bool:
    """Whether an annotation is marked iscrowd. NaN and '0' are not: pandas and csv files make them
    of a 0.
    """
    value = entry.get("iscrowd")
    if type(value) is int:  # most are
        return value != 0
    if isinstance(value, str):
        return value.strip().lower() in ("1", "true")
    return bool(value) and value == value


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


def box_of_keypoints(points: np.ndarray, size: tuple[float, float] | None) -> np.ndarray:
    """Box (4,) around the labelled of `points` (K, 3) in an image of `size` (W, H), if known; all
    NaN where there are none.

    With the margin of `geometry.corners_around`, as `hrpose convert` makes them; cut at the borders
    of the image.
    """
    known = points[(points[:, 2] > 0) & sound(points), :2]
    if not len(known):
        return np.full(4, np.nan)
    low, high = corners_around(known, min(size) if size is not None else 0.0)
    if size is not None:
        low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    return np.concatenate([low, high - low])
