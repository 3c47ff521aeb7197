"""Animals drawn on an image: points, skeleton, box, score and id.

Legend: N animals, K keypoints; H, W the image. Images are RGB uint8; points in px of that image,
pixel centres at integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hrpose.keypoints import KeypointMeta
from hrpose.visualize import strokes
from hrpose.visualize.colours import INDIVIDUALS, INK, WHITE, Colour, limb_colours, side_colours
from hrpose.visualize.point_labels import PointLabels, Rectangle

FULL_SCORE = 0.6
"""Points with this score or more are drawn at full strength, others the fainter the lower."""
FAINTEST = 0.25


@dataclass(frozen=True)
class _Pen:
    """How thick an animal is drawn, px."""

    line: float
    radius: float
    rim: float
    box: int


@dataclass(frozen=True)
class _Animal:
    points: np.ndarray  # (K, 2)
    shown: np.ndarray  # (K,) bool
    alpha: np.ndarray  # (K,)
    box: np.ndarray | None  # x, y, w, h
    outline: Colour
    pen: _Pen


def draw_animals(
    image: np.ndarray,
    keypoints: np.ndarray,
    scores: np.ndarray,
    meta: KeypointMeta,
    boxes: np.ndarray | None = None,
    ids: Sequence[object] | None = None,
    threshold: float = 0.0,
    show_scores: bool = False,
    names: bool = False,
) -> np.ndarray:
    """A copy of `image` (H, W, 3) with its animals.

    Left and right have the colours of `side_colours`. Lines and dots grow with the animal. Several
    animals differ in the rims of their points, their boxes and their labels.

    Args:
        keypoints: (N, K, 2); points that are not finite are left out.
        scores: (N, K) scores or flags; points at or below `threshold` are left out.
        boxes: (N, 4) x, y, w, h; None draws none, and so does a box that is not finite.
        ids: N names or numbers of the animals, for the labels.
        show_scores: the mean score of an animal's drawn points in its label.
        names: the name of each drawn point inside the image beside it.
    """
    keypoints, scores = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
    if keypoints.shape[1:] != (len(meta), 2) or scores.shape != keypoints.shape[:2]:
        raise ValueError(
            f"draw_animals: keypoints {keypoints.shape} and scores {scores.shape}, expected "
            f"(N, {len(meta)}, 2) and (N, {len(meta)})"
        )
    image = np.array(image, np.uint8, order="C")
    boxes = np.full((len(keypoints), 4), np.nan) if boxes is None else np.asarray(boxes, float)
    animals = [
        _animal(image, keypoints[n], scores[n], boxes[n], threshold, _outline(n, len(keypoints)))
        for n in range(len(keypoints))
    ]
    colours = side_colours(meta)
    for animal in animals:
        _draw_box(image, animal)
        _draw_limbs(image, animal, meta)
        _draw_points(image, animal, colours)
    _write_labels(image, animals, scores, ids, show_scores, meta.names if names else (), colours)
    return image


def _outline(number: int, count: int) -> Colour:
    return INK if count == 1 else INDIVIDUALS[number % len(INDIVIDUALS)]


def _animal(
    image: np.ndarray,
    points: np.ndarray,
    scores: np.ndarray,
    box: np.ndarray,
    threshold: float,
    outline: Colour,
) -> _Animal:
    reach = 4 * max(image.shape[:2])  # beyond it nothing is seen, and OpenCV's integers end
    near = (np.abs(points) < reach).all(axis=1)  # False for NaN
    shown = (scores > threshold) & near
    there = np.isfinite(box).all() and (np.abs(box) < reach).all() and (box[2:] > 0).all()
    alpha = np.clip(np.nan_to_num(scores) / FULL_SCORE, FAINTEST, 1)
    pen = _pen(image, points[shown], box if there else None)
    return _Animal(points, shown, alpha, box if there else None, outline, pen)


def _pen(image: np.ndarray, points: np.ndarray, box: np.ndarray | None) -> _Pen:
    """Follows the animal's size, within what is seen on, and does not cover, such an image."""
    side = min(image.shape[:2])
    size = 0.0
    if box is not None:
        size = float(np.sqrt(box[2] * box[3]))
    elif len(points):
        size = float(np.ptp(points, axis=0).max())
    size = min(max(size, 0.4 * side), 1.25 * side)
    line, radius, rim = max(1.0, size / 80), max(1.2, size / 62), max(0.8, size / 260)
    return _Pen(line, radius, rim, max(1, round(size / 220)))


def _draw_box(image: np.ndarray, animal: _Animal) -> None:
    if animal.box is None:
        return
    low, high = animal.box[:2], animal.box[:2] + animal.box[2:] - 1
    colour = WHITE if animal.outline == INK else animal.outline
    strokes.rectangle(image, low, high, INK, animal.pen.box + 2, alpha=0.4)
    strokes.rectangle(image, low, high, colour, animal.pen.box)


def _draw_limbs(image: np.ndarray, animal: _Animal, meta: KeypointMeta) -> None:
    limbs = [
        (animal.points[start], animal.points[end], min(animal.alpha[start], animal.alpha[end]), own)
        for (start, end), own in zip(meta.skeleton_ids, limb_colours(meta), strict=True)
        if animal.shown[start] and animal.shown[end]
    ]
    pen = animal.pen
    for start, end, alpha, _ in limbs:
        strokes.line(image, start, end, INK, pen.line + 2 * pen.rim, alpha)
    for start, end, alpha, own in limbs:
        strokes.line(image, start, end, own, pen.line, alpha)


def _draw_points(image: np.ndarray, animal: _Animal, colours: list[Colour]) -> None:
    pen = animal.pen
    for k in np.flatnonzero(animal.shown):
        point, alpha = animal.points[k], animal.alpha[k]
        if animal.outline != INK:
            strokes.dot(image, point, pen.radius + 2 * pen.rim, animal.outline, alpha)
        strokes.dot(image, point, pen.radius + pen.rim, INK, alpha)
        strokes.dot(image, point, pen.radius, colours[k], alpha)


def _write_labels(
    image: np.ndarray,
    animals: list[_Animal],
    scores: np.ndarray,
    ids: Sequence[object] | None,
    show_scores: bool,
    names: Sequence[str],
    colours: list[Colour],
) -> None:
    """Ids and scores by their animals, names by their points."""
    side = min(image.shape[:2])
    height = min(max(side / 45, 8), 40)
    if height > side / 10:
        return  # it would hide the animals
    dots = [[_round(p, a.pen.radius) for p in a.points[a.shown]] for a in animals]
    labels = PointLabels(image, height, [dot for each in dots for dot in each])
    for n, animal in enumerate(animals):
        shown = scores[n][animal.shown]
        words = [str(ids[n])] if ids is not None else []
        if show_scores and len(shown):
            words.append(f"{shown.mean():.2f}")
        around = _around(animal)
        if words and around is not None:
            labels.put(" ".join(words), around, paper=animal.outline)
    for animal, own in zip(animals, dots, strict=True) if names else ():
        for k, dot in zip(np.flatnonzero(animal.shown), own, strict=True):
            if _is_inside(animal.points[k], image):
                labels.put(names[k], dot, ink=colours[k])


def _around(animal: _Animal) -> Rectangle | None:
    """What the label of an animal stands beside: its box, else its points."""
    if animal.box is not None:
        x, y, wide, high = animal.box
        return Rectangle(x, y, x + wide, y + high)
    if not animal.shown.any():
        return None
    points, edge = animal.points[animal.shown], 2 * animal.pen.radius
    low, high = points.min(axis=0) - edge, points.max(axis=0) + edge
    return Rectangle(low[0], low[1], high[0], high[1])


def _is_inside(point: np.ndarray, image: np.ndarray) -> bool:
    return bool((point >= -0.5).all() and (point < np.array(image.shape[1::-1]) - 0.5).all())


def _round(point: np.ndarray, radius: float) -> Rectangle:
    x, y = point
    return Rectangle(x - radius, y - radius, x + radius, y + radius)
