"""A closer look at one animal without a detector: the box is that of the points found before.

Legend: K keypoints; boxes x, y, w, h in image px. In a video the box of a frame comes from the
frames before it; where those do not tell, as in a still, from a first look at the whole of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import numpy as np

from hrpose.geometry import box_around
from hrpose.predict.frames import NOWHERE, Boxes, Found, Frame
from hrpose.predict.loop import predict
from hrpose.predict.pipeline import Pipeline
from hrpose.processes.threads import ahead

SURE = 0.3
"""Score from which on a point counts."""
ONLY_BOXES = (
    "warning: this page trains on boxes around the animals, and is now shown whole frames (--bbox "
    "full, zoom), where the animal is smaller: give boxes, or train with RandomWholeFrame, as "
    "pages of hrpose init do"
)
_SHARE = 1 / 3  # of the points must be sure, else the animal is not found
_CENTRES, _SIZES = 5, 31  # frames over which the box is smoothed, by the median
_AGAIN = 300  # frames after which the whole frame is looked at again
_SMALLEST = 0.25  # of the first span of the points: none is taken for smaller
_SAME = 0.01  # px: two boxes are one
_AHEAD = 8  # frames that wait


def knows_whole_frames(page: dict[str, Any]) -> bool:
    """Whether the training of `page` shows whole frames, as `full` and zoom's first look do."""
    steps = [step.get("type") for step in page.get("train_pipeline", ())]
    train = page.get("data", {}).get("train", {})  # without one, what builds the page says so
    return train.get("crop") == "frame" or "RandomWholeFrame" in steps


class Zoom:
    """Where to look in the next frame of a video.

    What it keeps of the points is their span, smoothed; the box is that and a margin, as boxes are
    made of points for training.
    """

    def __init__(self) -> None:
        self._centres: deque[np.ndarray] = deque(maxlen=_CENTRES)
        self._spans: deque[np.ndarray] = deque(maxlen=_SIZES)
        self._first: np.ndarray | None = None
        self._since = 0  # frames since the whole frame was looked at
        self._found = False
        self._box = np.zeros(4)  # of the last look

    def look(self, size: tuple[int, int]) -> Boxes:
        """One box in a frame of (W, H) = `size` px."""
        if not self._found or self._since >= _AGAIN:
            self._start_anew()
            where = _whole(size)
        else:
            self._since += 1
            assert self._first is not None
            span = np.maximum(np.median(self._spans, axis=0), self._first * _SMALLEST)
            where = _closer(self._expected(), span, size)
        self._box = where.boxes[0]
        return where

    def _start_anew(self) -> None:
        """The whole frame is looked at, and the animal may be elsewhere."""
        self._since = 0
        self._centres.clear()

    def _expected(self) -> np.ndarray:
        """Where the centre will be: the median of the last ones, each moved on at the median of
        their steps. The plain median lies some frames behind, and fast animals leave the box.
        """
        centres = np.array(self._centres)
        step = np.median(np.diff(centres, axis=0), axis=0) if len(centres) > 1 else np.zeros(2)
        ages = np.arange(len(centres), 0, -1)[:, None]
        return np.median(centres + ages * step, axis=0)

    def learn(
        self, keypoints: np.ndarray, scores: np.ndarray, box: np.ndarray | None = None
    ) -> None:
        """Take in what was found: keypoints (K, 2) image px, scores (K,).

        Args:
            box: (4,), where it was found; if None, where `look` said.
        """
        # the digits of a table: a run that goes on from one zooms as the run before it did
        keypoints, scores = keypoints.round(4), scores.round(4)
        if box is not None and not np.allclose(box, self._box, rtol=0, atol=_SAME):
            self._start_anew()  # found by way of the whole frame
        sure = _is_sure(keypoints, scores)
        centre, span = _spanned(keypoints[sure])
        self._found = _enough(sure) and span.max() > 0
        if not self._found:
            return
        if self._spans and not sure.all():  # what is missing made it no smaller
            span = np.maximum(span, np.median(self._spans, axis=0))
        self._first = span if self._first is None else self._first
        self._spans.append(span)
        self._centres.append(centre)


def _is_sure(keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Which of the points count, (K,) bool."""
    return (scores >= SURE) & np.isfinite(keypoints).all(axis=-1)


def _enough(sure: np.ndarray) -> bool:
    """Whether so many points say where the animal is."""
    return bool(sure.sum() >= _SHARE * len(sure))


def _spanned(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre (2,) and sides (2,) of what points (n, 2) span; 0 where there are none."""
    if not len(points):
        return np.zeros(2), np.zeros(2)
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, np.maximum(high - low, (high - low).max() / 8)  # a row has no width


def _whole(size: tuple[int, int]) -> Boxes:
    """All of a frame of (W, H) = `size` px."""
    return Boxes(np.array([[0.0, 0.0, *size]]), "full", [0])


def _closer(centre: np.ndarray, span: np.ndarray, size: tuple[int, int]) -> Boxes:
    """The box, inside of a frame of (W, H) = `size` px, of points that span `span` there."""
    centre = np.clip(centre, 0, np.array(size) - 1)
    corners = np.stack([centre - span / 2, centre + span / 2])
    return Boxes(box_around(corners, size)[None], "zoom", [0])


def zoomed(
    pipeline: Pipeline,
    frames: Iterable[Frame],
    stills: bool,
    rows: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]] = (),
) -> Iterator[Found]:
    """What is found in each of `frames`; one crop at a time, as each box needs the answer before.

    Args:
        stills: each frame by itself.
        rows: keypoints (1, K, 2), scores (1, K) and box (1, 4) of the first frames, which are
            passed over.
    """
    zoom, known = Zoom(), iter(rows)
    source = ahead(frames, _AHEAD)
    with closing(source):  # type: ignore[type-var]
        for frame in source:
            row = next(known, None)
            if frame.image is None:
                if row is None:
                    yield _looked(pipeline, frame, NOWHERE)
                continue
            size = frame.image.shape[1], frame.image.shape[0]
            if stills:
                zoom = Zoom()
            where = zoom.look(size)
            if row is not None:
                zoom.learn(*(part[0] for part in row))
                continue
            found = _best_look(pipeline, frame, where, size)
            zoom.learn(found.keypoints[0], found.scores[0], found.where.boxes[0])
            frame.image = None
            yield found


def _best_look(pipeline: Pipeline, frame: Frame, where: Boxes, size: tuple[int, int]) -> Found:
    """What is found in the one box of `where`; where that is the whole frame, or the animal has
    left it, in the box that the whole frame leads to.
    """
    found = _looked(pipeline, frame, where)
    sure = _is_sure(found.keypoints[0], found.scores[0])
    if where.source == "zoom":
        if _enough(sure):
            return found
        again = _looked(pipeline, frame, _whole(size))
        sure_again = _is_sure(again.keypoints[0], again.scores[0])
        if sure_again.sum() <= sure.sum():
            return found
        found, sure = again, sure_again
    centre, span = _spanned(found.keypoints[0][sure])
    if not _enough(sure) or span.max() == 0:
        return found
    close = _looked(pipeline, frame, _closer(centre, span, size))
    return close if _enough(_is_sure(close.keypoints[0], close.scores[0])) else found


def _looked(pipeline: Pipeline, frame: Frame, where: Boxes) -> Found:
    """What is found in the one box of `where`."""
    found = Found.nothing(frame, where, 1, len(pipeline.cropper.meta))
    for box in where.boxes:
        assert frame.image is not None
        crop, matrix = pipeline.cropper(frame.image, box)
        batch = {
            "images": crop[None].transpose(0, 3, 1, 2),
            "matrix": matrix[None],
            "index": np.zeros(1, np.int64),
        }
        (answer,) = predict([batch], pipeline.estimate)
        found.keypoints[0], found.scores[0] = answer.keypoints[0], answer.scores[0]
    return found
