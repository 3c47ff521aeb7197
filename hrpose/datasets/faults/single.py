"""Faults of single animals; each look gives what is wrong and a mask of whose.

Legend: N annotations, K keypoints; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hrpose.datasets.faults.fault import Fault
from hrpose.datasets.faults.kinds import fault
from hrpose.datasets.faults.table import LabelTable

MARGIN = 0.25
"""Of the longer side: so far a point may lie outside a box that was drawn around the body."""
LEAST = 3
"""Labelled points; of fewer, most may well be those that stick out."""


def outside_box(table: LabelTable) -> Iterator[Fault]:
    """Animals that have fewer than half of their points in their box; the furthest first."""
    corner, size = table.boxes[:, None, :2], table.boxes[:, None, 2:]
    slack = MARGIN * size.max(axis=2, keepdims=True)
    within = ((table.xy >= corner - slack) & (table.xy <= corner + size + slack)).all(axis=2)
    count = table.labelled.sum(axis=1)
    usable = np.isfinite(table.boxes).all(axis=1) & (table.boxes[:, 2:] > 0).all(axis=1)
    odd = usable & (count >= LEAST) & (within.sum(axis=1) < count / 2)
    if odd.any():
        centre = table.boxes[:, :2] + table.boxes[:, 2:] / 2
        middle = np.where(table.labelled[..., None], table.points[..., :2], 0).sum(axis=1)
        away = np.linalg.norm(middle / np.maximum(count, 1)[:, None] - centre, axis=1)
        rows = np.flatnonzero(odd)
        rows = rows[np.argsort(-(away / size.max(axis=(1, 2)))[rows], kind="stable")]
        what = f"{len(rows)} with most of the labelled keypoints outside the box"
        yield fault("outside-box", what, table.file, table.at(rows))


def flat_boxes(table: LabelTable) -> Iterator[Fault]:
    """Boxes without width or height around labelled points."""
    flat = (table.boxes[:, 2:] == 0).any(axis=1) & table.labelled.any(axis=1)
    if flat.any():
        what = f"{flat.sum()} with a box without width or height, though there are keypoints"
        yield fault("flat-box", what, table.file, table.at(flat))


def twice(table: LabelTable) -> Iterator[Fault]:
    """Animals that stand there again, in the same image with the same numbers."""
    _, image, counts = np.unique(table.image_ids, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[image] > 1)
    flat = table.points.reshape(len(table), -1)
    values = np.column_stack([table.image_ids[rows], table.boxes[rows], flat[rows]])
    values = np.nan_to_num(values, nan=-1.0)
    seen: set[bytes] = set()
    again = np.zeros(len(table), bool)
    for row, labelled, numbers in zip(rows, table.labelled[rows].any(axis=1), values, strict=True):
        key = numbers.tobytes()
        again[row] = labelled and key in seen
        seen.add(key)
    if again.any():
        what = f"{again.sum()} with box and keypoints of another of its image"
        yield fault("animal-twice", what, table.file, table.at(again))


def odd_points(table: LabelTable) -> Iterator[Fault]:
    """Single keypoints that are legal and odd."""
    xy, v = table.points[..., :2], table.points[..., 2]
    outside = ((xy < 0) | (xy > table.sizes[:, None])).any(axis=2)
    corner = (xy == 0).all(axis=2)
    none = np.isnan(table.points).all(axis=(1, 2))
    known = np.isin(v, (0, 1, 2)) | none[:, None]
    looks = [
        (
            "outside-image",
            "with a labelled keypoint outside the image",
            (table.labelled & outside).any(axis=1),
        ),
        (
            "corner-points",
            "with a labelled keypoint at exactly (0, 0): where it is not there, v should be 0",
            (table.labelled & corner).any(axis=1),
        ),
        (
            "visibility",
            "with a v other than 0, 1 or 2: above 0 counts as labelled",
            (~known).any(axis=1),
        ),
    ]
    for kind, what, odd in looks:
        if odd.any():
            yield fault(kind, f"{odd.sum()} {what}", table.file, table.at(odd))


def odd_fields(table: LabelTable) -> Iterator[Fault]:
    """Other fields of an annotation that are not what they should be."""
    labelled = table.labelled.sum(axis=1).tolist()
    miscounted, crowds = [], []
    for content, count in zip(table.contents, labelled, strict=True):
        told = content.get("num_keypoints", count)
        miscounted.append(told != count and bool(content.get("keypoints")))
        crowds.append(bool(content.get("iscrowd")))
    looks = [
        (
            "miscounted",
            "whose num_keypoints is not how many v are above 0: counted anew",
            np.array(miscounted, bool),
        ),
        (
            "no-area",
            "without an area of 0 or more: that of the box is taken",
            np.isnan(table.areas),
        ),
        (
            "iscrowd",
            "with an iscrowd that is neither 0 nor 1, but NaN or '0': taken as 0",
            np.array(crowds, bool),
        ),
    ]
    for kind, what, odd in looks:
        if odd.any():
            yield fault(kind, f"{odd.sum()} {what}", table.file, table.at(odd))
