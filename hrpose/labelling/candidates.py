"""Rows of a table that are worth a look at their frames, the worst of each kind of sign first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from hrpose.labelling.reasons import FAULT, Sign

_FULL = 5 * FAULT  # MADs; a fault is a fault


@dataclass(frozen=True)
class Candidate:
    """A row whose frame may be chosen."""

    row: int
    number: int
    """Of the frame in its video."""
    why: str
    weight: float
    """0 to 1, how sure it is that something is wrong; 0 where there is no sign of it."""


def candidate_frames(
    signs: Sequence[Sign],
    scores: np.ndarray,
    numbers: np.ndarray,
    skipped: Collection[int],
    gap: int,
    most: int,
) -> list[Candidate]:
    """At most `most` rows, `gap` frames apart; where signs are few, rows of low likelihood too.

    Args:
        scores: (F, ...) of all points; `numbers` (F,) of the frames, ascending.
        skipped: numbers of frames that are not to be chosen.
    """
    open_ = ~np.isin(numbers, list(skipped))
    lists = []
    for sign in signs:
        worst = np.argsort(-sign.severity, kind="stable")
        there = worst[(sign.severity > 0)[worst] & open_[worst]]
        lists.append(_apart(there, numbers, gap, most))
    in_turn = [row for rows in zip_longest(*lists) for row in rows if row is not None]
    means = scores.reshape(len(numbers), -1).mean(axis=1)
    rest = np.argsort(means, kind="stable")
    order = np.array([*in_turn, *rest[open_[rest]]], int)
    return [
        _candidate(row, signs, int(numbers[row]), float(means[row]))
        for row in _apart(order, numbers, gap, most)
    ]


def _apart(order: np.ndarray, numbers: np.ndarray, gap: int, most: int) -> list[int]:
    """The first `most` rows of `order` that lie `gap` frames from those before them."""
    free = np.ones(len(numbers), bool)
    found: list[int] = []
    for row in order.tolist():
        if len(found) == most:
            break
        if free[row]:
            found.append(row)
            low, high = np.searchsorted(numbers, [numbers[row] - gap + 1, numbers[row] + gap])
            free[low:high] = False
    return found


def _candidate(row: int, signs: Sequence[Sign], number: int, mean: float) -> Candidate:
    present = sorted(
        (sign for sign in signs if sign.severity[row] > 0), key=lambda sign: -sign.severity[row]
    )
    if not present:
        return Candidate(row, number, f"no sign of a fault; mean likelihood {mean:.2f}", 0)
    why = "; ".join(sign.says(row) for sign in present)
    return Candidate(row, number, why, min(float(present[0].severity[row]) / _FULL, 1))
