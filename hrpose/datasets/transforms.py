"""From a record to a crop. Every transform but `Warp` only plans: it moves box and keypoints.

A sample is a dict. `keypoints`, `center` and `size` are in image px until `Warp`; once `flipped`
is set, they are in px of the mirrored image (x becomes W - 1 - x), while `image` and `box` stay as
they are. `Warp` cuts the crop out of the photograph in one step, mirror included. Coordinates of
keypoints that are not labelled are left alone throughout.

Legend: K keypoints; H, W the image; h, w the crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from hrpose.datasets.images import read_image
from hrpose.errors import DataError
from hrpose.geometry import (
    affine_matrix,
    apply_affine,
    box_to_center_size,
    compose,
    mirror_matrix,
    udp_matrix,
)
from hrpose.keypoints import KeypointMeta
from hrpose.registry import register

Sample = dict[str, Any]


class Transform:
    """One step from record to sample. It never writes into an array that it was handed."""

    reads: ClassVar[tuple[str, ...]] = ()
    """Keys that it looks at and leaves as they are."""
    changes: ClassVar[tuple[str, ...]] = ()
    """Keys that must be there and may get another value."""
    adds: ClassVar[tuple[str, ...]] = ()
    """Keys that are there afterwards, whatever was before."""
    random: ClassVar[bool] = False
    """Whether it draws from the generator."""

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """`sample` with this step done; random numbers come from `rng` alone."""
        raise NotImplementedError

    def problem_with(self, meta: KeypointMeta) -> str | None:
        """Why it cannot work on keypoints such as `meta`, if so."""
        return None


@register
class LoadImage(Transform):
    """Reads `image` (H, W, 3) uint8 RGB, EXIF orientation applied; keeps one that is there.

    Raises:
        DataError: no whole image, or one of another size than `image_size`, where that is given,
            with the animal outside: labels made for a resized or turned copy.
    """

    reads = ("image_path", "image_size", "box", "keypoints", "visible")
    adds = ("image",)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Add the image."""
        if "image" in sample:
            return sample
        sample["image"] = read_image(sample["image_path"])
        height, width = sample["image"].shape[:2]
        told = sample["image_size"]
        other = told is not None and told != (width, height)
        if other and reaches_outside(sample, width, height):
            raise DataError(
                f"{sample['image_path']}: is {width} x {height} px, its annotation says "
                f"{told[0]} x {told[1]} and lies partly outside; take the images that the "
                "annotations were made for"
            )
        return sample


@register
class CropBox(Transform):
    """Plans the crop: `box` widened to the aspect of `input_size` (w, h), then by `padding`.

    Adds center (2,) and size (2,) float32 image px, rotation 0 degrees, flipped False, and aspect,
    the input's w / h.
    """

    reads = ("box",)
    adds = ("center", "size", "rotation", "flipped", "aspect")

    def __init__(self, input_size: tuple[int, int], padding: float = 1.25) -> None:
        self.aspect = _width_over_height("input_size", input_size)
        if not padding > 0:
            raise ValueError(f"padding {padding}: must be above 0 (1 is the box as it is)")
        self.padding = padding

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Add the plan of the crop."""
        sample["center"], sample["size"] = box_to_center_size(
            sample["box"], self.aspect, self.padding
        )
        sample.update(rotation=0.0, flipped=False, aspect=self.aspect)
        return sample


@register
class Warp(Transform):
    """Cuts the planned crop out of the image, bilinear, black outside: image (h, w, 3) uint8 RGB.

    Labelled keypoints go to input px; one that falls outside the crop stays visible (the codec sees
    to that). `matrix` (2, 3) float64 leads from image px, mirror included, to input px.

    Args:
        size: w, h of the crop.
        udp: use the map of UDP; must agree with the codec.
    """

    reads = ("center", "size", "rotation", "flipped", "visible")
    changes = ("image", "keypoints")
    adds = ("matrix",)

    def __init__(self, size: tuple[int, int], udp: bool = False) -> None:
        _width_over_height("size", size)
        self.size = (int(size[0]), int(size[1]))
        self.udp = udp

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Cut the crop."""
        image, keypoints = sample["image"], sample["keypoints"]
        make = udp_matrix if self.udp else affine_matrix
        matrix = make(sample["center"], sample["size"], sample["rotation"], self.size)
        labelled = sample["visible"][:, None] > 0
        moved = np.where(labelled, apply_affine(keypoints, matrix), keypoints)
        if sample["flipped"]:
            matrix = compose(matrix, mirror_matrix(image.shape[1]))
        sample["image"] = cv2.warpAffine(image, matrix, self.size, flags=cv2.INTER_LINEAR)
        sample["keypoints"] = moved.astype(np.float32)
        sample["matrix"] = matrix
        return sample


def reaches_outside(record: Sample, width: float, height: float) -> bool:
    """Whether the box or a labelled keypoint of `record` ends right of or below such an image."""
    x, y, w, h = record["box"]
    ends = np.vstack([(x + w, y + h), record["keypoints"][record["visible"] > 0]])
    return bool((ends > (width + 1, height + 1)).any())


def _width_over_height(name: str, size: Sequence[int]) -> float:
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"{name} {tuple(size)}: must be (width, height), each at least 1 px")
    return size[0] / size[1]


def probability(name: str, value: float) -> float:
    """`value`, or ValueError where it is no probability; `name` is for the message."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} {value}: must be a probability, from 0 to 1")
    return value
