"""How exactly each keypoint can be labelled, from images that were labelled more than once.

Legend: N animals, K keypoints, P pairs of labels of the same animal in the same image.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from hrpose.own_page.labels import Part

DEFAULT = 0.05
"""Where no image was labelled twice; of people it is .026 (eyes) to .107 (hips)."""
_SMALLEST = 0.01
_FEW = 5  # pairs of a keypoint that say too little about it alone
_OVERLAP, _NEAR = 0.5, 0.15  # of boxes; of the points, in roots of the area


def sigmas_of(part: Part) -> tuple[list[float] | None, int]:
    """Sigmas as COCO defines them, the standard deviation of a label from the true place in units
    of the root of the animal's area; None where too little was labelled twice. And P.

    Two labels differ by twice the variance of one. A keypoint with few pairs takes the mean of all.
    """
    pairs = list(repeated(part))
    animals = part.animals
    squares = np.full((len(pairs), animals.keypoints.shape[1]), np.nan)
    for row, (one, other) in zip(squares, pairs, strict=True):
        both = (animals.visible[one] > 0) & (animals.visible[other] > 0)
        step = animals.keypoints[one] - animals.keypoints[other]
        area = (animals.areas[one] + animals.areas[other]) / 2
        row[both] = (step[both] ** 2).sum(axis=1) / (2 * max(float(area), 1.0))
    counts = np.count_nonzero(~np.isnan(squares), axis=0)
    if counts.sum() < _FEW:
        return None, len(pairs)
    whole = float(np.nanmean(squares))
    sums = np.nansum(squares, axis=0)
    variances = np.where(counts >= _FEW, sums / np.maximum(counts, 1), whole)
    return [round(max(_SMALLEST, float(v) ** 0.5), 4) for v in variances], len(pairs)


def repeated(part: Part) -> Iterator[tuple[int, int]]:
    """Pairs of rows that are labels of one animal in one image: of one individual, or with boxes
    and points that lie near each other. Copies, with every point equal, do not count.
    """
    animals = part.animals
    rows: dict[str, list[int]] = {}
    for row, image_id in enumerate(animals.image_ids.tolist()):
        rows.setdefault(part.images[image_id], []).append(row)
    for same_image in rows.values():
        for one, other in combinations(same_image, 2):
            who = part.individuals[one], part.individuals[other]
            alike = who[0] == who[1] if None not in who else _near(part, one, other)
            if alike and not np.array_equal(animals.keypoints[one], animals.keypoints[other]):
                yield one, other


def _near(part: Part, one: int, other: int) -> bool:
    """Whether two labels are so near each other that they must be of one animal."""
    animals = part.animals
    both = (animals.visible[one] > 0) & (animals.visible[other] > 0)
    if not both.any() or _overlap(animals.boxes[one], animals.boxes[other]) < _OVERLAP:
        return False
    step = animals.keypoints[one][both] - animals.keypoints[other][both]
    distance = np.median(np.linalg.norm(step, axis=1))
    return bool(distance < _NEAR * np.sqrt(animals.areas[one]))


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Area of the intersection of two boxes over that of their union."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    inside = float(np.prod(np.maximum(high - low, 0)))
    return inside / (float(np.prod(one[2:]) + np.prod(other[2:])) - inside)
