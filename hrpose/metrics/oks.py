"""Object keypoint similarity, suppression of duplicates by it, and the score of an instance.

Legend: M instances of one image, N instances, K keypoints; coordinates image px, areas px squared.
OKS is the mean over keypoints of exp(-d^2 / (2 area (2 sigma)^2)), as COCO defines it.
"""

from __future__ import annotations

import numpy as np


def keypoint_oks(
    predicted: np.ndarray, truth: np.ndarray, areas: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """Similarity (..., K) of the points of two poses (..., K, 2), one of which has area (...).

    A point that is not finite resembles nothing: 0.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        step = predicted - truth
        squared = step[..., 0] ** 2 + step[..., 1] ** 2
    squared = np.where(np.isnan(squared), np.inf, squared)
    tolerance = (2 * np.asarray(sigmas, dtype=np.float64)) ** 2
    room = np.asarray(areas, dtype=np.float64)[..., None] + np.spacing(1)  # an area may be 0
    return np.exp(-squared / tolerance / room / 2)


def oks(
    keypoints: np.ndarray,
    area: np.ndarray | float,
    others: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
) -> np.ndarray:
    """OKS (M,) float32 of a predicted pose (K, 2) with others (M, K, 2).

    None of them is the truth, so the area is the mean of the two. Shapes may
    have further axes in front, which broadcast.
    """
    similar = keypoint_oks(others, keypoints, (area + areas) / 2, sigmas)
    return similar.mean(axis=-1).astype(np.float32)


def oks_nms(
    keypoints: np.ndarray, scores: np.ndarray, areas: np.ndarray, sigmas: np.ndarray, thr: float
) -> np.ndarray:
    """Kept rows, best first: of two instances with an OKS above `thr` the lower score goes.

    Args:
        keypoints: (M, K, 2).
        scores: (M,) of the instances; of equal ones the later row is the better, as in MMPose.
        areas: (M,) of the boxes.
    """
    order = _best_first(scores)
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        overlap = oks(keypoints[best], areas[best], keypoints[order], areas[order], sigmas)
        order = order[overlap <= np.float32(thr)]
    return np.array(kept, dtype=np.int64)


def soft_oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
    thr: float,
    max_kept: int = 20,
) -> np.ndarray:
    """Kept rows, best first, at most `max_kept`: each kept instance lowers its neighbours' scores.

    The lowered scores, score * exp(-oks^2 / thr), decide on the order and on who is kept; the
    instances go on with the scores they came with. So with up to `max_kept` instances in an image
    all of them stay and AP does not depend on `thr`: MMPose's soft NMS, kept for its numbers.
    """
    order = _best_first(scores)
    current = scores[order]
    kept: list[int] = []
    while len(order) and len(kept) < max_kept:
        best, order = order[0], order[1:]
        kept.append(best)
        overlap = oks(keypoints[best], areas[best], keypoints[order], areas[order], sigmas)
        current = current[1:] * np.exp(-(overlap**2) / np.float32(thr))
        again = _best_first(current)
        order, current = order[again], current[again]
    return np.array(kept, dtype=np.int64)


def instance_scores(scores: np.ndarray, box_scores: np.ndarray, vis_thr: float) -> np.ndarray:
    """Score (N,) float32 of each instance: box score times the mean of its scores above `vis_thr`.

    Args:
        scores: (N, K) of the keypoints; where none is above `vis_thr` the instance has score 0.
        box_scores: (N,).
    """
    scores = np.asarray(scores, dtype=np.float32)
    counts = scores > np.float32(vis_thr)
    # cumsum adds one by one in single precision, as the reference does; sum would add pairwise
    sums = np.cumsum(np.where(counts, scores, 0), axis=1, dtype=np.float32)[:, -1]
    mean = sums / np.maximum(counts.sum(axis=1), 1).astype(np.float32)
    return mean * np.asarray(box_scores, dtype=np.float32)


def _best_first(scores: np.ndarray) -> np.ndarray:
    """Rows by falling score; the sort is stable, so that ties do not depend on the CPU."""
    return np.argsort(scores, kind="stable")[::-1]
