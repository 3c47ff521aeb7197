"""What the readers of a video hand out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video, or the place of one that cannot be decoded."""

    number: int
    """From 0, as a player counts: frames that an edit list hides are not counted, lost ones are."""
    seconds: float | None
    """After the first frame, as the file says; None where it has no times."""
    image: np.ndarray | None
    """(H, W, 3) uint8 RGB, upright; None where the frame is lost, and `note` says why."""
    note: str
    """What is wrong with it; '' where nothing is known to be."""
    digest: int
    """CRC-32 of all images from the reader's first one to this one, for a resume to compare."""


@dataclass(frozen=True)
class Decoded:
    """What a source found at one place of the video."""

    seconds: float | None
    """On the file's own clock."""
    image: Callable[[], np.ndarray | None] | None
    """Makes the image as `VideoFrame` has it; None where the frame is lost."""
    note: str = ""


class Decoder(Protocol):
    """A library that decodes a video from its first frame to its last."""

    name: str
    header_frames: int
    """How many frames the header claims; 0 where it says nothing. Headers lie."""
    rate: float | None
    """Frames per second on the average, by the header."""

    def __iter__(self) -> Iterator[Decoded]:
        """All frames, in the order in which they are shown."""

    def shortfall(self) -> str:
        """After the last frame: what the header promises and the file does not hold; else ''."""

    def close(self) -> None:
        """Let go of the file."""
