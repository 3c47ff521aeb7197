"""Distances between predicted and labelled keypoints, and what is made of them: PCK, mean, AUC.

Legend: N instances (animals), K keypoints. NaN in a table of distances marks a pair of points that
does not count (nobody labelled it, or its instance was left out); infinity marks a prediction that
is not a number and is as wrong as can be. Every summary comes as (overall, per keypoint (K,)), NaN
where there is nothing to summarise.
"""

from __future__ import annotations

import numpy as np

Summary = tuple[float, np.ndarray]


def distances(
    predicted: np.ndarray, truth: np.ndarray, counts: np.ndarray, normaliser: np.ndarray
) -> np.ndarray:
    """Distance (N, K) float32 of every prediction from its label, in units of the normaliser.

    Args:
        predicted: (N, K, 2) image px.
        truth: (N, K, 2) image px.
        counts: (N, K) bool, the points to measure.
        normaliser: (N,) image px, or (N, 2) for x and y; positive, NaN leaves the instance out.
    """
    scale = np.asarray(normaliser, dtype=np.float64)
    scale = scale[:, None] if scale.ndim == 1 else scale
    with np.errstate(invalid="ignore", over="ignore"):
        # divided before the norm, in double, then rounded to single: the reference's order, so
        # that points on the threshold fall on the same side
        x = (predicted[..., 0] - truth[..., 0].astype(np.float64)) / scale[:, :1]
        y = (predicted[..., 1] - truth[..., 1].astype(np.float64)) / scale[:, -1:]
        result = np.sqrt(x * x + y * y).astype(np.float32)
    result[np.isnan(result)] = np.inf
    result[~counts.astype(bool) | np.isnan(scale).any(axis=1, keepdims=True)] = np.nan
    return result


def pck(distances: np.ndarray, thr: float) -> Summary:
    """Share of points nearer than `thr`, per keypoint; overall is the mean over the keypoints that
    have a point at all, however many points each has.
    """
    points = np.count_nonzero(~np.isnan(distances), axis=0)
    hits = np.count_nonzero(distances < np.float32(thr), axis=0)
    return _over_keypoints(_ratio(hits, points))


def mean_of(table: np.ndarray) -> Summary:
    """Mean of all entries that count; a keypoint weighs as much as it has points."""
    counts = ~np.isnan(table)
    points = np.count_nonzero(counts, axis=0)
    sums = np.where(counts, table, 0).sum(axis=0, dtype=np.float64)
    return float(_ratio(sums.sum(), points.sum())), _ratio(sums, points)


def auc(distances: np.ndarray, steps: int) -> Summary:
    """Mean PCK over the thresholds 0, 1/steps, ... (steps-1)/steps of the normaliser.

    The first threshold is 0, where every PCK is 0, so that a perfect prediction has
    (steps - 1) / steps; kept, because published numbers were made so.
    """
    shares = [pck(distances, step / steps)[1] for step in range(steps)]
    return _over_keypoints(np.mean(shares, axis=0))


def _ratio(numerator: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Quotient, NaN where `count` is 0."""
    return np.where(count > 0, numerator / np.maximum(count, 1), np.nan)


def _over_keypoints(per_keypoint: np.ndarray) -> Summary:
    exists = ~np.isnan(per_keypoint)
    return float(per_keypoint[exists].mean()) if exists.any() else float("nan"), per_keypoint
