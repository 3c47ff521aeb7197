"""Frames of image files and of videos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hrpose.errors import DataError
from hrpose.predict.frames import Frame
from hrpose.predict.inputs import Job


class Frames:
    """The frames of a job, read once, in order, and what the file says of them.

    Nothing is sought in a video: what seeking gives are other frames in many files.
    """

    def __init__(self, frames: Iterator[Frame], total: int | None) -> None:
        self._frames = frames
        self.total = total
        """How many will come, as far as it is known."""
        self.told: int | None = None
        """How many frames the header of the video says that there are."""
        self.seen = 0
        """How many frames of the video went by, also those that were not asked for."""
        self.whole = False
        """Whether the video was read to its end."""
        self.rate: float | None = None
        """Frames per second, as the header of the video says."""
        self.size: tuple[int, int] | None = None
        """(W, H) px of the first frame that could be read."""

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Release the file."""
        self._frames.close()  # type: ignore[attr-defined]


def frames_of(job: Job, start: int = 0, stop: int | None = None, stride: int = 1) -> Frames:
    """The frames of `job`; of a video every `stride`-th from `start` to before `stop`.

    Raises:
        DataError: it is no video.
    """
    if job.kind == "images":
        return Frames(_images(job), len(job.paths))
    return video_frames(job.paths[0], start, stop, stride)


def video_frames(path: Path, start: int, stop: int | None, stride: int) -> Frames:
    """Every `stride`-th frame of a video from `start` to before `stop`.

    Raises:
        DataError: it is no video.
    """
    from hrpose.video import open_video

    video = open_video(path)
    frames = Frames(iter(()), None)

    def wanted() -> Iterator[Frame]:
        with video:
            for number, time_s, image, note in video:
                if stop is not None and number >= stop:
                    return
                frames.seen = number + 1
                if frames.size is None and image is not None:
                    frames.size = (image.shape[1], image.shape[0])
                if number >= start and (number - start) % stride == 0:
                    yield Frame(str(number), number, time_s, image, note)
        frames.whole = True

    frames._frames = wanted()
    return frames


def _images(job: Job) -> Iterator[Frame]:
    """The images of a job; those that cannot be read with a note."""
    for number, (path, label) in enumerate(zip(job.paths, job.labels, strict=True)):
        try:
            yield Frame(label, number, None, read_picture(path))
        except DataError as error:
            yield Frame(label, number, None, None, str(error).partition(";")[0])


def read_picture(path: Path) -> np.ndarray:
    """The image in file `path`, (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    Raises:
        DataError: it cannot be read.
    """
    from hrpose.datasets.images import read_image  # its room brings torch

    return read_image(path)
