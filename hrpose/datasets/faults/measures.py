"""What the keypoints of animals say beside their boxes and images, in one pass over them: of each
animal some numbers, by which the looks judge.

Legend: N animals, K keypoints; boxes are x, y, w, h in image px. x, y and v are (K, N) here: NumPy
takes a third of the time over animals that lie side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FAR = 1.05
"""A box, or a point, lies far outside beyond this multiple of the width or height."""
SLACK = 0.1
"""Of the longer side of a box: so far around it points still fit it."""
MARGIN = 0.25
"""Of the longer side: so far a point may lie outside a box that was drawn around the body."""
LEAST = 3
"""Labelled points; of fewer, most may well be those that stick out."""


class Measures(NamedTuple):
    """Of N animals."""

    counts: np.ndarray
    """(N,) labelled points."""
    extents: np.ndarray
    """(N, 4) least x, y and greatest x, y of the labelled points, NaN where there is none."""
    in_box: np.ndarray
    """(N,) share of the labelled points that lie in the box."""
    in_box_if_moved: np.ndarray
    """(N,) share of those that do if they are counted from its corner."""
    tells_corner: np.ndarray
    """(N,) bool: whether the two can be told apart."""
    beyond: np.ndarray
    """(N,) share of the labelled points far outside the image; NaN where there is none, or no
    size.
    """
    away: np.ndarray
    """(N,) how far the labelled points lie from the centre of the box, by its longer side; NaN
    where enough of them are in it.
    """
    hidden: np.ndarray
    """(N,) how many keypoints have coordinates and v = 0."""
    outside_image: np.ndarray
    """(N,) bool: has a labelled point outside the image."""
    at_zero: np.ndarray
    """(N,) bool: has a labelled point at (0, 0)."""
    odd_v: np.ndarray
    """(N,) bool: has a v that is none."""


def measure(points: np.ndarray, boxes: np.ndarray, sizes: np.ndarray) -> Measures:
    """Of `points` (N, K, 3) x, y, v; NaN where there are no keypoints, no box or no size."""
    x, y, v = np.ascontiguousarray(points.transpose(2, 1, 0))
    labelled = v > 0
    seen_x, seen_y = np.where(labelled, x, np.nan), np.where(labelled, y, np.nan)
    counts = labelled.sum(axis=0)
    left, top, width, height = np.ascontiguousarray(boxes.T)
    slack = SLACK * np.maximum(width, height)
    inside = _inside(seen_x, seen_y, boxes, slack).sum(axis=0)
    moved = _inside(seen_x + left, seen_y + top, boxes, slack).sum(axis=0)
    off_corner = (left > SLACK * width) | (top > SLACK * height)
    across, down = sizes.T
    outside = (x < 0) | (y < 0) | (x > across) | (y > down)
    known_v = (v == 0) | (v == 1) | (v == 2)
    odd_v = ~known_v.all(axis=0)
    odd_v[odd_v] = ~np.isnan(points[odd_v]).all(axis=(1, 2))  # those without keypoints have no v
    return Measures(
        counts=counts,
        extents=extents_of(seen_x, seen_y),
        in_box=inside / np.maximum(counts, 1),
        in_box_if_moved=moved / np.maximum(counts, 1),
        tells_corner=(counts > 0) & off_corner,
        beyond=shares_beyond(seen_x, seen_y, sizes),
        away=_away(points, seen_x, seen_y, boxes, counts),
        hidden=((x > 0) & (y > 0) & (v == 0)).sum(axis=0),
        outside_image=(labelled & outside).any(axis=0),
        at_zero=(labelled & (x == 0) & (y == 0)).any(axis=0),
        odd_v=odd_v,
    )


def extents_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, 4) least x, y and greatest x, y of points, NaN where there is none."""
    known = np.isfinite(x) & np.isfinite(y)
    low = [np.where(known, values, np.inf).min(axis=0, initial=np.inf) for values in (x, y)]
    high = [np.where(known, values, -np.inf).max(axis=0, initial=-np.inf) for values in (x, y)]
    return np.where(known.any(axis=0), [*low, *high], np.nan).T


def shares_beyond(x: np.ndarray, y: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(N,) share of the points far outside images of `sizes` (N, 2); NaN where there is none, or no
    size.
    """
    across, down = sizes.T
    finite_x, finite_y = np.isfinite(x), np.isfinite(y)
    known = np.isfinite(sizes).all(axis=1) & (finite_x | finite_y).any(axis=0)
    beyond = ((x > FAR * across) | (y > FAR * down)).sum(axis=0)
    return np.where(known, beyond / np.maximum((finite_x & finite_y).sum(axis=0), 1), np.nan)


def _inside(x: np.ndarray, y: np.ndarray, boxes: np.ndarray, slack: np.ndarray) -> np.ndarray:
    """(K, N) bool: which points lie in the boxes, or no more than `slack` (N,) px outside."""
    left, top, width, height = np.ascontiguousarray(boxes.T)
    within = (x >= left - slack) & (x <= left + width + slack)
    return within & (y >= top - slack) & (y <= top + height + slack)


def _away(
    points: np.ndarray, x: np.ndarray, y: np.ndarray, boxes: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """`Measures.away` of labelled points x, y; `points` as `measure` takes them."""
    longer = boxes[:, 2:].max(axis=1)
    within = _inside(x, y, boxes, MARGIN * longer).sum(axis=0)
    usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    rows = np.flatnonzero(usable & (counts >= LEAST) & (within < counts / 2))
    away = np.full(len(boxes), np.nan)
    centre = boxes[rows, :2] + boxes[rows, 2:] / 2
    chosen = points[rows]
    middle = np.where(chosen[..., 2:] > 0, chosen[..., :2], 0).sum(axis=1)
    far = np.linalg.norm(middle / np.maximum(counts[rows], 1)[:, None] - centre, axis=1)
    # not known, as with points that are not finite: behind all others
    away[rows] = np.nan_to_num(far / longer[rows], nan=-1.0, posinf=np.inf)
    return away
