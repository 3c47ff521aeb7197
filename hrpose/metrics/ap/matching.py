"""Which detection finds which animal, as COCOeval decides it, for all images at once.

In each image the detections choose in the order of their scores; what is first, second, ... in its
image chooses together with all others of that place, so that there is a loop over at most 20
places and none over images, thresholds or ranges of areas. The numbers are those of xtcocotools
and pycocotools to the last bit (`cocoapi` is the proof).

Legend: G animals, D detections, P pairs of a detection and an animal of its image, I images, K
keypoints, A ranges of areas, T thresholds of OKS; coordinates image px, areas px squared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hrpose.metrics.ap.input import Animals, Detections
from hrpose.metrics.ap.numbers import Matching

THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREAS = np.array([[0, 1e10], [32**2, 96**2], [96**2, 1e10]])
"""All, medium and large animals; both ends belong to a range."""
MAX_DETECTIONS = 20
"""Of each image the best so many count."""

_CHUNK = 1 << 14
"""Pairs whose OKS is worked out at once; their arrays stay in the cache."""


def matchings(
    animals: Animals,
    detections: Detections,
    sigmas: np.ndarray,
    category_ids: Sequence[int],
    images: np.ndarray,
) -> list[list[Matching]]:
    """For each category, in the order of their ids: all areas, medium and large.

    Args:
        detections: as `ap_input.usable` leaves them.
        sigmas: (K,).
        images: (I,) sorted ids of all images.
    """
    categories = np.unique(np.asarray(category_ids, dtype=np.int64))
    found_groups = _groups(detections.image_ids, detections.category_ids, images, categories)
    best = _best_of_each(found_groups, detections.instance_scores)
    detections, found_groups = detections.take(best), found_groups[best]
    groups = _groups(animals.image_ids, animals.category_ids, images, categories)
    bare = animals.crowd | ~animals.labelled.any(axis=1)
    ignored = bare | _outside(animals.areas)
    matched, on_ignored = _match(animals, groups, ignored, detections, found_groups, sigmas)
    hits = matched & ~on_ignored
    misses = ~matched & ~_outside(detections.areas())[:, None]
    result = []
    for number in range(len(categories)):
        rows = np.flatnonzero(found_groups // len(images) == number)
        rows = rows[np.argsort(-_scores(detections)[rows], kind="stable")]
        places = found_groups[rows] % len(images)
        own = groups // len(images) == number
        result.append(
            [
                Matching(
                    hits[area][:, rows],
                    misses[area][:, rows],
                    places,
                    np.bincount(
                        groups[own & ~ignored[area]] % len(images), minlength=len(images)
                    ).astype(np.float64),
                )
                for area in range(len(AREAS))
            ]
        )
    return result


def pair_oks(
    animals: Animals,
    detections: Detections,
    pairs: tuple[np.ndarray, np.ndarray],
    sigmas: np.ndarray,
) -> np.ndarray:
    """OKS (P,) float64 of the detections and the animals of `pairs`, rows (P,) of each.

    Over the labelled keypoints. An animal without any is near to whatever is within three times
    its box: distances are those from there, over all keypoints.
    """
    result = np.empty(len(pairs[0]))
    counts = np.count_nonzero(animals.labelled, axis=1)
    tolerance = (sigmas * 2) ** 2
    for start in range(0, len(result), _CHUNK):
        found, truth = (rows[start : start + _CHUNK] for rows in pairs)
        points = detections.keypoints[found].astype(np.float64)
        steps = points - animals.keypoints[truth]
        without = np.flatnonzero(counts[truth] == 0)
        steps[without] = _beyond(points[without], animals.boxes[truth[without]])
        room = animals.areas[truth, None] + np.spacing(1)
        similar = np.exp(-((steps[..., 0] ** 2 + steps[..., 1] ** 2) / tolerance / room / 2))
        result[start : start + _CHUNK] = _row_means(similar, animals.labelled[truth])
    return result


def _row_means(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Mean (P,) of the used entries of each row, of all where none is used.

    Rows of as many entries are summed together, without zeros in between: so each sum is rounded
    as the evaluators round it, who take one row at a time.
    """
    counts = np.count_nonzero(used, axis=1)
    means = np.empty(len(values))
    for count in np.unique(counts).tolist():
        rows = np.flatnonzero(counts == count)
        entries = values[rows] if count == 0 else values[rows][used[rows]].reshape(-1, count)
        means[rows] = entries.sum(axis=1) / entries.shape[1]
    return means


def _beyond(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """How far (P, K, 2) points are outside boxes (P, 4) of thrice the width and height."""
    corner, size = boxes[:, None, :2], boxes[:, None, 2:]
    below = np.maximum(0, (corner - size) - points)
    return below + np.maximum(0, points - (corner + size * 2))


def _match(
    animals: Animals,
    groups: np.ndarray,
    ignored: np.ndarray,
    detections: Detections,
    found_groups: np.ndarray,
    sigmas: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(A, T, D) bool: whether a detection finds an animal, and one that is `ignored` (A, G).

    An animal that counts goes before one that does not, then the higher OKS, then the later row.
    One that was found is gone, unless it is a crowd.
    """
    order = np.argsort(groups, kind="stable")
    start = np.searchsorted(groups[order], found_groups, side="left")
    partners = np.searchsorted(groups[order], found_groups, side="right") - start
    pair_found = np.repeat(np.arange(len(found_groups)), partners)
    pair_truth = order[_ranges(start, partners)]
    similar = pair_oks(animals, detections, (pair_found, pair_truth), sigmas)
    preference = np.empty(len(similar), dtype=np.int64)
    by_preference = np.lexsort((pair_truth, similar))
    preference[by_preference] = np.arange(len(similar))
    thresholds = np.minimum(THRESHOLDS, 1 - 1e-10)[:, None]
    free = np.ones((len(AREAS), len(THRESHOLDS), len(groups)), dtype=bool)
    matched = np.zeros((len(AREAS), len(THRESHOLDS), len(found_groups)), dtype=bool)
    on_ignored = np.zeros_like(matched)
    pair_place = _places_in_runs(found_groups)[pair_found]
    for place in range(int(pair_place.max(initial=-1)) + 1):
        pairs = np.flatnonzero(pair_place == place)
        truth = pair_truth[pairs]
        # what counts goes first: every number of it is higher than those of the rest
        wish = preference[pairs] + np.where(ignored[:, None, truth], 0, len(similar))
        open_ = free[:, :, truth] & (similar[pairs] >= thresholds)
        choosers, first = np.unique(pair_found[pairs], return_index=True)
        best = np.maximum.reduceat(np.where(open_, wish, -1), first, axis=-1)
        area, threshold, column = np.nonzero(best >= 0)
        taken = pair_truth[by_preference[best[area, threshold, column] % len(similar)]]
        matched[area, threshold, choosers[column]] = True
        on_ignored[area, threshold, choosers[column]] = ignored[area, taken]
        free[area, threshold, taken] = animals.crowd[taken]
    return matched, on_ignored


def _groups(
    image_ids: np.ndarray, category_ids: np.ndarray, images: np.ndarray, categories: np.ndarray
) -> np.ndarray:
    """A number for each pair of image and category, by category first."""
    return np.searchsorted(categories, category_ids) * len(images) + np.searchsorted(
        images, image_ids
    )


def _scores(detections: Detections) -> np.ndarray:
    return detections.instance_scores.astype(np.float64)


def _best_of_each(groups: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Rows by group, best first; of equal ones the earlier is better."""
    order = np.lexsort((-scores, groups))
    return order[_places_in_runs(groups[order]) < MAX_DETECTIONS]


def _places_in_runs(groups: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within each run of equal numbers."""
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    lengths = np.diff(first, append=len(groups))
    return np.arange(len(groups)) - np.repeat(first, lengths)


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """start, start + 1, ... of each range, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)


def _outside(areas: np.ndarray) -> np.ndarray:
    """(A, n) bool: areas (n,) that are not in the range."""
    return (areas < AREAS[:, :1]) | (areas > AREAS[:, 1:])
