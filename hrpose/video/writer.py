"""Drawn frames as an MP4 that is there whole or not at all.

PyAV writes H.264, which every player and browser shows, and keeps the frames' own times; OpenCV,
where PyAV is not installed, writes MPEG-4 at one rate.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from hrpose import environment
from hrpose.errors import RunError
from hrpose.storage.whole_file import draft_for_library

CLOCK = 90_000  # ticks a second
_SUFFIXES = (".mp4", ".mov", ".mkv")


class _Encoder(Protocol):
    name: str

    def write(self, image: np.ndarray, seconds: float | None) -> None:
        """Take one frame of the size that all have."""

    def finish(self) -> None:
        """Write what is left; afterwards the file is whole."""

    def abandon(self) -> None:
        """Let go of the file, whatever is in it."""


class VideoWriter:
    """Takes frames in order; see `write_video`."""

    def __init__(self, path: Path, encoder: _Encoder) -> None:
        self.path = path
        self.encoder = encoder.name
        """What the video is written with, and in which form."""
        self.frames_written = 0
        self._encoder = encoder
        self._canvas: tuple[int, int] | None = None  # width, height

    def write(self, image: np.ndarray, seconds: float | None = None) -> None:
        """Add one frame.

        Args:
            image: (H, W, 3) uint8 RGB. The first one sets the size of the video, a later one of
                another size is fitted into it with dark margins.
            seconds: when it is shown, 0 for the first; None: one frame's time after the last.

        Raises:
            RunError: it cannot be written.
        """
        if self._canvas is None:
            high, wide = image.shape[:2]
            self._canvas = wide + wide % 2, high + high % 2  # both codecs halve the colours
        with _told(self.path):
            self._encoder.write(_fitted(image, *self._canvas), seconds)
        self.frames_written += 1


@contextlib.contextmanager
def write_video(
    path: str | Path, rate: float | None = None, encoder: str | None = None
) -> Iterator[VideoWriter]:
    """A writer for the video `path`, which stands there when the block ends, and not if it fails.

    Args:
        rate: frames per second, for frames without times; None: 25.
        encoder: 'PyAV' or 'OpenCV'; None takes PyAV where it is installed.

    Raises:
        RunError: it cannot be written: no room, no such folder, no frame, another kind of file.
    """
    path, rate = Path(path), rate if rate and 0 < rate <= 1000 else 25.0
    if path.suffix.lower() not in _SUFFIXES:
        raise RunError(f"{path}: expected a name that ends in {', '.join(_SUFFIXES)}")
    if encoder is None:
        encoder = "PyAV" if importlib.util.find_spec("av") else "OpenCV"
    kinds: dict[str, Callable[[Path, float], _Encoder]] = {
        "PyAV": _PyAVEncoder,
        "OpenCV": _OpenCVEncoder,
    }
    if encoder not in kinds:
        raise ValueError(f"encoder: {encoder!r} is neither of {list(kinds)}")
    with _told(path), draft_for_library(path) as draft:
        chosen = kinds[encoder](draft, rate)
        writer = VideoWriter(path, chosen)
        try:
            yield writer
            if not writer.frames_written:
                raise RunError(f"{path}: no frame was drawn, so there is no video to write")
            chosen.finish()
        finally:
            chosen.abandon()


class _PyAVEncoder:
    def __init__(self, draft: Path, rate: float) -> None:
        self._av: Any = environment.require("av", "video", "writing a video with PyAV")
        codec = "libx264" if "libx264" in self._av.codecs_available else "mpeg4"
        self.name = f"{'H.264' if codec == 'libx264' else 'MPEG-4'} by PyAV"
        self._container = self._av.open(f"file:{draft}", "w")
        self._stream = self._container.add_stream(
            codec, rate=Fraction(rate).limit_denominator(1001)
        )
        self._stream.pix_fmt = "yuv420p"  # the only one that every player knows
        if codec == "libx264":  # no frames out of order: times begin at 0 without an edit list
            self._stream.options = {"crf": "20", "preset": "veryfast", "bf": "0"}
        self._to_yuv = self._av.video.reformatter.VideoReformatter()
        self._ticks = round(CLOCK / rate)
        self._last = -self._ticks

    def write(self, image: np.ndarray, seconds: float | None) -> None:
        if not self._stream.codec_context.is_open:
            self._stream.height, self._stream.width = image.shape[:2]
            self._stream.codec_context.time_base = Fraction(1, CLOCK)
        due = self._last + self._ticks if seconds is None else round(seconds * CLOCK)
        frame = self._to_yuv.reformat(
            self._av.VideoFrame.from_ndarray(image, format="rgb24"), format="yuv420p"
        )
        # a time that is not later than the one before would be refused
        self._last = frame.pts = max(due, self._last + 1, 0)
        frame.time_base = Fraction(1, CLOCK)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        with contextlib.suppress(Exception):  # closing writes, too: the first error says more
            self._container.close()


class _OpenCVEncoder:
    name = "MPEG-4 by OpenCV, at one rate"

    def __init__(self, draft: Path, rate: float) -> None:
        self._draft, self._rate, self._frames = draft, rate, 0
        draft.touch()  # OpenCV does not say why a file cannot be made
        self._writer: Any = None

    def write(self, image: np.ndarray, seconds: float | None) -> None:
        if self._writer is None:
            size = image.shape[1], image.shape[0]
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._draft), cv2.CAP_FFMPEG, code, self._rate, size)
            if not self._writer.isOpened():
                raise OSError(f"OpenCV cannot encode {size[0]}x{size[1]} at {self._rate:g} fps")
        self._writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        self._frames += 1

    def finish(self) -> None:
        self._writer.release()
        there = cv2.VideoCapture(str(self._draft), cv2.CAP_FFMPEG)
        count = round(there.get(cv2.CAP_PROP_FRAME_COUNT)) if there.isOpened() else 0
        there.release()
        if count < self._frames:  # OpenCV says nothing when it cannot write
            raise OSError(f"of {self._frames} frames {count} arrived; is the disk full?")

    def abandon(self) -> None:
        if self._writer is not None:
            self._writer.release()


def _fitted(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """`image` at the size of the video: made smaller if it must be, in the middle of black."""
    high, wide = image.shape[:2]
    if (wide + wide % 2, high + high % 2) == (width, height):
        return cv2.copyMakeBorder(image, 0, height - high, 0, width - wide, cv2.BORDER_REPLICATE)
    scale = min(width / wide, height / high)
    size = max(1, round(wide * scale)), max(1, round(high * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the system or a library refuses, as one error that names `path`."""
    try:
        yield
    except OSError as problem:  # PyAV's errors are of this kind, too
        raise RunError(
            f"{path}: the video cannot be written ({problem.strerror or problem}); nothing of "
            "it is kept"
        ) from None
