"""What a score means: how often a point with it is right, and from which score on 95% are.

A network's score is the height of a heatmap's peak and no probability.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hrpose.report.numbers.measured import Measured, plain

PRECISION = 0.95
LEAST_POINTS = 20
"""Above a cut-off; of fewer, 95% cannot be told from all."""
_BINS = 10
_CURVE = 41  # cut-offs of the curve


def calibration(measured: Measured) -> dict[str, Any]:
    """Right points by their score, and the cut-off from which on `PRECISION` of them are right.

    Only labelled points count: of those that nobody labelled it is not known where they are.
    """
    scores = np.where(np.isnan(measured.right), np.nan, measured.predictions.scores)
    counted = ~np.isnan(scores)
    known, right = scores[counted].astype(np.float64), measured.right[counted].astype(np.float64)
    bins = _bins(measured, scores)
    gaps = [row["points"] * abs(row["right"] - row["score"]) for row in bins if row["points"]]
    return {
        "points": len(known),
        "right": plain(right.mean()) if len(known) else None,
        "bins": bins,
        "expected_calibration_error": sum(gaps) / len(known) if len(known) else None,
        "curve": _curve(known, right),
        "cut_off": _cut_off(measured, scores, known, right),
    }


def _bins(measured: Measured, scores: np.ndarray) -> list[dict[str, Any]]:
    """Scores in steps of a tenth; those below 0 and above 1 are in the first and the last."""
    step = np.clip(np.floor(np.nan_to_num(scores, nan=-1.0) * _BINS), 0, _BINS - 1)
    rows = []
    for number in range(_BINS):
        inside = ~np.isnan(scores) & (step == number)
        table = np.where(inside, measured.right, np.nan)
        count = int(inside.sum())
        rows.append(
            {
                "from": number / _BINS,
                "to": (number + 1) / _BINS,
                "points": count,
                "score": plain(scores[inside].mean()) if count else None,
                "right": plain(table[inside].mean()) if count else None,
                "interval": measured.mean_ends(table) if count else None,
            }
        )
    return rows


def _curve(known: np.ndarray, right: np.ndarray) -> list[dict[str, float | None]]:
    """Precision of the points at or above a cut-off, and the share of all that they are."""
    if not len(known):
        return []
    rows = []
    for cut in np.linspace(min(0.0, known.min()), known.max(), _CURVE):
        kept = known >= cut
        rows.append(
            {
                "cut_off": float(cut),
                "precision": plain(right[kept].mean()) if kept.any() else None,
                "kept": float(kept.mean()),
            }
        )
    return rows


def _cut_off(
    measured: Measured, scores: np.ndarray, known: np.ndarray, right: np.ndarray
) -> dict[str, Any]:
    """The lowest score such that `PRECISION` of the points with it or a higher one are right, and
    that at least `LEAST_POINTS` have.
    """
    order = np.argsort(-known, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    ends_here = np.append(np.diff(known[order]) != 0, True)[
        : len(order)
    ]  # equal scores go together
    good = np.flatnonzero(ends_here & (precision >= PRECISION))
    good = good[good + 1 >= LEAST_POINTS]
    found: dict[str, Any] = {"wanted": PRECISION, "score": None}
    if len(good):
        last = int(good[-1])
        score = known[order][last]
        table = np.where(scores >= score, measured.right, np.nan)
        found |= {
            "score": float(score),
            "precision": float(precision[last]),
            "interval": measured.mean_ends(table),
            "kept": (last + 1) / len(known),
            "points": last + 1,
            "all": last + 1 == len(known),
        }
    return found
