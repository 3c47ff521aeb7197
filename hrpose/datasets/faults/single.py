"""Faults of single animals; each look gives what is wrong and a mask of whose.

Legend: N annotations, K keypoints; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hrpose.datasets.faults.fault import Fault
from hrpose.datasets.faults.kinds import fault
from hrpose.datasets.faults.table import LabelTable


def outside_box(table: LabelTable) -> Iterator[Fault]:
    """Animals that have fewer than half of their points in their box; the furthest first."""
    away = table.measures.away
    rows = np.flatnonzero(~np.isnan(away))
    if len(rows):
        rows = rows[np.argsort(-away[rows], kind="stable")]
        what = f"{len(rows)} with most of the labelled keypoints outside the box"
        yield fault("outside-box", what, table.file, table.at(rows))


def flat_boxes(table: LabelTable) -> Iterator[Fault]:
    """Boxes without width or height around labelled points."""
    flat = (table.boxes[:, 2:] == 0).any(axis=1) & (table.counts > 0)
    if flat.any():
        what = f"{flat.sum()} with a box without width or height, though there are keypoints"
        yield fault("flat-box", what, table.file, table.at(flat))


def twice(table: LabelTable) -> Iterator[Fault]:
    """Animals that stand there again, in the same image with the same numbers."""
    image, boxes = table.image_rows, np.nan_to_num(table.boxes, nan=-1.0)
    rows = np.flatnonzero((np.bincount(image)[image] > 1) & (table.counts > 0))
    rows = rows[np.lexsort([*boxes[rows].T, image[rows]])]  # those of one box stand together
    same = (image[rows][1:] == image[rows][:-1]) & (boxes[rows][1:] == boxes[rows][:-1]).all(axis=1)
    rows = rows[np.flatnonzero(same)[:, None] + (0, 1)]
    seen: set[tuple[int, bytes, bytes]] = set()
    again = np.zeros(len(table), bool)
    for row in np.unique(rows).tolist():
        points = np.nan_to_num(table.points[row], nan=-1.0)
        key = int(image[row]), boxes[row].tobytes(), points.tobytes()
        again[row] = key in seen
        seen.add(key)
    if again.any():
        what = f"{again.sum()} with box and keypoints of another of its image"
        yield fault("animal-twice", what, table.file, table.at(again))


def odd_points(table: LabelTable) -> Iterator[Fault]:
    """Single keypoints that are legal and odd."""
    found = table.measures
    looks = [
        ("outside-image", "with a labelled keypoint outside the image", found.outside_image),
        (
            "corner-points",
            "with a labelled keypoint at exactly (0, 0): where it is not there, v should be 0",
            found.at_zero,
        ),
        ("visibility", "with a v other than 0, 1 or 2: above 0 counts as labelled", found.odd_v),
    ]
    for kind, what, odd in looks:
        if odd.any():
            yield fault(kind, f"{odd.sum()} {what}", table.file, table.at(odd))


def odd_fields(table: LabelTable) -> Iterator[Fault]:
    """Other fields of an annotation that are not what they should be."""
    told = table.told
    miscounted = ~np.isnan(told) & (told != table.counts) & ~table.bare
    looks = [
        (
            "miscounted",
            "whose num_keypoints is not how many v are above 0: counted anew",
            miscounted,
        ),
        (
            "no-area",
            "without an area of 0 or more: that of the box is taken",
            np.isnan(table.areas),
        ),
        (
            "iscrowd",
            "with an iscrowd that is neither 0 nor 1, but NaN or '0': taken as 0",
            table.odd_crowd,
        ),
    ]
    for kind, what, odd in looks:
        if odd.any():
            yield fault(kind, f"{odd.sum()} {what}", table.file, table.at(odd))
