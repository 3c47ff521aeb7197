"""The frames of the candidates, out of one reading of the video in order.

They wait on the disk as PNG files, whatever their number and size; in memory are thumbnails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hrpose.errors import RunError
from hrpose.labelling.candidates import Candidate
from hrpose.video.reader import VideoReader

THUMBNAIL = 32
"""px, the side of the grey pictures by which frames are compared."""


@dataclass(frozen=True)
class Picture:
    """A candidate with its frame."""

    candidate: Candidate
    seconds: float | None
    """After the first frame of the video; None where nothing tells."""
    thumbnail: np.ndarray
    """(1024,) grey levels."""
    size: tuple[int, int]
    """(W, H) px."""
    file: Path
    """PNG."""


def collect_pictures(
    video: VideoReader, chosen: Sequence[Candidate], folder: Path
) -> tuple[list[Picture], int]:
    """Frames of the candidates, written to `folder`, and how many frames the video has.

    Candidates whose frame is lost are left out.

    Raises:
        RunError: a frame cannot be written.
    """
    wanted = {candidate.number: candidate for candidate in chosen}
    found = []
    for frame in video:
        candidate = wanted.get(frame.number)
        if candidate is None or frame.image is None:
            continue
        seconds = frame.seconds
        if seconds is None and video.rate:
            seconds = frame.number / video.rate
        file = folder / f"{frame.number}.png"
        _write(file, frame.image)
        high, wide = frame.image.shape[:2]
        found.append(Picture(candidate, seconds, thumbnail(frame.image), (wide, high), file))
    return found, video.frames_read


def thumbnail(image: np.ndarray) -> np.ndarray:
    """`image` (H, W, 3) in 32x32 grey levels, (1024,) float32."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).ravel()


def _write(path: Path, image: np.ndarray) -> None:
    ok, data = cv2.imencode(".png", image[..., ::-1])
    if not ok:
        raise RunError(f"{path}: OpenCV cannot encode the picture")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror})") from None
