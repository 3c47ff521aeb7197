"""A closer look at one animal without a detector: the box is that of the points found before.

Legend: K keypoints; boxes x, y, w, h in image px. In a video the box of a frame comes from the
frames before it; where those do not tell, as in a still, the frame is searched through windows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing

import numpy as np

from hrpose.predict.frames import NOWHERE, Boxes, Found, Frame
from hrpose.predict.look.search import best_look, closer, is_sure, looked, place_of, whole
from hrpose.predict.pipeline import Pipeline
from hrpose.processes.threads import ahead

_CENTRES, _SIZES = 5, 31  # frames over which the box is smoothed, by the median
_AGAIN = 300  # frames after which the frame is searched again
_SMALLEST = 0.25  # of the first span of the points: none is taken for smaller
_SAME = 0.01  # px: two boxes are one
_AHEAD = 8  # frames that wait
_PATIENCE = 32  # at most so many frames without an animal pass between two searches


class Zoom:
    """Where to look in the next frame of a video.

    What it keeps of the points is their span, smoothed; the box is that and a margin, as boxes are
    made of points for training.
    """

    def __init__(self) -> None:
        self._centres: deque[np.ndarray] = deque(maxlen=_CENTRES)
        self._spans: deque[np.ndarray] = deque(maxlen=_SIZES)
        self._first: np.ndarray | None = None
        self._since = 0  # frames since one was searched for animals of any size
        self._lost = 0  # frames since the animal was found
        self._box = np.zeros(4)  # of the last look
        self.searches = True
        """Whether the frame of the last look is to be searched, whatever is found in its box."""
        self.smallest = 0.0
        """Longer side, px, of the smallest windows for a search: that of the animal's box in the
        frames before, but not at first nor every 300 frames, lest it was something else.
        """

    def look(self, size: tuple[int, int]) -> Boxes:
        """One box in a frame of (W, H) = `size` px: all of it where nothing was found before."""
        overdue = self._since >= _AGAIN
        self._since = 1 if overdue else self._since + 1
        self.smallest = 0.0
        if self._spans and not overdue:
            self.smallest = closer(np.array(size) / 2, self._span(), size).boxes[0, 2:].max()
        if self._centres:  # of the last frame, so it was found there
            self.searches = overdue
            where = closer(self._expected(), self._span(), size)
        else:  # in frame 0, 1, 2, 4, 8, 16 without an animal, then in every 32nd
            due = self._lost in (1, 2, 4, 8, 16) or self._lost % _PATIENCE == 0
            self.searches = due or overdue
            where = whole(size)
        self._box = where.boxes[0]
        return where

    def _span(self) -> np.ndarray:
        """Sides (2,) px of what the points span, as the median of the last frames."""
        assert self._first is not None
        return np.maximum(np.median(self._spans, axis=0), self._first * _SMALLEST)

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
            self._centres.clear()  # found in a search, perhaps elsewhere than before
        place = place_of(keypoints, scores)
        if place is None:
            self._lost += 1
            self._centres.clear()
            return
        self._lost = 0
        centre, span = place
        if self._spans and not is_sure(keypoints, scores).all():  # what is missing is no smaller
            span = np.maximum(span, np.median(self._spans, axis=0))
        self._first = span if self._first is None else self._first
        self._spans.append(span)
        self._centres.append(centre)


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
                    yield looked(pipeline, frame, NOWHERE)
                continue
            size = frame.image.shape[1], frame.image.shape[0]
            if stills:
                zoom = Zoom()
            where = zoom.look(size)
            if row is not None:
                zoom.learn(*(part[0] for part in row))
                continue
            found = best_look(pipeline, frame, where, zoom.searches, zoom.smallest)
            zoom.learn(found.keypoints[0], found.scores[0], found.where.boxes[0])
            frame.image = None
            yield found
