"""The annotations of the categories that are used, with the boxes, areas and sizes that count.

Legend: N annotations, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h in
image px.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrpose.datasets.coco.annotations import NONE, ODD
from hrpose.datasets.coco.entry import (
    AreaFrom,
    BoxFrom,
    Entry,
    box_of,
    box_of_keypoints,
    in_parts,
    keypoints_of,
    sane,
    sound,
)
from hrpose.datasets.coco.file import CocoFile
from hrpose.keypoints import KeypointMeta


@dataclass
class Columns:
    """The annotations of the categories used, in the order of the file."""

    file: CocoFile
    rows: np.ndarray
    """(N,) their rows in the file."""
    others: np.ndarray
    """Rows of annotations of other categories."""
    points: np.ndarray
    """(N, K, 3) x, y, v float64; NaN where there are none."""
    bare: np.ndarray
    """(N,) bool: without keypoints."""
    boxes: np.ndarray
    """(N, 4) float64, the ones that are used; NaN where there is none."""
    areas: np.ndarray
    """(N,) image px squared; NaN where there is none."""
    crowd: np.ndarray
    """(N,) bool: marked iscrowd."""

    def entry(self, row: int) -> Entry:
        """Where the annotation comes from."""
        return self.file.entry(int(self.rows[row]))

    @property
    def image_rows(self) -> np.ndarray:
        """(N,) rows of their images."""
        return taken(self.file.image_rows, self.rows)

    @property
    def sizes(self) -> np.ndarray:
        """(N, 2) float64 W, H of the image; NaN where it is not known."""
        return self.file.images.sizes[self.image_rows]


def taken(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`column[rows]`; the column itself, and no copy, where that is all of it in its order."""
    same = len(rows) == len(column) and np.array_equal(rows, np.arange(len(rows)))
    return column if same else column[rows]


def read_columns(
    file: CocoFile,
    meta: KeypointMeta,
    category_ids: Collection[int],
    box_from: BoxFrom = "file",
    area_from: AreaFrom = "file",
) -> Columns:
    """The annotations of these categories, with the boxes and areas that are used.

    Raises:
        DataError: keypoints or a box are no numbers or not as many as they should be.
    """
    table = file.annotations
    used = np.isin(file.category_ids, np.array(list(category_ids), np.int64))
    rows, others = np.flatnonzero(used), np.flatnonzero(~used)
    count = len(meta)

    def keypoints(entry: Entry) -> np.ndarray | None:
        points = keypoints_of(str(entry), entry.content, count)
        return None if points is None else points.ravel()

    have_points, have_boxes = table.have_points[rows], table.have_boxes[rows]
    if table.points.shape[1] == 3 * count:
        flat = taken(table.points, rows)
    else:
        flat = np.full((len(rows), 3 * count), np.nan)
        _refuse_width(file, rows[have_points < NONE], count)
    bare = _read_odd(file, rows, flat, have_points, keypoints)
    points = flat.reshape(len(rows), count, 3)
    columns = Columns(
        file, rows, others, points, bare, taken(table.boxes, rows), taken(table.areas, rows),
        taken(table.crowd, rows),
    )  # fmt: skip
    if box_from == "keypoints":
        sizes = [None if size[0] != size[0] else size for size in columns.sizes.tolist()]
        pairs = zip(points, sizes, strict=True)
        columns.boxes = np.array([box_of_keypoints(row, size) for row, size in pairs])
        columns.boxes = columns.boxes.reshape(-1, 4)
    else:
        _read_odd(
            file, rows, columns.boxes, have_boxes, lambda entry: box_of(str(entry), entry.content)
        )
    if area_from == "box":
        columns.areas = columns.boxes[:, 2:].prod(axis=1)
    return columns


def _refuse_width(file: CocoFile, rows: np.ndarray, count: int) -> None:
    """DataError on the first of `rows`, whose keypoints are more or fewer than `count`."""
    for row in rows[:1].tolist():
        width = file.annotations.points.shape[1]
        content: dict[str, Any] = {"keypoints": [0.0] * width}
        keypoints_of(str(file.entry(row)), content, count)


def _read_odd(
    file: CocoFile,
    rows: np.ndarray,
    column: np.ndarray,
    have: np.ndarray,
    read: Callable[[Entry], np.ndarray | None],
) -> np.ndarray:
    """Put into `column` what `read` makes of the annotations that did not fit it; which (N,) of
    `rows` have none.
    """
    none = have == NONE
    for place in np.flatnonzero(have == ODD).tolist():
        values = read(file.entry(int(rows[place])))
        if values is None:
            none[place] = True
        else:
            column[place] = values
    return none


@dataclass
class CocoAnnotations:
    """All annotations of the categories used, animals or not, with numbers that can be reckoned
    with; COCO's objects are made of them when they are asked for.
    """

    columns: Columns
    order: np.ndarray
    """(N,) their rows in `columns`, in the order of the images."""
    areas: np.ndarray
    """(N,) by row of `columns`: the one given, if it is a number of 0 or more, else that of the
    box."""

    def objects(self) -> list[dict[str, Any]]:
        """The annotations with every key that COCOeval reads."""
        return [part for rows in in_parts(self.order) for part in self._objects(rows)]

    def _objects(self, rows: np.ndarray) -> list[dict[str, Any]]:
        columns, file = self.columns, self.columns.file
        points, boxes = columns.points[rows], columns.boxes[rows]
        points = np.where(sound(points)[..., None], points, 0.0)
        boxes = np.where(sane(boxes), boxes, 0.0)
        places = columns.rows[rows]
        parts = zip(
            file.ids[places].tolist(),
            file.images.ids[columns.image_rows[rows]].tolist(),
            file.category_ids[places].tolist(),
            points.reshape(len(rows), -1).tolist(),
            (points[..., 2] > 0).sum(axis=1).tolist(),
            boxes.tolist(),
            self.areas[rows].tolist(),
            columns.crowd[rows].astype(int).tolist(),
            map(self._more, places.tolist()),
            strict=True,
        )
        names = ("id", "image_id", "category_id", "keypoints", "num_keypoints", "bbox", "area")
        return [dict(zip((*names, "iscrowd"), part, strict=False), **part[-1]) for part in parts]

    def _more(self, row: int) -> dict[str, Any]:
        """The size of the head as in the file, and the id in the file if it differs."""
        file = self.columns.file
        more = file.annotations.heads.get(row, {})
        if file.annotations.source_ids is file.ids:
            return more
        entry = file.entry(row)
        return more if entry.source_id == entry.id else {**more, "source_id": entry.source_id}


def coco_annotations(columns: Columns, area_from: AreaFrom) -> CocoAnnotations:
    """The annotations in the order of the images and then of the file."""
    boxes = np.where(sane(columns.boxes), columns.boxes, 0.0)
    areas = boxes[:, 2:].prod(axis=1)
    if area_from == "file":
        areas = np.where(np.isnan(columns.areas), areas, columns.areas)
    return CocoAnnotations(columns, np.argsort(columns.image_rows, kind="stable"), areas)
