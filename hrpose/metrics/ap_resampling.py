"""AP and AR of many draws of images from one matching: what was matched stays, images weigh more.

An image that is drawn twice is there twice with all its animals and detections. That is the same as
one image whose hits, false alarms and animals count twice, so that the matching, which is the slow
part, is done once.

Legend: D detections that take part, I images, T thresholds of OKS, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    """Average precision (T,) and recall (T,) if each image counts as often as `weights` (I,) say.

    NaN where no animal is left.
    """
    animals = weights @ matching.animals
    thresholds = len(matching.hits)
    if animals == 0:
        return np.full(thresholds, np.nan), np.full(thresholds, np.nan)
    if not len(matching.places):
        return np.zeros(thresholds), np.zeros(thresholds)
    often = weights[matching.places]
    hits = np.cumsum(matching.hits * often, axis=1)
    misses = np.cumsum(matching.misses * often, axis=1)
    recall = hits / animals
    precision = hits / (hits + misses + np.spacing(1))
    best_ahead = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    curves = np.zeros((thresholds, len(RECALLS)))
    for row, (seen, best) in enumerate(zip(recall, best_ahead, strict=True)):
        first = np.searchsorted(seen, RECALLS, side="left")
        reached = first < len(best)
        curves[row, reached] = best[first[reached]]
    return curves.mean(axis=1), recall[:, -1]


def ten_numbers(matchings: list[list[Matching]], weights: np.ndarray) -> np.ndarray:
    """(R, 10) the ten numbers for each row of `weights` (R, I), NaN where one does not exist.

    Args:
        matchings: one list a category, of all areas, medium and large.
    """
    return np.array([_ten(matchings, row) for row in weights])


def _ten(matchings: list[list[Matching]], weights: np.ndarray) -> np.ndarray:
    curves = [[precision_recall(part, weights) for part in category] for category in matchings]
    result = []
    for kind in (0, 1):
        whole, medium, large = (
            _over_categories([category[area][kind] for category in curves]) for area in range(3)
        )
        result += [whole.mean(), whole[0], whole[5], medium.mean(), large.mean()]
    return np.array(result)


def _over_categories(rows: list[np.ndarray]) -> np.ndarray:
    """Mean (T,) of the categories that have animals, NaN if none has."""
    known = [row for row in rows if not np.isnan(row).any()]
    return np.mean(known, axis=0) if known else rows[0] if rows else np.full(10, np.nan)
