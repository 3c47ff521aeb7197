"""Object keypoint similarity, suppression of duplicates by it, and the score of an instance.

Legend: N instances, M others, K keypoints; coordinates image px, areas px squared.
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
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
    thr: float,
    images: np.ndarray | None = None,
) -> np.ndarray:
    """Kept rows, best first: of two instances with an OKS above `thr` the lower score goes.

    All images are worked on together, in as many steps as instances stay in one of them.

    Args:
        keypoints: (N, K, 2).
        scores: (N,) of the instances; of equal ones the later row is the better, as in MMPose.
        areas: (N,) of the boxes.
        images: (N,) ids; the kept rows are by image then. None: all are in one.
    """
    images = np.zeros(len(scores), dtype=np.int64) if images is None else images
    rest = _best_first(scores, images)
    kept: list[np.ndarray] = []
    while len(rest):
        best, better, rest = _step(rest, images)
        kept.append(best)
        overlap = oks(keypoints[better], areas[better], keypoints[rest], areas[rest], sigmas)
        rest = rest[overlap <= np.float32(thr)]
    return _by_image(kept, images)


def soft_oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
    thr: float,
    images: np.ndarray | None = None,
    max_kept: int = 20,
) -> np.ndarray:
    """Kept rows, best first, at most `max_kept` an image: each kept instance lowers its
    neighbours' scores.

    The lowered scores, score * exp(-oks^2 / thr), decide on the order and on who is kept; the
    instances go on with the scores they came with. So with up to `max_kept` instances in an image
    all of them stay and AP does not depend on `thr`: MMPose's soft NMS, kept for its numbers.
    The other arguments are those of `oks_nms`.
    """
    images = np.zeros(len(scores), dtype=np.int64) if images is None else images
    current = scores.copy()
    rest = _best_first(scores, images)
    kept: list[np.ndarray] = []
    while len(rest) and len(kept) < max_kept:
        best, better, rest = _step(rest, images)
        kept.append(best)
        overlap = oks(keypoints[better], areas[better], keypoints[rest], areas[rest], sigmas)
        current[rest] *= np.exp(-(overlap**2) / np.float32(thr))
        rest = rest[_best_first(current[rest], images[rest])]
    return _by_image(kept, images)


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


def _best_first(scores: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Rows by image, then by falling score; of equal ones the later first, whatever the CPU."""
    return np.lexsort((-np.arange(len(scores)), -scores, images))


def _step(rest: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first of each image; for every other row that first one of its image; those rows."""
    own = images[rest]
    first = np.diff(own, prepend=own[0] - 1) != 0
    best = rest[first]
    return best, best[np.cumsum(first) - 1][~first], rest[~first]


def _by_image(kept: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """The rows of all steps by image, those of an image in the order of the steps."""
    rows = np.concatenate(kept) if kept else np.zeros(0, dtype=np.int64)
    return rows[np.argsort(images[rows], kind="stable")]
