"""Faults of most labels of a file at once: numbers of another kind than expected.

Legend: N annotations, K keypoints; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hrpose.datasets.faults.fault import Fault
from hrpose.datasets.faults.kinds import fault
from hrpose.datasets.faults.measures import FAR, extents_of, shares_beyond
from hrpose.datasets.faults.table import LabelTable

MOST = 0.95
"""Of all labels: what so many are, they were meant to be."""
TINY = 0.05
"""A box cannot hold an animal whose points span so many times more."""
SMALL_AREA, LARGE_AREA = 0.02, 4.0
"""Of the box; an outline fills a part of its box, and some files round boxes."""
LEAST_FOR_NAMES = 20
"""Animals; among fewer a keypoint may happen to be hidden in all."""


def fractions(table: LabelTable) -> Iterator[Fault]:
    """Keypoints or boxes between 0 and 1."""
    low, high = table.extents[:, :2], table.extents[:, 2:]
    found = [("keypoints", _are_fractions(low, high, table.sizes))]
    boxes = table.boxes
    found += [("boxes", _are_fractions(boxes[:, :2], boxes[:, :2] + boxes[:, 2:], table.sizes))]
    named = [what for what, rows in found if rows is not None]
    if named:
        rows = next(rows for _, rows in found if rows is not None)
        what = f"{' and '.join(named)} of {rows.sum()} animals lie between 0 and 1, as fractions do"
        yield fault("fractions", what, table.file, table.at(rows))


def _are_fractions(low: np.ndarray, high: np.ndarray, sizes: np.ndarray) -> np.ndarray | None:
    """Mask (N,) of what spans from `low` to `high` (N, 2) within 0 and 1, if nearly all do."""
    known = np.isfinite(low).all(axis=1) & ~(sizes <= 2).any(axis=1)
    inside = known & (low >= 0).all(axis=1) & (high <= 1.001).all(axis=1) & (high > 0).any(axis=1)
    if not known.any() or inside.sum() < MOST * known.sum():
        return None
    return inside


def keypoints_from_the_box(table: LabelTable) -> Iterator[Fault]:
    """Keypoints that count from the corner of the box."""
    found = table.measures
    tells = found.tells_corner
    moved = tells & (found.in_box <= 0.5) & (found.in_box_if_moved >= MOST)
    if tells.any() and moved.sum() >= 0.8 * tells.sum():
        what = f"the keypoints of {moved.sum()} animals fit their boxes if counted from its corner"
        yield fault("box-relative", what, table.file, table.at(moved))


def tiny_boxes(table: LabelTable) -> Iterator[Fault]:
    """Boxes that are next to nothing beside the keypoints."""
    longer = table.boxes[:, 2:].max(axis=1)
    told = np.isfinite(longer) & (longer > 0) & (table.spans > 0)
    tiny = told & (longer < TINY * table.spans)
    if tiny.any() and tiny.sum() >= 0.5 * told.sum():
        first = int(np.flatnonzero(tiny)[0])
        width, height = table.boxes[first, 2:]
        what = (
            f"{tiny.sum()} of {told.sum()} boxes are tiny beside their keypoints (the first is "
            f"{width:g} x {height:g} px, its points span {table.spans[first]:.0f} px)"
        )
        yield fault("tiny-boxes", what, table.file, table.at(tiny))


def other_size(table: LabelTable) -> Iterator[Fault]:
    """Labels that were made for larger images."""
    what, rows = _told_beyond(table.measures.beyond, table.extents[:, 2:], table.sizes)
    if what:
        yield fault("other-size", what, table.file, table.at(rows))


def labels_beyond(xy: np.ndarray, sizes: np.ndarray) -> tuple[str, np.ndarray]:
    """A sentence where points (N, K, 2) reach far out of images of `sizes` (N, 2) for many animals,
    else ''; and a mask (N,) of these.
    """
    x, y = xy.transpose(2, 1, 0)
    return _told_beyond(shares_beyond(x, y, sizes), extents_of(x, y)[:, 2:], sizes)


def _told_beyond(
    shares: np.ndarray, highest: np.ndarray, sizes: np.ndarray
) -> tuple[str, np.ndarray]:
    """As `labels_beyond`, of `shares_beyond` and the greatest x and y (N, 2)."""
    known, rows = ~np.isnan(shares), shares > 0.25
    if not rows.any() or rows.sum() < known.sum() / 3:
        return "", rows
    share = (highest[rows] / sizes[rows]).max(axis=1)
    width, height = sizes[rows][int(share.argmax())]
    x, y = highest[rows][int(share.argmax())]
    return (
        f"the keypoints of {rows.sum()} of {known.sum()} animals lie outside their images, up to "
        f"({x:.0f}, {y:.0f}) in one of {width:.0f} x {height:.0f} px"
    ), rows


def corner_boxes(table: LabelTable) -> Iterator[Fault]:
    """Boxes that seem to be two corners each."""
    told = np.isfinite(table.boxes).all(axis=1) & np.isfinite(table.sizes).all(axis=1)
    first, second, size = table.boxes[told, :2], table.boxes[told, 2:], table.sizes[told]
    far = (first + second > FAR * size).any(axis=1)
    corners = ((second > first) & (second <= size + 1)).all(axis=1)
    if len(far) and far.mean() >= 1 / 3 and corners.mean() >= MOST:
        what = (
            f"{np.count_nonzero(far)} of {len(far)} boxes reach far outside their images as x, y, "
            f"width, height, and {np.count_nonzero(corners)} fit as two corners x1, y1, x2, y2: "
            "if that is what they are, convert them"
        )
        yield fault("corner-boxes", what, table.file)


def odd_areas(table: LabelTable) -> Iterator[Fault]:
    """`area` that says another size of the animal than its box: of most, or of some alone."""
    boxes = table.boxes[:, 2:].prod(axis=1)
    areas = table.areas
    told = np.isfinite(areas) & (boxes > 0)
    small = areas < SMALL_AREA * boxes
    odd = told & (small | (areas > LARGE_AREA * boxes))
    most = odd.sum() >= told.sum() / 3
    if not most:
        odd &= small | (areas > LARGE_AREA * table.spans**2)  # else the box may be the wrong one
    if odd.any():
        first = int(np.flatnonzero(odd)[0])
        many = f"{odd.sum()} of {told.sum()} areas do not go with the boxes"
        some = f"{odd.sum()} with an area that does not go with the box"
        kind, what = ("area", many) if most else ("one-area", some)
        what += (
            f" (the first is {areas[first]:g}, its box has {boxes[first]:g} px): AP and AR are "
            "wrong with them"
        )
        yield fault(kind, what, table.file, table.at(odd))


def all_hidden(table: LabelTable) -> Iterator[Fault]:
    """Keypoints with coordinates that do not count, for their v."""
    hidden = table.measures.hidden
    if hidden.sum() > table.counts.sum():
        rows = hidden > 0
        what = (
            f"{hidden.sum()} keypoints of {rows.sum()} animals have coordinates and v = 0, which "
            f"counts as not labelled; {table.counts.sum()} are labelled"
        )
        yield fault("all-hidden", what, table.file, table.at(rows))


def never_labelled(table: LabelTable) -> Iterator[Fault]:
    """Keypoints that no animal has."""
    if (table.counts > 0).sum() < LEAST_FOR_NAMES:
        return
    names = [repr(table.meta.names[k]) for k in np.flatnonzero(~table.labelled.any(axis=0))]
    if names:
        yield fault(
            "never-labelled", f"no animal of {len(table)} has {', '.join(names)}", table.file
        )
