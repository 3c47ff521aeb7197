"""The box of an animal of which only keypoints are known."""

from __future__ import annotations

import numpy as np

MARGIN = 0.2
"""On each side of the points, as a part of the larger side of what they span."""
LEAST = 0.1
"""Least side of a box, as a part of the shorter side of the image."""


def box_around(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x, y, w, h (4,) of a box around points (K, 2) in an image of `size` (W, H), clipped to it.

    All in image px. A side is 0 where all points lie outside of the image.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low).max()
    half = np.maximum((high - low) / 2 + margin, LEAST * min(size) / 2)
    low, high = (low + high) / 2 - half, (low + high) / 2 + half
    edge = np.array(size) - 1  # px centres at integers
    low, high = np.clip(low, 0, edge), np.clip(high, 0, edge)
    return np.concatenate([low, high - low])
