"""Frames of a video by OpenCV, in order.

OpenCV ends without a word at a packet that it cannot decode; only the header's count can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from hrpose.errors import DataError
from hrpose.video.first_bytes import found
from hrpose.video.frames import Decoded


class OpenCVSource:
    """Decodes the video `path` with the FFmpeg inside OpenCV.

    Raises:
        DataError: it cannot be opened.
    """

    name = "OpenCV"

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise DataError(f"{path}: not a video that OpenCV can open; {found(path)}")
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # not so by itself in all versions
        claimed = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        # length times rate, if the file says no count: below 0 in a stream that has no times
        self._has_times = claimed >= 0
        self.header_frames = max(0, round(claimed))
        self.rate = (self._capture.get(cv2.CAP_PROP_FPS) or None) if self._has_times else None
        self._read = 0

    def __iter__(self) -> Iterator[Decoded]:
        while self._capture.grab():
            self._read += 1
            seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._has_times else None
            yield Decoded(seconds, self._image)

    def _image(self) -> np.ndarray | None:
        ok, image = self._capture.retrieve()
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if ok else None

    def shortfall(self) -> str:
        """What is missing by the header's count, which OpenCV cannot tell from a wrong count."""
        if self._read >= self.header_frames:
            return ""
        return (
            f"OpenCV ended after {self._read} frames, where the header says {self.header_frames}: "
            "either OpenCV stopped at a damaged packet, or that number is wrong, as after a cut, "
            "or an estimate by length and rate; PyAV tells which, and reads on (extra `video`)"
        )

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()
