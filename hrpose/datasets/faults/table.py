"""The labels of annotation files as columns, which every look for faults reads.

Legend: N annotations, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from hrpose.datasets.coco.entry import LIMIT, AreaFrom, BoxFrom, box_around, is_crowd
from hrpose.datasets.coco.file import CocoFile, image_size
from hrpose.datasets.faults.fault import Place
from hrpose.keypoints import KeypointMeta


@dataclass
class LabelTable:
    """The annotations that are animals: of the categories used, and not marked iscrowd."""

    file: str
    meta: KeypointMeta
    contents: list[dict[str, Any]]
    """(N,) as in the file."""
    image_ids: np.ndarray
    """(N,) int64."""
    sizes: np.ndarray
    """(N, 2) W, H of the image; NaN where it is not known."""
    points: np.ndarray
    """(N, K, 3) x, y, v; NaN where there are none."""
    boxes: np.ndarray
    """(N, 4) NaN where there is none."""
    areas: np.ndarray
    """(N,) image px squared; NaN where there is none."""
    places: list[Place] = field(default_factory=list)
    """(N,)"""

    def __len__(self) -> int:
        return len(self.contents)

    def at(self, rows: np.ndarray) -> tuple[Place, ...]:
        """Places of a mask (N,), or of rows in their order."""
        wanted = np.flatnonzero(rows) if rows.dtype == bool else rows
        return tuple(self.places[row] for row in wanted.tolist())

    @cached_property
    def labelled(self) -> np.ndarray:
        """(N, K) bool: v above 0."""
        return self.points[..., 2] > 0

    @cached_property
    def xy(self) -> np.ndarray:
        """(N, K, 2) of the labelled points, NaN elsewhere."""
        return np.where(self.labelled[..., None], self.points[..., :2], np.nan)

    @cached_property
    def spans(self) -> np.ndarray:
        """(N,) longer side of the box around the labelled points, NaN where there is none."""
        low, high = extent(self.xy)
        return (high - low).max(axis=1)


def extent(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest (N, 2) of points (N, K, 2), NaN where there is none."""
    known = np.isfinite(xy).all(axis=2, keepdims=True)
    low = np.where(known, xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(known, xy, -np.inf).max(axis=1, initial=-np.inf)
    none = ~known.any(axis=1)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)


def label_table(
    file: CocoFile,
    category_ids: Collection[int],
    meta: KeypointMeta,
    box_from: BoxFrom = "file",
    area_from: AreaFrom = "file",
) -> LabelTable:
    """The animals of these categories, with the boxes and areas that are used."""
    entries = [
        entry
        for entry in file.entries
        if entry.content.get("category_id") in category_ids and not is_crowd(entry.content)
    ]
    contents = [entry.content for entry in entries]
    sizes = [image_size(file.images[entry.image_id]) or (np.nan, np.nan) for entry in entries]
    flat = _columns(contents, "keypoints", 3 * len(meta))
    points = flat.reshape(len(flat), len(meta), 3)
    boxes = _columns(contents, "bbox", 4)
    if box_from == "keypoints":
        around = [
            box_around(np.nan_to_num(row), image_size(file.images[entry.image_id]))
            for row, entry in zip(points, entries, strict=True)
        ]
        boxes = np.array(around).reshape(-1, 4)
    areas = boxes[:, 2:].prod(axis=1) if area_from == "box" else list(map(_area, contents))
    source = {image_id: name for (_, name), image_id in file.image_ids.items()}
    return LabelTable(
        file=", ".join(map(str, file.paths)),
        meta=meta,
        contents=contents,
        image_ids=np.array([entry.image_id for entry in entries], np.int64),
        sizes=np.array(sizes, np.float64).reshape(-1, 2),
        points=points,
        boxes=boxes,
        areas=np.array(areas, np.float64),
        places=[
            Place(source[entry.image_id], entry.name, file.images[entry.image_id]["file_name"])
            for entry in entries
        ],
    )


def _area(content: dict[str, Any]) -> float:
    """`area` of an annotation, NaN if it is no number of 0 or more."""
    area = content.get("area")
    return area if isinstance(area, int | float) and 0 <= area < LIMIT**2 else np.nan


def _columns(contents: list[dict[str, Any]], key: str, count: int) -> np.ndarray:
    """The lists under `key` as rows (N, `count`), all NaN where there is none of that length."""
    rows = np.full((len(contents), count), np.nan)
    for row, content in zip(rows, contents, strict=True):
        values = np.asarray(content.get(key) or [], dtype=np.float64).ravel()
        if values.size == count:
            row[:] = values
    return rows
