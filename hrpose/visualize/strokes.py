"""Lines, dots and rectangles on an image, antialiased and as faint as wanted.

Points are (x, y) in px, pixel centres at integers; what lies outside of the image is cut.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from hrpose.visualize.colours import Colour

_BITS = 4  # OpenCV draws to a sixteenth of a pixel


def line(
    image: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    colour: Colour,
    width: float,
    alpha: float = 1,
) -> None:
    """A line `width` px wide; `alpha` 1 covers what is below it, 0 leaves it."""
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-9)
    aside = np.array([-along[1], along[0]]) * (width - 1) / 2  # the edge is half a pixel wide

    def draw(part: np.ndarray, corner: np.ndarray) -> None:
        # OpenCV's own lines are wider than asked for, in steps of two pixels
        outline = [start + aside, end + aside, end - aside, start - aside]
        corners = np.array([_fixed(point - corner) for point in outline])
        cv2.fillConvexPoly(part, corners, colour, cv2.LINE_AA, _BITS)

    _over(image, np.minimum(start, end), np.maximum(start, end), width, alpha, draw)


def dot(
    image: np.ndarray,
    centre: np.ndarray,
    radius: float,
    colour: Colour,
    alpha: float = 1,
    width: int = -1,
) -> None:
    """A disc, or with a `width` a ring."""

    def draw(part: np.ndarray, corner: np.ndarray) -> None:
        size = round(radius * 2**_BITS)
        cv2.circle(part, _fixed(centre - corner), size, colour, width, cv2.LINE_AA, _BITS)

    _over(image, centre, centre, radius + max(width, 0), alpha, draw)


def rectangle(
    image: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    colour: Colour,
    width: int,
    alpha: float = 1,
) -> None:
    """A rectangle from corner `low` to corner `high`; filled if `width` is -1."""

    def draw(part: np.ndarray, corner: np.ndarray) -> None:
        # to whole pixels: its sides are sharp
        ends = [tuple(int(v) for v in np.rint(point - corner)) for point in (low, high)]
        cv2.rectangle(part, ends[0], ends[1], colour, width)

    _over(image, low, high, max(width, 0), alpha, draw)


def _fixed(point: np.ndarray) -> tuple[int, int]:
    """In sixteenths of a pixel, as OpenCV takes it."""
    x, y = (int(value) for value in np.rint(point * 2**_BITS))
    return x, y


def _over(
    image: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    margin: float,
    alpha: float,
    draw: Callable[[np.ndarray, np.ndarray], None],
) -> None:
    """Blend what `draw` draws into the part of `image` from `low` to `high` with its margin."""
    left, top = (max(0, int(value)) for value in np.floor(low - margin - 2))
    right, bottom = (max(0, int(value)) for value in np.ceil(high + margin + 3))
    part = image[top:bottom, left:right]
    if part.size == 0 or alpha <= 0:
        return
    drawn = part.copy()
    draw(drawn, np.array([left, top], np.float64))
    part[:] = drawn if alpha >= 1 else cv2.addWeighted(drawn, alpha, part, 1 - alpha, 0)
