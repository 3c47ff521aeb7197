"""Four signs that a frame's predictions are wrong, each in MADs, so that they can be compared.

Legend: F rows, N animals, K keypoints, P pairs of them. MADs are scaled (`robust.spread`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hrpose.labelling import robust
from hrpose.predict.tables.csv_table import Table

FAULT = 5.0
"""MADs from which on a value is a sign of a fault."""
LEAST_PX, LEAST_LIKELIHOOD = 1.0, 0.05
"""MADs are taken to be at least that: so much is nothing."""
STEADY = 0.25
"""Without a skeleton, a limb is a pair whose length has a MAD of at most this share of it."""
LONGEST_SWAP = 60
"""Rows; of a longer swap only its beginning is found."""
_AROUND, _PATH = 15, 31  # rows: for the usual speed at a time, and for the usual place

Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Sign:
    """One kind of sign in all rows."""

    kind: str
    severity: np.ndarray
    """(F,) MADs; 0 where there is no such sign."""
    says: Callable[[int], str]
    """What is wrong with a row, in a few words."""


def signs(table: Table, limbs: Pairs, sides: Pairs) -> list[Sign]:
    """All that can be looked for with these limbs and pairs (left, right) of keypoints."""
    limbs = limbs or steady_pairs(table)
    found = [_unlikely(table), _jumps(table)]
    found += [_limbs_off(table, limbs)] if limbs else []
    return found + ([_swaps(table, sides)] if sides else [])


def steady_pairs(table: Table) -> list[tuple[int, int]]:
    """The pairs of keypoints whose distance varies least, two for each keypoint at most.

    Those that vary too much are left out, if not all do.
    """
    points, count = table.keypoints, len(table.bodyparts)
    shares = {}
    for first in range(count):
        for second in range(first + 1, count):
            lengths = _lengths(points[:, :, first] - points[:, :, second]).ravel()
            share = robust.spread(lengths) / np.fmax(robust.median(lengths), LEAST_PX)
            shares[first, second] = float(np.nan_to_num(share, nan=np.inf))
    best = sorted(sorted(shares, key=lambda pair: shares[pair])[: 2 * count])
    return [pair for pair in best if shares[pair] <= STEADY] or best


def _unlikely(table: Table) -> Sign:
    scores = table.scores.reshape(len(table.labels), -1)
    below = -robust.deviations(scores, LEAST_LIKELIHOOD)
    usual = robust.median(scores)
    names = [_named(table, animal, part) for animal, part in _each(table)]

    def says(row: int, worst: int) -> str:
        return f"likelihood of {names[worst]} {scores[row, worst]:.2f}, usually {usual[worst]:.2f}"

    return _sign("likelihood", below, says)


def _jumps(table: Table) -> Sign:
    """Steps longer than those around them, at whichever end is off the path."""
    rows = len(table.labels)
    points = table.keypoints.reshape(rows, -1, 2)
    apart = np.diff([int(label) for label in table.labels])[:, None]
    speed = _lengths(np.diff(points, axis=0)) / apart
    usual = robust.rolling_median(speed, _AROUND)
    above = np.nan_to_num(robust.deviations(speed - usual, LEAST_PX))
    # a run is fast, and its steps are like one another; so the speed is that beyond the usual
    aside = np.nan_to_num(_lengths(points - robust.rolling_median(points, _PATH)))
    here = aside[1:] >= aside[:-1]
    severity = np.zeros(points.shape[:2])
    severity[1:] = np.where(here, above, 0)
    severity[:-1] = np.maximum(severity[:-1], np.where(here, 0, above))
    steps = np.zeros_like(severity)
    steps[1:] = np.where(here, speed, 0)
    steps[:-1] = np.fmax(steps[:-1], np.where(here, 0, speed))
    names = [_named(table, animal, part) for animal, part in _each(table)]
    return _sign(
        "jump",
        severity,
        lambda row, worst: f"{names[worst]} jumps by {steps[row, worst]:.0f} px a frame",
    )


def _limbs_off(table: Table, limbs: Pairs) -> Sign:
    first, second = (list(ends) for ends in zip(*limbs, strict=True))
    rows = len(table.labels)
    lengths = _lengths(table.keypoints[:, :, first] - table.keypoints[:, :, second])
    lengths = lengths.reshape(rows, -1)
    usual = robust.median(lengths)
    off = np.abs(robust.deviations(lengths, LEAST_PX))
    parts = table.bodyparts
    names = [
        f"{_named(table, animal, a)} to {parts[b]}"
        for animal in range(len(table.individuals))
        for a, b in limbs
    ]

    def says(row: int, worst: int) -> str:
        return f"{names[worst]} {lengths[row, worst]:.0f} px, usually {usual[worst]:.0f}"

    return _sign("limb", off, says)


def _swaps(table: Table, sides: Pairs) -> Sign:
    """Rows in which the way from right to left turns round from one row to the next, and back."""
    left, right = (list(ends) for ends in zip(*sides, strict=True))
    rows = len(table.labels)
    way = (table.keypoints[:, :, left] - table.keypoints[:, :, right]).reshape(rows, -1, 2)
    kept = _lengths(way[1:] - way[:-1])
    turned = _lengths(way[1:] + way[:-1])
    above = np.nan_to_num(robust.deviations(kept, LEAST_PX))
    exchange = (turned < kept / 2) & (above > FAULT)
    severity = np.zeros(way.shape[:2])
    for column in range(severity.shape[1]):
        for start, end in _stretches(np.flatnonzero(exchange[:, column]) + 1):
            severity[start:end, column] = above[start - 1, column]
    names = [
        f"{_named(table, animal, a)} and {table.bodyparts[b]}"
        for animal in range(len(table.individuals))
        for a, b in sides
    ]
    return _sign("swap", severity, lambda _, worst: f"{names[worst]} change places")


def _stretches(exchanges: np.ndarray) -> list[tuple[int, int]]:
    """Rows (first, end) between each exchange and the one that takes it back."""
    found, at = [], 0
    while at < len(exchanges):
        start = int(exchanges[at])
        end = int(exchanges[at + 1]) if at + 1 < len(exchanges) else start + LONGEST_SWAP + 1
        back = end - start <= LONGEST_SWAP
        found.append((start, end if back else start + 1))
        at += 2 if back else 1
    return found


def _sign(kind: str, severity: np.ndarray, says: Callable[[int, int], str]) -> Sign:
    """The worst column of `severity` (F, C) in each row, if it is a fault."""
    severity = np.nan_to_num(severity)
    worst = severity.argmax(axis=1)
    most = severity.max(axis=1)
    return Sign(kind, np.where(most > FAULT, most, 0), lambda row: says(row, int(worst[row])))


def _each(table: Table) -> list[tuple[int, int]]:
    return [(a, k) for a in range(len(table.individuals)) for k in range(len(table.bodyparts))]


def _named(table: Table, animal: int, part: int) -> str:
    name = table.bodyparts[part]
    return name if len(table.individuals) == 1 else f"{table.individuals[animal]}'s {name}"


def _lengths(vectors: np.ndarray) -> np.ndarray:
    return np.hypot(vectors[..., 0], vectors[..., 1])
