"""Samples as one picture."""

from __future__ import annotations

import cv2
import numpy as np

from hrpose.browse.browse import Card, Look
from hrpose.visualize.sheet import PAPER, TEXT, contact_sheet, write

_HEIGHT, _LEAST_HEIGHT = 300, 140
_PIXELS = 24e6  # of the whole picture


def sheet_of(found: Look) -> np.ndarray:
    """(H, W, 3) uint8 RGB: the animals in columns, each with its views side by side."""
    count = len(found.indices) * found.views_each
    height = int(min(_HEIGHT, max(_LEAST_HEIGHT, (_PIXELS / count / 1.3) ** 0.5)))
    cards = list(found.cards(height))
    strips = [_strip(card, height) for card in cards]
    columns = max(1, round((1.6 * len(strips) * height / max(s.shape[1] for s in strips)) ** 0.5))
    return contact_sheet(
        strips,
        [card.title for card in cards],
        columns,
        found.title,
        "in each: " + ", ".join(_order(found)),
    )


def _order(found: Look) -> list[str]:
    """What the views of an animal are, from the left."""
    words = ["as annotated", "in a mirror"]
    for epoch in range(found.epochs):
        words.append("as the network gets it" + f" in epoch {epoch}" * (found.epochs > 1))
        words += ["its targets"] * found.request.heatmaps
    return words


def _strip(card: Card, height: int) -> np.ndarray:
    """The views of one animal in a row, or why there are none."""
    if card.problem:
        strip = np.full((height, 2 * height, 3), 60, np.uint8)
        words, line = card.problem, 2 * height // 8
        for row in range(min(6, -(-len(words) // line))):
            write(strip, words[row * line : (row + 1) * line], (8, 30 + 20 * row), TEXT, 0.42)
        return strip
    gap = np.full((height, 2, 3), PAPER, np.uint8)
    parts = [part for view in card.views for part in (_high(view.image, height), gap)]
    return np.hstack(parts[:-1])


def _high(image: np.ndarray, height: int) -> np.ndarray:
    """`image` exactly `height` px high; rounding may have moved it by one."""
    if image.shape[0] == height:
        return image
    return cv2.resize(image, (image.shape[1], height), interpolation=cv2.INTER_AREA)
