"""The part of a photograph that shows an animal with its surroundings, cut and enlarged.

Frames: image px of the photograph; shown px of the picture made of it. Pixel centres at integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_MARGIN = 0.12  # of the larger side of the animal
_NARROWEST, _WIDEST = 0.8, 1.5  # width / height
_BEYOND = 0.3  # of the photograph's sides: how far outside is shown where labels lie there
_LEAST = 24.0  # px of the photograph; a box of 1 px still shows where it lies


@dataclass(frozen=True)
class Window:
    """A rectangle of a photograph, whole px, that may reach beyond it; `scale` enlarges it."""

    left: int
    top: int
    width: int
    height: int
    scale: float

    def picture(self, image: np.ndarray) -> np.ndarray:
        """The part of `image` (H, W, 3), grey where it has none."""
        high, wide = image.shape[:2]
        x0, y0 = max(self.left, 0), max(self.top, 0)
        x1, y1 = min(self.left + self.width, wide), min(self.top + self.height, high)
        part = np.full((self.height, self.width, 3), 90, np.uint8)
        part[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left] = image[y0:y1, x0:x1]
        return enlarge(part, self.scale)

    def shown(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) image px -> shown px."""
        return (points - (self.left, self.top) + 0.5) * self.scale - 0.5

    def shown_boxes(self, boxes: np.ndarray) -> np.ndarray:
        """x, y, w, h (N, 4) image px -> shown px."""
        return np.concatenate([self.shown(boxes[:, :2]), boxes[:, 2:] * self.scale], axis=1)


def enlarge(image: np.ndarray, scale: float) -> np.ndarray:
    """`image` (H, W, 3), `scale` times as large, a little darker so that lines stand out."""
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    smooth = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return cv2.convertScaleAbs(cv2.resize(image, size, interpolation=smooth), alpha=0.85)


def around(boxes: np.ndarray, points: np.ndarray, photo: tuple[int, int], height: int) -> Window:
    """The window around `boxes` (N, 4) and `points` (M, 2), all image px, shown `height` px high.

    It has a margin, is neither narrow nor flat, and lies inside of the photograph of (W, H) =
    `photo` px where it can. With neither boxes nor points it is the whole photograph.
    """
    there = np.concatenate([points, boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
    there, sides = there[np.isfinite(there).all(axis=1)], np.array(photo, float)
    if not len(there):
        there = np.array([(0.0, 0.0), sides])
    there = np.clip(there, -_BEYOND * sides, (1 + _BEYOND) * sides)
    low, high = there.min(axis=0), there.max(axis=0)
    wanted = np.maximum(high - low + 2 * _MARGIN * (high - low).max(), _LEAST)
    wanted[0] = max(wanted[0], _NARROWEST * wanted[1])
    wanted[1] = max(wanted[1], wanted[0] / _WIDEST)
    starts, ends = [], []
    for axis in range(2):
        start, end = _placed(low[axis], high[axis], wanted[axis], sides[axis])
        starts.append(start)
        ends.append(end)
    width, tall = ends[0] - starts[0], ends[1] - starts[1]
    return Window(starts[0], starts[1], width, tall, height / tall)


def _placed(low: float, high: float, wanted: float, side: float) -> tuple[int, int]:
    """First px and the one past the last of a stretch `wanted` px long around `low` to `high`."""
    start, end = (low + high - wanted) / 2, (low + high + wanted) / 2
    if low >= 0 and high <= side:  # no label outside: show no more than the photograph
        if wanted >= side:
            return 0, round(side)
        shift = max(0.0, -start) - max(0.0, end - side)
        start, end = start + shift, end + shift
    return int(np.floor(start)), max(int(np.ceil(end)), int(np.floor(start)) + 1)
