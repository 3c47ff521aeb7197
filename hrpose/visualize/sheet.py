"""Many pictures as one: in columns on dark paper, each over its caption, below a title.

Images are RGB uint8.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from hrpose.visualize import strokes
from hrpose.visualize.colours import LEFT, MIDDLE, RIGHT, WHITE, Colour

PAPER, TEXT, FAINT = (24, 26, 31), (236, 236, 240), (150, 154, 162)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GAP, _FOOT, _LEAST_WIDTH = 10, 24, 900


def write(image: np.ndarray, text: str, at: tuple[int, int], colour: Colour, size: float) -> int:
    """Writes `text` with its left end on the base line at `at`; returns where it ends, px."""
    text = text.encode("ascii", "replace").decode()  # the font has no other letters
    cv2.putText(image, text, at, _FONT, size, colour, 1, cv2.LINE_AA)
    return at[0] + cv2.getTextSize(text, _FONT, size, 1)[0][0]


def contact_sheet(
    cells: Sequence[np.ndarray],
    captions: Sequence[str] | None,
    columns: int,
    title: str,
    legend: str,
    rings: str = "",
) -> np.ndarray:
    """`cells` (h, w, 3), of any sizes, in at most `columns`.

    Args:
        captions: one under each cell; what is longer than the cell is cut.
        legend: what a cell shows; the colours of the sides follow it.
        rings: what rings on the pictures mean, if there are any.
    """
    high, wide = (max(cell.shape[axis] for cell in cells) for axis in range(2))
    foot = _FOOT if captions else 0
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    width = max(columns * (wide + _GAP) + _GAP, _LEAST_WIDTH)
    sheet = np.full((rows * (high + foot + _GAP) + _GAP, width, 3), PAPER, np.uint8)
    for index, cell in enumerate(cells):
        y = _GAP + (index // columns) * (high + foot + _GAP)
        x = _GAP + (index % columns) * (wide + _GAP)
        sheet[y : y + cell.shape[0], x : x + cell.shape[1]] = cell
        if captions:
            below = sheet[y + high : y + high + foot, x : x + wide]
            write(below, captions[index], (2, 16), FAINT, 0.42)
    return np.vstack([_header(width, title, legend, rings), sheet])


def _header(width: int, title: str, legend: str, rings: str) -> np.ndarray:
    """The title, and what the colours and rings mean."""
    head = np.full((64, width, 3), PAPER, np.uint8)
    write(head, title, (14, 26), TEXT, 0.62)
    x = write(head, legend, (14, 51), FAINT, 0.44) + 22
    for colour, name in ((LEFT, "left / near"), (RIGHT, "right / off"), (MIDDLE, "middle")):
        strokes.dot(head, np.array([x, 47.0]), 5, colour)
        x = write(head, name, (x + 12, 51), FAINT, 0.44) + 22
    if rings:
        strokes.dot(head, np.array([x, 47.0]), 6, WHITE, width=1)
        write(head, rings, (x + 12, 51), FAINT, 0.44)
    return head
