"""The crop of DeepLabCut 3: whole pixels of the photograph, made larger or smaller as a picture.

Legend: h, w the crop; W, H the photograph.
"""

from __future__ import annotations

import cv2
import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.cache.region import Region, View
from hrpose.datasets.images import read_image
from hrpose.datasets.transforms import Sample, Transform, width_over_height
from hrpose.errors import DataError

_MOST_PX = 2**28
"""Pixels of a piece; more is no box of a photograph."""


@register
class WholePixelCrop(Transform):
    """Cuts `box`, widened to the aspect of `size`, out of the image: image (h, w, 3) uint8 RGB.

    Both ends are rounded to whole px, black outside the photograph, and the piece is resized by
    OpenCV, bilinear. `matrix` (2, 3) float64 leads from image px to input px as in DeepLabCut:
    input px = (image px - first px) / (px of the piece) * (px of the crop), on each axis, for the
    two sides of a piece may differ by one. Stands alone behind `LoadImage`; random moves need
    `CropBox` and `Warp`.

    Args:
        size: w, h of the crop.
    """

    reads = ("box", "visible", "origin", "photo", "out")
    changes = ("image", "keypoints")
    adds = ("matrix",)

    def __init__(self, size: tuple[int, int]) -> None:
        self.aspect = width_over_height("size", size)
        self.size = (int(size[0]), int(size[1]))

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Cut the crop, and move the labelled keypoints."""
        left, top, right, bottom = self._piece(sample["box"])
        if (right - left) * (bottom - top) > _MOST_PX:
            raise DataError(
                f"{sample['image_path'] or 'image'}: its box {_listed(sample['box'])} px makes a "
                f"crop of {right - left} x {bottom - top} px; expected a box of x, y, w, h"
            )
        across, down = self.size[0] / (right - left), self.size[1] / (bottom - top)
        matrix = np.array([[across, 0, -left * across], [0, down, -top * down]])
        region = Region(sample["image"], sample["origin"], sample["photo"])
        piece = _cut(region, left, top, right, bottom)
        if piece is None:
            region = Region.whole(read_image(sample["image_path"]))
            piece = _cut(region, left, top, right, bottom)
            assert piece is not None  # of the whole photograph
        sample["image"] = cv2.resize(piece, self.size, sample.get("out"), 0, 0, cv2.INTER_LINEAR)
        keypoints = sample["keypoints"]
        moved = (keypoints @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        np.copyto(moved, keypoints, where=sample["visible"][:, None] <= 0)
        sample.update(keypoints=moved, matrix=matrix)
        return sample

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """The one piece."""
        left, top, right, bottom = self._piece(sample["box"])
        return [View(((left + right) / 2, (top + bottom) / 2), (right - left, bottom - top))]

    def _piece(self, box: np.ndarray) -> tuple[int, int, int, int]:
        """The first px of the piece and the one behind its last, in x and y; one px at least."""
        x, y, width, height = np.asarray(box, np.float64).tolist()
        center_x, center_y = x + width / 2, y + height / 2
        if width > self.aspect * height:
            height = width / self.aspect
        else:
            width = self.aspect * height
        left, right = round(center_x - width / 2), round(center_x + width / 2)
        top, bottom = round(center_y - height / 2), round(center_y + height / 2)
        return left, top, max(right, left + 1), max(bottom, top + 1)


def _cut(region: Region, left: int, top: int, right: int, bottom: int) -> np.ndarray | None:
    """That part of the photograph, black outside of it; None where `region` holds too little."""
    first_x, first_y = max(left, 0), max(top, 0)
    last_x, last_y = min(right, region.photo[0]), min(bottom, region.photo[1])
    piece = np.zeros((bottom - top, right - left, 3), np.uint8)
    if first_x >= last_x or first_y >= last_y:
        return piece
    x, y = region.origin
    height, width = region.image.shape[:2]
    if first_x < x or first_y < y or last_x > x + width or last_y > y + height:
        return None
    piece[first_y - top : last_y - top, first_x - left : last_x - left] = region.image[
        first_y - y : last_y - y, first_x - x : last_x - x
    ]
    return piece


def _listed(box: np.ndarray) -> str:
    return ", ".join(f"{value:g}" for value in box)
