"""A closer look at one animal without a detector: the box is that of the points found before.

Legend: K keypoints; boxes x, y, w, h in image px. In a video the box of a frame comes from the
frames before it; of a still it comes from a first look at the whole of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing

import numpy as np

from hrpose.predict.frames import NOWHERE, Boxes, Found, Frame
from hrpose.predict.loop import predict
from hrpose.predict.pipeline import Pipeline
from hrpose.processes.threads import ahead

SURE = 0.3
"""Score from which on a point counts."""
_SHARE = 1 / 3  # of the points must be sure, else the next look is at the whole frame
_CENTRES, _SIZES = 5, 31  # frames over which the box is smoothed, by the median
_AGAIN = 300  # frames after which the whole frame is looked at again
_SMALLEST = 0.25  # of the first box: no box is smaller
_AHEAD = 8  # frames that wait


class Zoom:
    """Where to look in the next frame of a video."""

    def __init__(self) -> None:
        self._centres: deque[np.ndarray] = deque(maxlen=_CENTRES)
        self._sizes: deque[np.ndarray] = deque(maxlen=_SIZES)
        self._first: np.ndarray | None = None
        self._since = 0  # frames since the whole frame was looked at
        self._found = False

    def look(self, size: tuple[int, int]) -> Boxes:
        """One box in a frame of (W, H) = `size` px."""
        if not self._found or self._since >= _AGAIN:
            self._since = 0
            self._centres.clear()  # the animal may be elsewhere
            return Boxes(np.array([[0.0, 0.0, *size]]), "full", [0])
        self._since += 1
        assert self._first is not None
        extent = np.maximum(np.median(self._sizes, axis=0), self._first * _SMALLEST)
        corner = self._expected() - extent / 2
        return Boxes(np.concatenate([corner, extent])[None], "zoom", [0])

    def _expected(self) -> np.ndarray:
        """Where the centre will be: the median of the last ones, each moved on at the median of
        their steps. The plain median lies some frames behind, and fast animals leave the box.
        """
        centres = np.array(self._centres)
        step = np.median(np.diff(centres, axis=0), axis=0) if len(centres) > 1 else np.zeros(2)
        ages = np.arange(len(centres), 0, -1)[:, None]
        return np.median(centres + ages * step, axis=0)

    def learn(self, keypoints: np.ndarray, scores: np.ndarray) -> None:
        """Take in what was found there: keypoints (K, 2) image px, scores (K,)."""
        # the digits of a table: a run that goes on from one zooms as the run before it did
        keypoints, scores = keypoints.round(4), scores.round(4)
        sure = (scores >= SURE) & np.isfinite(keypoints).all(axis=1)
        extent = np.ptp(keypoints[sure], axis=0) if sure.any() else np.zeros(2)
        self._found = sure.sum() >= _SHARE * len(scores) and extent.max() > 0
        if not self._found:
            return
        extent = np.maximum(extent, extent.max() / 8)  # points in a row have no width
        self._first = extent if self._first is None else self._first
        self._sizes.append(extent)
        low, high = keypoints[sure].min(axis=0), keypoints[sure].max(axis=0)
        self._centres.append((low + high) / 2)


def zoomed(
    pipeline: Pipeline,
    frames: Iterable[Frame],
    stills: bool,
    rows: Iterable[tuple[np.ndarray, np.ndarray]] = (),
) -> Iterator[Found]:
    """What is found in each of `frames`; one crop at a time, as each box needs the answer before.

    Args:
        stills: each frame by itself, in two looks.
        rows: keypoints (1, K, 2) and scores (1, K) of the first frames, which are passed over.
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
                zoom.learn(row[0][0], row[1][0])
                continue
            found = _looked(pipeline, frame, where)
            zoom.learn(found.keypoints[0], found.scores[0])
            if stills and (closer := zoom.look(size)).source == "zoom":
                found = _looked(pipeline, frame, closer)
            frame.image = None
            yield found


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
