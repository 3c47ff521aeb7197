"""Left and right swapped for most of an animal, by what the other animals look like.

An animal is suspect where its shape is twice as near to others of its data set once its left and
right are exchanged. Shapes are compared after the best shift, turn and scaling without reflection,
over the points that both have labelled.

Measured: of 116 mice seen from above one is named, whose ears are indeed swapped (DeepLabCut's
openfield, img0102.jpg); of those and 90 in two views, swapped one by one, 115 and 67; of 4,124
tigers 2 are named. Animals seen from the side look much the same both ways, and few are found.

Legend: N, M animals, K keypoints; shapes are complex numbers x + iy.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.faults.fault import Fault
from hrpose.datasets.faults.kinds import fault

NEIGHBOURS = 3
LEAST_ANIMALS = 20
"""Among fewer, nothing can be said of what is usual."""
LEAST_COMMON = (4, 6)
"""Points of two animals: all they have, but no fewer than 4 and no more than 6 are asked for. Few
points fit onto any others too well.
"""
RATIO = 0.5
_MOST = 3000
"""Animals that one is compared with, evenly from the file."""
_BLOCK = 500


def swapped_sides(dataset: PoseDataset) -> Iterator[Fault]:
    """Animals whose left and right seem to be exchanged, the clearest first."""
    truth, flip = dataset.truth(), np.array(dataset.meta.flip_index)
    if len(truth) < LEAST_ANIMALS or (flip == np.arange(len(flip))).all():
        return
    known = truth.visible > 0
    x, y = np.moveaxis(truth.keypoints.astype(np.float64), 2, 0)
    shapes = x + 1j * y
    centre = shapes.sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    shapes = np.where(known, shapes - centre, 0)
    chosen = np.unique(np.linspace(0, len(truth) - 1, _MOST).astype(int))
    near, near_swapped = np.empty(len(truth)), np.empty(len(truth))
    for start in range(0, len(truth), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(truth)))
        itself = rows[:, None] == chosen
        for out, order in ((near, np.arange(len(flip))), (near_swapped, flip)):
            own = shapes[rows][:, order], known[rows][:, order]
            distances = shape_distances(*own, shapes[chosen], known[chosen])
            distances[itself] = np.inf
            out[rows] = np.sort(distances, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    ratio = np.divide(
        near_swapped, near, out=np.ones_like(near), where=np.isfinite(near) & (near > 0)
    )
    rows = np.argsort(ratio, kind="stable")[: np.count_nonzero(ratio < RATIO)]
    if len(rows):
        what = f"{len(rows)} whose left and right seem to be swapped"
        yield fault("swapped", what, dataset.source, map(dataset.place, rows.tolist()))


def shape_distances(
    shapes: np.ndarray, known: np.ndarray, others: np.ndarray, known_others: np.ndarray
) -> np.ndarray:
    """(N, M) from 0, the same shape, to 1; inf where too few points are common.

    Args:
        shapes, known: (N, K) complex, 0 where not `known` (bool); the others (M, K) alike.
    """
    ours, theirs = known.astype(float), known_others.astype(float)
    count = ours @ theirs.T
    some = np.maximum(count, 1)
    sums, other_sums = shapes @ theirs.T, ours @ others.T
    spread = np.abs(shapes) ** 2 @ theirs.T - np.abs(sums) ** 2 / some
    other_spread = ours @ (np.abs(others) ** 2).T - np.abs(other_sums) ** 2 / some
    common = shapes @ others.conj().T - sums * other_sums.conj() / some
    usable = (
        (count >= min(max(LEAST_COMMON[0], known.shape[1]), LEAST_COMMON[1]))
        & (spread > 0)
        & (other_spread > 0)
    )
    alike = np.divide(
        np.abs(common) ** 2, spread * other_spread, out=np.zeros_like(count), where=usable
    )
    return np.where(usable, np.sqrt(np.clip(1 - alike, 0, 1)), np.inf)
