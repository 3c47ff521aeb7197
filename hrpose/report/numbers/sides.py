"""Left and right confused: a point that was found where its partner of the other side is.

Legend: N animals, K keypoints.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hrpose.metrics.functional import pck
from hrpose.report.numbers.measured import Measured, plain

APART = 0.05
"""Of the box's longest side: nearer labels of a pair are too close to tell the sides apart."""


def sides(measured: Measured) -> dict[str, Any] | None:
    """How often left and right are confused; None where no keypoints change places in a mirror.

    Confused is a point whose prediction lies within half the distance of the pair's two labels
    from the label of the other side. Pairs of which only one is labelled, or whose labels are
    nearer than `APART`, do not count.
    """
    pairs = [
        tuple(map(measured.labels.meta.index, pair)) for pair in measured.labels.meta.flip_pairs
    ]
    if not pairs:
        return None
    confused = np.full(measured.distances.shape, np.nan)
    rows = []
    for left, right in pairs:
        table = _confused(measured, left, right)
        confused[:, [left, right]] = table
        counts = ~np.isnan(table[:, 0])
        rows.append(
            {
                "names": [measured.names[left], measured.names[right]],
                "pairs": int(counts.sum()),
                "confused": int(np.nansum(table)),
                "exchanged": int((np.nan_to_num(table).sum(axis=1) == 2).sum()),
                "share": plain(np.nanmean(table)) if counts.any() else None,
                "interval": measured.mean_ends(table),
            }
        )
    points = int((~np.isnan(confused)).sum())
    return {
        "apart": APART,
        "points": points,
        "confused": int(np.nansum(confused)),
        "share": plain(np.nanmean(confused)) if points else None,
        "interval": measured.mean_ends(confused),
        "pairs": rows,
        "pck": plain(pck(measured.distances, measured.pck.thr)[0]),
        "pck_put_right": plain(pck(_put_right(measured, pairs), measured.pck.thr)[0]),
    }


def _confused(measured: Measured, left: int, right: int) -> np.ndarray:
    """(N, 2): 1 where the prediction of the one lies at the label of the other, 0, or NaN."""
    truth, both = measured.truth, [left, right]
    labels = truth.keypoints[:, both].astype(np.float64)
    found = measured.predictions.keypoints[:, both].astype(np.float64)
    gap = np.linalg.norm(labels[:, 0] - labels[:, 1], axis=1)
    counts = (truth.visible[:, both] > 0).all(axis=1)
    counts &= (gap > 0) & (gap >= APART * truth.boxes[:, 2:].max(axis=1))
    away = np.linalg.norm(found - labels[:, ::-1], axis=2)
    return np.where(counts[:, None], away < gap[:, None] / 2, np.nan)


def _put_right(measured: Measured, pairs: list[tuple[int, ...]]) -> np.ndarray:
    """Distances (N, K) with each pair of predictions exchanged where that is nearer to the labels:
    what would be left if sides were never confused.
    """
    exchanged = measured.predictions.keypoints.copy()
    for pair in pairs:
        exchanged[:, list(pair)] = measured.predictions.keypoints[:, list(pair)[::-1]]
    other = measured.with_keypoints(exchanged)
    best = measured.distances.copy()
    for pair in pairs:
        both = list(pair)
        nearer = np.nansum(other[:, both], axis=1) < np.nansum(best[:, both], axis=1)
        best[np.ix_(nearer, both)] = other[np.ix_(nearer, both)]
    return best
