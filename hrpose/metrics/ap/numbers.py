"""AP and AR from what was matched, for the data set as it is and for many draws of its images.

An image that is drawn twice is there twice with all its animals and detections. That is the same as
one image whose hits, false alarms and animals count twice, so that the matching, which is the slow
part, is done once. The data set as it is has every image once.

Legend: D detections that take part, I images, T thresholds of OKS, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STATS = ("AP", "AP50", "AP75", "AP(M)", "AP(L)", "AR", "AR50", "AR75", "AR(M)", "AR(L)")
"""Names of the ten numbers, in the order of COCO's evaluators."""

RECALLS = np.linspace(0.0, 1.0, 101)
"""Where COCO reads the curve of precision over recall."""


@dataclass
class Matching:
    """Detections of one category, matched with the animals of one range of areas."""

    hits: np.ndarray
    """(T, D) bool, best detection first."""
    misses: np.ndarray
    """(T, D) bool: false alarms. A detection may be neither: matched with what does not count."""
    places: np.ndarray
    """(D,) image of each detection."""
    animals: np.ndarray
    """(I,) animals of each image that count."""


def precision_recall(matching: Matching, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision (T, 101) at `RECALLS`, and the recall (T,) that is reached, if each image counts as
    often as `weights` (I,) say.

    NaN where no animal is left.
    """
    animals = weights @ matching.animals
    curves = np.zeros((len(matching.hits), len(RECALLS)))
    if animals == 0:
        return np.full(curves.shape, np.nan), np.full(len(curves), np.nan)
    if not len(matching.places):
        return curves, np.zeros(len(curves))
    often = weights[matching.places]
    hits = np.cumsum(matching.hits * often, axis=1)
    misses = np.cumsum(matching.misses * often, axis=1)
    recall = hits / animals
    precision = hits / (hits + misses + np.spacing(1))
    best_ahead = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    for row, (seen, best) in enumerate(zip(recall, best_ahead, strict=True)):
        first = np.searchsorted(seen, RECALLS, side="left")
        reached = first < len(best)
        curves[row, reached] = best[first[reached]]
    return curves, recall[:, -1]


def ten_numbers(matchings: list[list[Matching]], weights: np.ndarray) -> np.ndarray:
    """(R, 10) `STATS` for each row of `weights` (R, I), NaN where one does not exist.

    Args:
        matchings: one list a category, of all areas, medium and large.
    """
    return np.array([_ten(matchings, row) for row in weights])


def _ten(matchings: list[list[Matching]], weights: np.ndarray) -> np.ndarray:
    curves = [[precision_recall(part, weights) for part in category] for category in matchings]
    result = []
    for kind in (0, 1):
        whole, medium, large = (
            _categories_last([category[area][kind] for category in curves]) for area in range(3)
        )
        result += [_mean(part) for part in (whole, whole[0], whole[5], medium, large)]
    return np.array(result)


def _categories_last(tables: list[np.ndarray]) -> np.ndarray:
    """Those of `tables` (T, ...) that have animals, side by side on a new last axis."""
    known = [table for table in tables if not np.isnan(table).any()]
    return np.stack(known, axis=-1) if known else np.zeros((10, 0))


def _mean(table: np.ndarray) -> float:
    # flat, and categories last: the evaluators' order of summation, which decides on the last bit
    return float(table.ravel().mean()) if table.size else float("nan")
