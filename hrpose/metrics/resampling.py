"""Numbers of many draws of images at once, from tables of distances: sums by image, then weights.

Legend: N instances, K keypoints, I images, R resamples. `weights` (R, I) float64 say how often each
image is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Resampler = Callable[[np.ndarray], dict[str, np.ndarray]]
"""From weights (R, I) to each number (R,) float64, NaN where it does not exist."""


def places_of(image_ids: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Place (n,) of each image id in the sorted `images` (I,), which must hold them all."""
    places = np.searchsorted(images, image_ids)
    if not np.array_equal(images[np.minimum(places, len(images) - 1)], image_ids):
        raise ValueError("image_ids: some are not among the images to draw from")
    return places


def share_resampler(
    name: str, table: np.ndarray, thresholds: Sequence[float], places: np.ndarray, count: int
) -> Resampler:
    """PCK at `thresholds`, averaged over them, from distances (N, K) of animals in images (N,)."""
    points = _by_image(~np.isnan(table), places, count)
    hits = [_by_image(table < np.float32(thr), places, count) for thr in thresholds]

    def numbers(weights: np.ndarray) -> dict[str, np.ndarray]:
        totals = weights @ points
        shares = np.mean([weights @ part for part in hits], axis=0) / np.maximum(totals, 1)
        exists = totals > 0
        columns = np.count_nonzero(exists, axis=1)
        means = np.where(exists, shares, 0).sum(axis=1) / np.maximum(columns, 1)
        return {name: np.where(columns > 0, means, np.nan)}

    return numbers


def mean_resampler(name: str, table: np.ndarray, places: np.ndarray, count: int) -> Resampler:
    """Mean of all entries of `table` (N, K) that count; infinity makes it not exist."""
    points = _by_image(~np.isnan(table), places, count).sum(axis=1)
    wrong = _by_image(np.isinf(table), places, count).sum(axis=1)
    sums = _by_image(np.where(np.isfinite(table), table, 0), places, count).sum(axis=1)

    def numbers(weights: np.ndarray) -> dict[str, np.ndarray]:
        totals = weights @ points
        exists = (totals > 0) & (weights @ wrong == 0)
        return {name: np.where(exists, weights @ sums / np.maximum(totals, 1), np.nan)}

    return numbers


def _by_image(table: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Sums (I, K) float64 of the rows of `table` (N, K) that are of the same image."""
    sums = np.zeros((count, table.shape[1]))
    np.add.at(sums, places, table)
    return sums
