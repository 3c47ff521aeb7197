"""What travels from a file of pictures to a table: a frame, its boxes, what was found.

Legend: n boxes of a frame, N animals that a table has room for, K keypoints; boxes are x, y, w, h
in image px of the upright frame, pixel centres at integers.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

BoxSource = Literal["full", "fixed", "file", "zoom"]
_HASHED_ROWS = 8  # of so many rows one goes into the digest: all take as long as decoding


@dataclass
class Frame:
    """One picture: of a video, or an image file."""

    label: str
    """The first column of a table: the frame's number from 0, or the path of the image."""
    number: int
    """The number of the frame in its video, or of the image among those of its folder."""
    time_s: float | None
    """When it is shown, in seconds; None where the file does not say."""
    image: np.ndarray | None
    """(H, W, 3) uint8 RGB; None where it cannot be read."""
    note: str = ""
    """Why it cannot be read, or why nothing was looked for in it."""
    digest: str = ""
    """Eight hex digits that tell this picture, or it and all before it, from others."""

    def __post_init__(self) -> None:
        if self.digest:
            return
        if self.image is None:
            self.digest = "-" * 8
            return
        rows = np.ascontiguousarray(self.image[::_HASHED_ROWS])
        self.digest = f"{zlib.crc32(rows.data, zlib.crc32(repr(self.image.shape).encode())):08x}"


@dataclass
class Boxes:
    """Where to look in a frame."""

    boxes: np.ndarray
    """(n, 4) float64."""
    source: BoxSource
    slots: list[int]
    """Which of the N animals each box belongs to, in rising order."""
    ids: list[str | None] = field(default_factory=list)
    """What the box file calls each; None where it says nothing."""

    def __len__(self) -> int:
        return len(self.boxes)


NOWHERE = Boxes(np.zeros((0, 4)), "full", [])
"""For a frame that cannot be read, or has no box."""


@dataclass
class Found:
    """What the network says of one frame."""

    frame: Frame
    where: Boxes
    keypoints: np.ndarray
    """(N, K, 2) float64 image px; NaN for an animal that was not looked for."""
    scores: np.ndarray
    """(N, K) float64, the heatmaps' peaks; 0 for an animal that was not looked for."""

    @classmethod
    def nothing(cls, frame: Frame, where: Boxes, animals: int, keypoints: int) -> Found:
        """Room for what is found in `frame`."""
        shape = (animals, keypoints)
        return cls(frame, where, np.full((*shape, 2), np.nan), np.zeros(shape))
