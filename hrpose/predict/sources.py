"""Frames of image files and of videos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hrpose.datasets.images import read_image
from hrpose.errors import DataError
from hrpose.predict.frames import Frame
from hrpose.predict.inputs import Job
from hrpose.video.reader import VideoReader, open_video


class Frames:
    """The frames of a job, read once and in order, and what the file says of them."""

    def __init__(self, frames: Iterator[Frame], total: int | None) -> None:
        self._frames = frames
        self.total = total
        """How many will come, as far as it is known."""
        self.told: int | None = None
        """How many frames the header of the video says that there are."""
        self.rate: float | None = None
        """Frames per second, as the header of the video says."""
        self.size: tuple[int, int] | None = None
        """(W, H) px of the first frame of the video that could be read."""
        self.decoder = "OpenCV"
        """What decodes."""

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def warnings(self) -> list[str]:
        """What is wrong with the file, once it is read."""
        return []

    def close(self) -> None:
        """Release the file."""


class VideoFrames(Frames):
    """Every `stride`-th frame of the video `path` from `start` to before `stop`.

    Raises:
        DataError: it is no video.
    """

    def __init__(
        self, path: Path, start: int = 0, stop: int | None = None, stride: int = 1
    ) -> None:
        self._reader = open_video(path, start, stop, stride)
        told = self._reader.header_frames
        end = told if stop is None else min(stop, told) if told else stop
        total = max(0, -(-(end - start) // stride)) if end else None
        super().__init__(self._of(self._reader), total)
        self.told, self.rate = told or None, self._reader.rate
        self.decoder = self._reader.decoder

    def _of(self, reader: VideoReader) -> Iterator[Frame]:
        for frame in reader:
            image = frame.image
            if self.size is None and image is not None:
                self.size = image.shape[1], image.shape[0]
            digest = f"{frame.digest:08x}"
            yield Frame(str(frame.number), frame.number, frame.seconds, image, frame.note, digest)

    def warnings(self) -> list[str]:
        """What the reader has to say."""
        return self._reader.warnings()

    def close(self) -> None:
        """Release the file."""
        self._reader.close()


def frames_of(job: Job, start: int = 0, stop: int | None = None, stride: int = 1) -> Frames:
    """The frames of `job`; of a video those that are asked for.

    Raises:
        DataError: it is no video.
    """
    if job.kind == "images":
        return Frames(_images(job), len(job.paths))
    return VideoFrames(job.paths[0], start, stop, stride)


def _images(job: Job) -> Iterator[Frame]:
    """The images of a job; those that cannot be read with a note."""
    for number, (path, label) in enumerate(zip(job.paths, job.labels, strict=True)):
        try:
            yield Frame(label, number, None, read_picture(path))
        except DataError as error:
            note = str(error).partition(";")[0].removeprefix(f"{path}: ")
            yield Frame(label, number, None, None, note)


def read_picture(path: Path) -> np.ndarray:
    """The image in file `path`, (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    Raises:
        DataError: it cannot be read.
    """
    return read_image(path)
