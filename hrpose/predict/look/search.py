"""Where one animal is in a frame: a look through windows of falling size, and a closer one.

Legend: K keypoints; boxes x, y, w, h in image px.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from hrpose.geometry import box_around
from hrpose.predict.crops import Cropper
from hrpose.predict.frames import Boxes, Found, Frame
from hrpose.predict.loop import predict
from hrpose.predict.pipeline import Pipeline

SURE = 0.3
"""Score from which on a point counts."""
_SHARE = 1 / 3  # of the points must be sure, else the animal is not found
_CERTAIN = 0.9  # of the points are sure: the search ends
_WORTH = 0.8  # of the mean score of a wide look: so much a closer one needs


def unfamiliar(page: dict[str, Any], bbox: str) -> str:
    """A warning where `--bbox` shows what the training of `page` never did; else ''."""
    train = page.get("data", {}).get("train", {})  # without one, what builds the page says so
    whole_frames = train.get("crop") == "frame"
    if bbox == "full" and not whole_frames:
        return (
            "warning: this page trains on boxes around the animals, and is now shown whole frames, "
            "where they are smaller: give boxes, or --bbox zoom for one animal"
        )
    if bbox == "zoom" and whole_frames:
        return (
            "warning: this page trains on whole frames, and zoom looks closer than that: it knows "
            "--bbox full"
        )
    return ""


def best_look(
    pipeline: Pipeline, frame: Frame, where: Boxes, search: bool, smallest: float = 0.0
) -> Found:
    """What is found in the one box of `where`; where an animal has left it, around it; else, and
    always if `search`, what the network is surest of in the `windows` of the frame.
    """
    assert frame.image is not None
    size = frame.image.shape[1], frame.image.shape[0]
    best: Found | None = None
    highest = 0.0
    if where.source == "zoom":
        best = looked(pipeline, frame, where)
        highest = _worth_of(best)
        if highest and not search:
            return best
        if not highest and _worth_of(near := _looked_closer(pipeline, frame, _doubled(where))):
            return near
    elif not search:
        return _looked_closer(pipeline, frame, where)
    for view in windows(size, pipeline.cropper, smallest):
        seen = _looked_closer(pipeline, frame, view)
        worth = _worth_of(seen)
        if best is None or worth > highest:
            best, highest = seen, worth
        if np.mean(seen.scores >= SURE) >= _CERTAIN:
            break
    assert best is not None  # there is always the whole frame
    return best


def _looked_closer(pipeline: Pipeline, frame: Frame, view: Boxes) -> Found:
    """What is found in that box of `view` in which the network is surest, or in the box around the
    points found there: its cells are smaller.
    """
    assert frame.image is not None
    wide = looked(pipeline, frame, view)
    place = place_of(wide.keypoints[0], wide.scores[0])
    if place is None:
        return wide
    size = frame.image.shape[1], frame.image.shape[0]
    close = looked(pipeline, frame, closer(*place, size))
    return close if _worth_of(close) >= _WORTH * _worth_of(wide) else wide


def _worth_of(found: Found) -> float:
    """The mean of the scores; 0 where no animal is found."""
    if place_of(found.keypoints[0], found.scores[0]) is None:
        return 0.0
    return float(found.scores.mean())


def _doubled(where: Boxes) -> Boxes:
    """Boxes of the same centres, twice as wide and high."""
    corner, sides = where.boxes[:, :2], where.boxes[:, 2:]
    return Boxes(np.hstack([corner - sides / 2, sides * 2]), where.source, where.slots)


def windows(size: tuple[int, int], cropper: Cropper, smallest: float = 0.0) -> Iterator[Boxes]:
    """All of a frame of (W, H) = `size` px; windows of half of its longer side, half of one from
    each to the next; of a quarter, and so on to `smallest` px, while crops make them no larger.
    """
    yield whole(size)
    side = max(size) / 2
    while side >= smallest and not cropper.enlarges(np.array([0, 0, side, side])):
        columns, rows = (_steps(length, side) for length in size)
        boxes = np.array([(x, y, side, side) for y in rows for x in columns])
        yield Boxes(boxes, "zoom", [0] * len(boxes))
        side /= 2


def _steps(length: int, side: float) -> np.ndarray:
    """Where windows of `side` begin along `length` px."""
    if side >= length:
        return np.array([(length - side) / 2])
    return np.linspace(0, length - side, math.ceil((length - side) / (side / 2)) + 1)


def looked(pipeline: Pipeline, frame: Frame, where: Boxes) -> Found:
    """What is found in that box of `where` in which the network is surest."""
    found = Found.nothing(frame, where, 1, len(pipeline.cropper.meta))
    if not len(where):
        return found
    assert frame.image is not None
    cut = [pipeline.cropper(frame.image, box) for box in where.boxes]
    batches = []
    for start in range(0, len(cut), pipeline.batch_size):
        crops, matrices = zip(*cut[start : start + pipeline.batch_size], strict=True)
        batches.append(
            {
                "images": np.stack(crops).transpose(0, 3, 1, 2),
                "matrix": np.stack(matrices),
                "index": np.arange(len(crops)),
            }
        )
    answers = list(predict(batches, pipeline.estimate))
    scores = np.concatenate([answer.scores for answer in answers])
    surest = int(scores.mean(axis=1).argmax())
    found.where = Boxes(where.boxes[surest : surest + 1], where.source, [0])
    found.keypoints[0] = np.concatenate([answer.keypoints for answer in answers])[surest]
    found.scores[0] = scores[surest]
    return found


def is_sure(keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Which of the points count, (K,) bool."""
    return (scores >= SURE) & np.isfinite(keypoints).all(axis=-1)


def place_of(keypoints: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre (2,) and sides (2,) of what those of the points (K, 2) span that count; None where too
    few do, or all are in one place.
    """
    points = keypoints[is_sure(keypoints, scores)]
    if len(points) < _SHARE * len(keypoints):
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.maximum(high - low, (high - low).max() / 8)  # a row has no width
    return ((low + high) / 2, span) if span.max() > 0 else None


def whole(size: tuple[int, int]) -> Boxes:
    """All of a frame of (W, H) = `size` px."""
    return Boxes(np.array([[0.0, 0.0, *size]]), "full", [0])


def closer(centre: np.ndarray, span: np.ndarray, size: tuple[int, int]) -> Boxes:
    """The box, inside of a frame of (W, H) = `size` px, of points that span `span` there."""
    centre = np.clip(centre, 0, np.array(size) - 1)
    corners = np.stack([centre - span / 2, centre + span / 2])
    return Boxes(box_around(corners, size)[None], "zoom", [0])
