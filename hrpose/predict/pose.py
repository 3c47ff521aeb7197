"""A trained model in Python: called with an image, or asked for a video's frames.

Legend: N animals, K keypoints; x, y in image px, pixel centres at integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hrpose.predict.frames import Boxes, Frame
from hrpose.predict.look.boxes import FixedBox, WholeFrame, read_boxes
from hrpose.predict.pipeline import Pipeline
from hrpose.predict.sources import VideoFrames, read_picture

if TYPE_CHECKING:
    from hrpose.keypoints import KeypointMeta


class FramePose(NamedTuple):
    """What `Pose.video` gives of one frame."""

    frame: int
    """Its number, from 0."""
    time_s: float | None
    """When it is shown, in seconds; None where the file does not say."""
    keypoints: np.ndarray
    """(N, K, 2) float64 image px; NaN where nothing was looked for, or the frame is damaged."""
    scores: np.ndarray
    """(N, K) float64; 0 there."""
    boxes: np.ndarray
    """(N, 4) float64 x, y, w, h image px; NaN there."""


class Pose:
    """Where the keypoints of animals are.

    Args:
        pipeline: the network and how its crops are cut; `hrpose.load_model` makes it.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @property
    def meta(self) -> KeypointMeta:
        """What the keypoints are called, in their order."""
        return self.pipeline.cropper.meta

    def __call__(
        self, image: np.ndarray | str | Path, boxes: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (N, K, 2) float64 image px, and their scores (N, K) float64.

        Args:
            image: (H, W, 3) uint8 RGB, or the path of an image file.
            boxes: (N, 4) x, y, w, h in image px, one an animal; the whole image if None.

        Raises:
            DataError: the image cannot be read.
            ValueError: `image` or `boxes` have another shape.
        """
        picture = _picture(image)
        height, width = picture.shape[:2]
        where = np.atleast_2d(
            np.asarray([[0, 0, width, height]] if boxes is None else boxes, float)
        )
        if where.size == 0:
            return np.zeros((0, len(self.meta), 2)), np.zeros((0, len(self.meta)))
        if where.ndim != 2 or where.shape[1] != 4 or not (where[:, 2:] > 0).all():
            raise ValueError(f"boxes of shape {where.shape}: expected (N, 4), w and h above 0 px")
        slots = list(range(len(where)))
        pipeline = replace(self.pipeline, animals=len(where))
        frame = Frame("0", 0, None, picture)
        (found,) = pipeline.run([frame], lambda _: Boxes(where, "fixed", slots))
        return found.keypoints, found.scores

    def video(
        self,
        path: str | Path,
        boxes: Sequence[float] | str | Path | None = None,
        animals: int = 1,
        start: int = 0,
        stop: int | None = None,
        stride: int = 1,
        batch_size: int = 32,
    ) -> Iterator[FramePose]:
        """Each frame of a video, read once and in order; memory does not grow with its length.

        Args:
            boxes: one box x, y, w, h for all frames, or a csv file with frame, x, y, w, h and
                perhaps id; the whole frame if None.
            animals: N.
            start: the first frame; `stop` is the one after the last, and of those in between every
                `stride`-th is looked at.

        Raises:
            DataError: it is no video, or `boxes` do not fit.
        """
        look: Any = WholeFrame()
        if isinstance(boxes, str | Path):
            look = read_boxes(Path(boxes), animals)
        elif boxes is not None:
            look = FixedBox(boxes)
        pipeline = replace(self.pipeline, animals=animals, batch_size=batch_size)
        with closing(VideoFrames(Path(path), start, stop, stride)) as frames:
            for found in pipeline.run(frames, look):
                where = np.full((animals, 4), np.nan)
                where[found.where.slots] = found.where.boxes
                yield FramePose(
                    found.frame.number, found.frame.time_s, found.keypoints, found.scores, where
                )


def _picture(image: np.ndarray | str | Path) -> np.ndarray:
    if isinstance(image, str | Path):
        return read_picture(Path(image))
    if not (image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8 and image.size):
        raise ValueError(
            f"image of shape {image.shape}, {image.dtype}: expected (H, W, 3) uint8, RGB"
        )
    return image
