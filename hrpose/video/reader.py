"""The frames of a video file, one by one from the first: no seek, and no trust in the header.

A seek lands on wrong frames where the frame rate varies or the file has no times, and counts in
headers are wrong after a cut; so a part of a video is had by decoding all that is before it.
"""

from __future__ import annotations

import importlib.util
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hrpose.errors import DataError
from hrpose.video.first_bytes import refuse_what_is_no_video
from hrpose.video.frames import Decoded, Decoder, VideoFrame


def open_video(
    path: str | Path,
    start: int = 0,
    stop: int | None = None,
    stride: int = 1,
    decoder: str | None = None,
) -> VideoReader:
    """A reader of frames `start`, `start + stride`, ... before `stop` of the video file `path`.

    Args:
        decoder: 'PyAV' or 'OpenCV'; None takes PyAV where it is installed. PyAV names the packets
            that it cannot decode and goes on, where OpenCV ends without a word.

    Raises:
        DataError: there is no such file, it is no video, or it has no frames.
        RunError: PyAV is installed, or asked for, and cannot be imported.
    """
    path = Path(path)
    refuse_what_is_no_video(path)
    if decoder is None:
        decoder = "PyAV" if importlib.util.find_spec("av") else "OpenCV"
    return VideoReader(path, _source(path, decoder), start, stop, stride)


def _source(path: Path, decoder: str) -> Decoder:
    # imported here: who has no PyAV needs none, and who has it needs no OpenCV to read
    if decoder == "PyAV":
        from hrpose.video.pyav_source import PyAVSource

        return PyAVSource(path)
    if decoder == "OpenCV":
        from hrpose.video.opencv_source import OpenCVSource

        return OpenCVSource(path)
    raise ValueError(f"decoder: {decoder!r} is neither 'PyAV' nor 'OpenCV'")


class VideoReader:
    """Iterates over the frames of one video, once; see `open_video`.

    It may be opened in one thread, read in another, and closed from any: `close` waits for the
    frame that is being decoded. Iteration then ends.

    Args:
        source: where decoded frames come from; the reader closes it.

    Raises:
        DataError: the source has no frame.
        ValueError: start, stop or stride make no sense.
    """

    def __init__(
        self, path: Path, source: Decoder, start: int = 0, stop: int | None = None, stride: int = 1
    ) -> None:
        if start < 0 or stride < 1 or (stop is not None and stop <= start):
            source.close()
            raise ValueError(
                f"frames {start} to {stop} in strides of {stride}: expected 0 <= start < stop "
                "and a stride of at least 1"
            )
        self.path, self.decoder = path, source.name
        self.rate, self.header_frames = source.rate, source.header_frames
        self.frames_read = 0
        """Frames met so far, lost ones and those between the strides included."""
        self.lost_frames: list[int] = []
        """Numbers of the frames met so far that cannot be decoded."""
        self._doubtful: list[int] = []
        self._shapes: dict[tuple[int, ...], int] = {}  # to the first frame of that shape
        self._timed = False
        self._start, self._stop, self._stride = start, stop, stride
        self._digest, self._origin = 0, 0.0
        self._source, self._lock, self._done = source, threading.Lock(), False
        self._decoded = iter(source)
        self._ahead: Decoded | None = self._first()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        while True:
            with self._lock:
                if self._done:
                    return
                frame = self._take()
            if frame is not None:
                yield frame

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        with self._lock:
            self._finish()

    def warnings(self) -> list[str]:
        """What a user should know of the frames met so far; whole once the video is read."""
        found = []
        if self.lost_frames:
            found.append(f"{len(self.lost_frames)} of its frames cannot be decoded: ")
            found[-1] += _ranges(self.lost_frames)
        if self._doubtful:
            found.append(
                f"{len(self._doubtful)} of its frames were decoded with errors, or after such a "
                f"frame, and may show remains of older ones: {_ranges(self._doubtful)}"
            )
        if not self._timed:
            found.append("it has no frame times, so none are given")
        if len(self._shapes) > 1:
            sizes = [
                f"{width}x{height} from frame {at}" for (height, width), at in self._shapes.items()
            ]
            found.append(f"its frames change their size: {', '.join(sizes)}")
        if self._ahead is None and self._shortfall:
            found.append(self._shortfall)
        return [f"{self.path}: {text}" for text in found]

    def _first(self) -> Decoded:
        self._shortfall = ""
        try:
            first = next(self._decoded, None)
            if first is None:
                raise DataError(f"{self.path}: {self._nothing()}")
        except BaseException:
            self._source.close()
            raise
        self._timed, self._origin = first.seconds is not None, first.seconds or 0.0
        return first

    def _nothing(self) -> str:
        if not self.header_frames:
            return "a video without frames"
        return (
            f"of the {self.header_frames} frames that its header says, {self.decoder} can decode "
            "none: the file is damaged, or in a form that it does not know"
        )

    def _take(self) -> VideoFrame | None:
        """The next frame; None where it is not asked for, or is none."""
        decoded, number = self._ahead, self.frames_read
        if decoded is None or (self._stop is not None and number >= self._stop):
            self._finish()
            return None
        frame = self._frame(number, decoded)
        self.frames_read += 1
        self._ahead = next(self._decoded, None)
        if self._ahead is None:
            self._shortfall = self._source.shortfall()
            self._refuse_if_all_are_lost()
        return frame

    def _frame(self, number: int, decoded: Decoded) -> VideoFrame | None:
        wanted = number >= self._start and (number - self._start) % self._stride == 0
        image, note = None, decoded.note
        if decoded.image is not None and wanted:
            image = decoded.image()
            note = note or ("" if image is not None else "cannot be converted to RGB")
        if decoded.image is None or (wanted and image is None):
            self.lost_frames.append(number)
        elif note:
            self._doubtful.append(number)
        if image is not None:
            self._shapes.setdefault(image.shape[:2], number)
            self._digest = zlib.crc32(np.ascontiguousarray(image).data, self._digest)
        if not wanted:
            return None
        seconds = None if decoded.seconds is None else decoded.seconds - self._origin
        return VideoFrame(number, seconds, image, note, self._digest)

    def _refuse_if_all_are_lost(self) -> None:
        if len(self.lost_frames) == self.frames_read:
            self._finish()
            raise DataError(
                f"{self.path}: not one of its {self.frames_read} frames can be decoded; the file "
                "is damaged or cut off: make the copy or the recording anew"
            )

    def _finish(self) -> None:
        if not self._done:
            self._done = True
            self._source.close()


def _ranges(numbers: list[int], most: int = 8) -> str:
    """Numbers in ascending order as '3, 7-9, ...'."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:most]]
    return ", ".join(shown + ["..."] * (len(runs) > most))
