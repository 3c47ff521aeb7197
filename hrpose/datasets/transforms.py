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

import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.cache.region import Region, View, cut
from hrpose.datasets.images import read_image
from hrpose.errors import DataError
from hrpose.geometry import (
    affine_matrix,
    box_to_center_size,
    compose,
    mirror_matrix,
    udp_matrix,
)
from hrpose.keypoints import KeypointMeta

Sample = dict[str, Any]
Drawn = tuple[Sample, np.random.Generator]
"""A sample, and what its random numbers are drawn from."""
_PHOTOGRAPH = ("image", "origin", "photo")
_PLAN = ("center", "size", "rotation", "flipped", "aspect")


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

    def for_each(self, samples: Sequence[Drawn]) -> list[Drawn]:
        """The same for several samples. A transform whose parts differ much may do one part for all
        of them first: code that has just run is quick to run again.
        """
        return [(self(sample, rng), rng) for sample, rng in samples]

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """What crops of the record `sample` may be planned after this step, where those before it
        may plan `views`. None: it cannot be said, and all of the photograph may be needed.

        A cache keeps no more of a photograph than this asks for; what lies outside is decoded anew,
        so a `reach` that is too short costs time, but changes no crop.
        """
        touched = {*self.reads, *self.changes, *self.adds}
        return None if touched & {*_PHOTOGRAPH, *_PLAN, "box", "keypoints", "visible"} else views

    def problem_with(self, meta: KeypointMeta) -> str | None:
        """Why it cannot work on keypoints such as `meta`, if so."""
        return None


@register
class LoadImage(Transform):
    """Reads `image` (H, W, 3) uint8 RGB, EXIF orientation applied; keeps one that is there.

    `photo` is (W, H) px of the photograph. Where a cache hands in a `region` of it, `image` is only
    that, and its first pixel is at `origin` (x, y) image px.

    Raises:
        DataError: no whole image, or one of another size than `image_size`, where that is given,
            with the animal outside: labels made for a resized or turned copy.
    """

    reads = ("image_path", "image_size", "region", "box", "keypoints", "visible")
    adds = ("image", "origin", "photo")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Add the image."""
        region = sample.get("region")
        if region is None:
            image = sample["image"] if "image" in sample else read_image(sample["image_path"])
            region = Region.whole(image)
        told = sample["image_size"]
        sample["image"], sample["origin"], sample["photo"] = region
        if told is not None and told != region.photo and reaches_outside(sample, *region.photo):
            width, height = region.photo
            raise DataError(
                f"{sample['image_path']}: is {width} x {height} px, its annotation says "
                f"{told[0]} x {told[1]} and lies partly outside; take the images that the "
                "annotations were made for"
            )
        return sample

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """Plans nothing."""
        return views


@register
class CropBox(Transform):
    """Plans the crop: `box` widened to the aspect of `input_size` (w, h), then by `padding`.

    Adds center (2,) and size (2,) float32 image px, rotation 0 degrees, flipped False, and aspect,
    the input's w / h.
    """

    reads = ("box",)
    adds = ("center", "size", "rotation", "flipped", "aspect")

    def __init__(self, input_size: tuple[int, int], padding: float = 1.25) -> None:
        self.aspect = width_over_height("input_size", input_size)
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

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """The one crop."""
        center, size = box_to_center_size(sample["box"], self.aspect, self.padding)
        return [View(tuple(center.tolist()), tuple(size.tolist()))]


@register
class Warp(Transform):
    """Cuts the planned crop out of the image, bilinear, black outside: image (h, w, 3) uint8 RGB.

    Labelled keypoints go to input px; one that falls outside the crop stays visible (the codec sees
    to that). `matrix` (2, 3) float64 leads from image px, mirror included, to input px. The crop is
    written into `out`, unless that is None.

    Args:
        size: w, h of the crop.
        udp: use the map of UDP; must agree with the codec.
    """

    reads = ("center", "size", "rotation", "flipped", "visible", "origin", "photo", "out")
    changes = ("image", "keypoints")
    adds = ("matrix",)

    def __init__(self, size: tuple[int, int], udp: bool = False) -> None:
        width_over_height("size", size)
        self.size = (int(size[0]), int(size[1]))
        self.udp = udp

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Cut the crop."""
        self._map(sample)
        self._cut(sample)
        return sample

    def for_each(self, samples: Sequence[Drawn]) -> list[Drawn]:
        """All maps, then all crops: these leave nothing else in the processor's caches."""
        for sample, _ in samples:
            self._map(sample)
        for sample, _ in samples:
            self._cut(sample)
        return list(samples)

    def _map(self, sample: Sample) -> None:
        """Add the matrix, and move the keypoints."""
        keypoints, visible = sample["keypoints"], sample["visible"]
        make = udp_matrix if self.udp else affine_matrix
        matrix = make(sample["center"], sample["size"], sample["rotation"], self.size)
        # in half the time of apply_affine
        moved = (keypoints @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        if np.count_nonzero(visible) < len(visible):
            np.copyto(moved, keypoints, where=visible[:, None] <= 0)
        sample["keypoints"] = moved
        if sample["flipped"]:
            matrix = compose(matrix, mirror_matrix(sample["photo"][0]))
        sample["matrix"] = matrix

    def _cut(self, sample: Sample) -> None:
        """Put the crop in place of the image."""
        region = Region(sample["image"], sample["origin"], sample["photo"])
        matrix, out = sample["matrix"], sample.get("out")
        crop = cut(region, matrix, self.size, out)
        if crop is None:  # some transform went further than its `reach` says
            crop = cut(Region.whole(read_image(sample["image_path"])), matrix, self.size, out)
        sample["image"] = crop

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """The size as it is cut: without `udp`, the width decides the scale of both axes."""
        if self.udp:
            return views
        tall = self.size[1] / self.size[0]
        return [view._replace(size=(view.size[0], view.size[0] * tall)) for view in views]


def reaches_outside(record: Sample, width: float, height: float) -> bool:
    """Whether the box or a labelled keypoint of `record` ends right of or below such an image."""
    x, y, w, h = record["box"]
    ends = np.vstack([(x + w, y + h), record["keypoints"][record["visible"] > 0]])
    return bool((ends > (width + 1, height + 1)).any())


def width_over_height(name: str, size: Sequence[int]) -> float:
    """Aspect of `size` (w, h), or ValueError where it is none; `name` is for the message."""
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"{name} {tuple(size)}: must be (width, height), each at least 1 px")
    return size[0] / size[1]


def probability(name: str, value: float) -> float:
    """`value`, or ValueError where it is no probability; `name` is for the message."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} {value}: must be a probability, from 0 to 1")
    return value
