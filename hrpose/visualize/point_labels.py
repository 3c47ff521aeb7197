"""Short texts on an image, each near what it belongs to and off the others."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hrpose.visualize import strokes
from hrpose.visualize.colours import INK, WHITE, Colour

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_HEIGHT_AT_1 = 21  # px of a capital letter of that font at scale 1
_LIGHTNESS = (0.299, 0.587, 0.114)  # of red, green and blue, as of ITU-R BT.601


@dataclass(frozen=True)
class Rectangle:
    """Part of an image, px; `right` and `bottom` are no longer in it."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Rectangle) -> float:
        """The area that both share, px squared."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)


class PointLabels:
    """Puts labels on one image, one after the other.

    Args:
        image: (H, W, 3); drawn on.
        height: of a capital letter, px.
        dots: places that labels should leave free if they can.
    """

    def __init__(self, image: np.ndarray, height: float, dots: list[Rectangle]) -> None:
        self._image, self._dots = image, dots
        self._scale = height / _HEIGHT_AT_1
        self._thick = max(1, round(height / 12))
        self._taken: list[Rectangle] = []

    def put(
        self, text: str, around: Rectangle, paper: Colour = INK, ink: Colour | None = None
    ) -> None:
        """Write `text` beside `around`, where it hides least; not if the image is too small.

        Args:
            paper: the colour below the text; `ink` that of its letters, black or white if None.
        """
        text = text.encode("ascii", "replace").decode()  # the font has no other letters
        (wide, high), below = cv2.getTextSize(text, _FONT, self._scale, self._thick)
        margin = max(2, round(high * 0.35))
        size = wide + 2 * margin, high + below // 2 + 2 * margin
        if size[0] > self._image.shape[1] or size[1] > self._image.shape[0]:
            return
        place = min(self._candidates(around, *size), key=self._cost)
        self._taken.append(place)
        ink = ink or (INK if np.dot(paper, _LIGHTNESS) > 110 else WHITE)
        self._lead(place, around, ink)
        low = np.array([place.left, place.top])
        strokes.rectangle(self._image, low, low + size - np.ones(2), paper, -1, alpha=0.75)
        at = round(place.left) + margin, round(place.top) + margin + high
        cv2.putText(self._image, text, at, _FONT, self._scale, ink, self._thick, cv2.LINE_AA)

    def _lead(self, place: Rectangle, around: Rectangle, colour: Colour) -> None:
        """A line to a label that does not touch what it belongs to."""
        start = np.array([around.left + around.right, around.top + around.bottom]) / 2
        end = np.clip(start, [place.left, place.top], [place.right - 1, place.bottom - 1])
        reach = np.array([around.right - around.left, around.bottom - around.top]) / 2 + 3
        if (np.abs(end - start) > reach).any():
            strokes.line(self._image, start, end, colour, self._thick)

    def _candidates(self, around: Rectangle, wide: float, high: float) -> list[Rectangle]:
        """Places around a rectangle, the best first: above, below, beside, inside, further."""
        middle = (around.top + around.bottom - high) / 2
        corners = [
            (around.left, around.top - high),
            (around.right - wide, around.top - high),
            (around.left, around.bottom),
            (around.right - wide, around.bottom),
            (around.right, middle),
            (around.left - wide, middle),
            (around.right, around.top - high),
            (around.right, around.bottom),
            (around.left - wide, around.top - high),
            (around.left - wide, around.bottom),
            (around.left, around.top),
        ]
        for step in range(1, 5):
            corners += [
                (around.left, around.top - high * (1 + step)),
                (around.left, around.bottom + high * step),
                (around.right, middle + high * step),
                (around.left - wide, middle - high * step),
            ]
        limit = self._image.shape[1] - wide, self._image.shape[0] - high
        inside = [(min(max(x, 0), limit[0]), min(max(y, 0), limit[1])) for x, y in corners]
        return [Rectangle(round(x), round(y), round(x) + wide, round(y) + high) for x, y in inside]

    def _cost(self, place: Rectangle) -> float:
        hidden = sum(place.overlap(dot) for dot in self._dots)
        return hidden + 20 * sum(place.overlap(other) for other in self._taken)
