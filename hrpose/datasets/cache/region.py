"""Parts of photographs: which part all crops of an animal come from, and crops cut from a part as
if from the whole.

Frames: image px are those of the whole photograph, which is W x H px; w, h the crop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

_INVERSE = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_FIXED_POINT = 1024  # OpenCV 4 steps through the image in such parts of a px
_MARGIN = 4  # px: `_is_inside` asks for 3 at most, and rounding moves a crop by far less than one
_NEARLY_ALL = 0.75  # of a photograph: then it is kept whole, once for all its animals


class Region(NamedTuple):
    """Pixels `image` (h, w, 3) uint8 RGB of a photograph of (W, H) = `photo` px, the first of them
    at `origin` (x, y) image px.
    """

    image: np.ndarray
    origin: tuple[int, int]
    photo: tuple[int, int]

    @classmethod
    def whole(cls, image: np.ndarray) -> Region:
        """The photograph itself."""
        return cls(image, (0, 0), (image.shape[1], image.shape[0]))


class Window(NamedTuple):
    """Which part of a photograph of (W, H) = `photo` px: from (left, top) to before (right, bottom)
    in image px.
    """

    left: int
    top: int
    right: int
    bottom: int
    photo: tuple[int, int]


class View(NamedTuple):
    """What crops of one animal may be planned: the centre is at most `shift` (x, y) px away from
    `center`, the size at most `size`, the rotation at most `degrees` either way; image px.
    """

    center: tuple[float, float]
    size: tuple[float, float]
    shift: tuple[float, float] = (0.0, 0.0)
    degrees: float = 0.0


def window_of(views: Sequence[View], photo: tuple[int, int]) -> Window | None:
    """The smallest part of a photograph of (W, H) = `photo` px that holds all of `views`; None
    where that is nearly all of it, or nothing.
    """
    sides = []
    for view in views:
        across, down = _half_extent(*view.size, view.degrees)
        across, down = across + view.shift[0] + _MARGIN, down + view.shift[1] + _MARGIN
        x, y = view.center
        sides.append((x - across, y - down, -x - across, -y - down))
    left, top, right, bottom = (math.floor(min(values)) for values in zip(*sides, strict=True))
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(-right, photo[0]), min(-bottom, photo[1])
    width, height = right - left, bottom - top
    if min(width, height) < 1 or width * height > _NEARLY_ALL * photo[0] * photo[1]:
        return None
    return Window(left, top, right, bottom, photo)


def _half_extent(width: float, height: float, degrees: float) -> tuple[float, float]:
    """Half the width and height of the upright box around a box turned by up to `degrees`."""

    def reach(along: float, other: float) -> float:
        # along * cos + other * sin grows until the corner points straight at the side
        angle = min(math.radians(abs(degrees)), math.atan2(other, along))
        return 0.5 * (along * math.cos(angle) + other * math.sin(angle))

    return reach(width, height), reach(height, width)


def cut(
    region: Region, matrix: np.ndarray, size: tuple[int, int], out: np.ndarray | None = None
) -> np.ndarray | None:
    """The crop (h, w, 3) of (w, h) = `size` px that `matrix` (2, 3), image px to input px, maps to:
    bilinear, black outside the photograph, bit for bit what cv2.warpAffine cuts from the whole.

    None where `region` does not hold all that the crop shows.

    Args:
        out: where the crop is written, if given.
    """
    if region.image.shape[1::-1] == region.photo:
        return cv2.warpAffine(region.image, matrix, size, out, cv2.INTER_LINEAR)
    inverse = _inverse(matrix)
    origin = np.array(region.origin, dtype=np.float64)[:, None]
    moved = np.concatenate([inverse[:, :2], inverse[:, 2:] - origin], axis=1)
    if not _is_inside(region, moved, size):
        return None
    along = inverse[:, 1:2] * _count(size[1])
    rows = np.rint((along + inverse[:, 2:]) * _FIXED_POINT) - origin * _FIXED_POINT
    if (rows == np.rint((along + moved[:, 2:]) * _FIXED_POINT)).all():
        return cv2.warpAffine(region.image, moved, size, out, _INVERSE)
    # a row starts between two fixed points, and the last bit of a float64 decides for which: as a
    # number of the whole photograph in one case, of the region in the other
    maps = _fixed_point_maps(inverse, rows, size[0])
    return cv2.remap(region.image, *maps, cv2.INTER_LINEAR, out)


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse (2, 3) with the rounding of cv2.warpAffine, which else inverts by itself."""
    (a, b, c), (d, e, f) = matrix.tolist()
    scale = a * e - b * d
    scale = 1.0 / scale if scale else 0.0
    a, b, d, e = e * scale, b * -scale, d * -scale, a * scale
    return np.array([(a, b, -a * c - b * f), (d, e, -d * c - e * f)])


def _is_inside(region: Region, inverse: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether `inverse`, input px to px of the region, leads nowhere where the region has no pixel
    but the photograph has one.
    """
    for axis, (by_x, by_y, start) in enumerate(inverse.tolist()):
        ends = by_x * (size[0] - 1), by_y * (size[1] - 1)
        length = region.image.shape[1 - axis]
        least, most = start + min(0.0, *ends, sum(ends)), start + max(0.0, *ends, sum(ends))
        at_end = region.origin[axis] + length == region.photo[axis]
        if not ((least >= 1 or region.origin[axis] == 0) and (most <= length - 3 or at_end)):
            return False
    return True


@lru_cache
def _count(length: int) -> np.ndarray:
    return np.arange(length, dtype=np.float64)


def _fixed_point_maps(
    inverse: np.ndarray, rows: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """The maps for cv2.remap that cv2.warpAffine makes inside: px (h, w, 2) int16; and (h, w)
    uint16, how many 1/32 px further, y times 32 plus x. `rows` (2, h) are the starts of the rows.
    """
    steps = np.rint(inverse[:, :1] * _count(width) * _FIXED_POINT).astype(np.int32)
    starts = rows.astype(np.int32) + _FIXED_POINT // 64  # for rounding to 1/32 px
    x, y = ((starts[axis][:, None] + steps[axis]) >> 5 for axis in (0, 1))
    pixels = np.empty((*x.shape, 2), dtype=np.int16)
    pixels[:, :, 0], pixels[:, :, 1] = x >> 5, y >> 5
    return pixels, ((y & 31) * 32 + (x & 31)).astype(np.uint16)
