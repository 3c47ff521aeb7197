"""The labels of annotation files as columns, which every look for faults reads.

Legend: N annotations, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hrpose.datasets.coco.columns import Columns
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
    names: list[Hashable]
    """(N,) ids of the annotations in the file."""
    images: dict[int, dict[str, Any]]
    """By id, as `CocoFile` has them."""

    def __len__(self) -> int:
        return len(self.contents)

    def at(self, rows: np.ndarray) -> tuple[Place, ...]:
        """Places of a mask (N,), or of rows in their order."""
        wanted = np.flatnonzero(rows) if rows.dtype == bool else rows
        return tuple(map(self.place, wanted.tolist()))

    def place(self, row: int) -> Place:
        """Where to find the annotation of a row."""
        image = self.images[int(self.image_ids[row])]
        return Place(image.get("source_id", image["id"]), self.names[row], image["file_name"])

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
    known = np.isfinite(xy[..., :1]) & np.isfinite(xy[..., 1:])
    low = np.where(known, xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(known, xy, -np.inf).max(axis=1, initial=-np.inf)
    none = ~known.any(axis=1)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)


def label_table(columns: Columns, meta: KeypointMeta) -> LabelTable:
    """The animals of `columns`: all that are not marked iscrowd."""
    file, animals = columns.file, np.flatnonzero(~columns.crowd)
    entries = [columns.entries[row] for row in animals.tolist()]
    return LabelTable(
        file=", ".join(map(str, file.paths)),
        meta=meta,
        contents=[entry.content for entry in entries],
        image_ids=np.array([entry.image_id for entry in entries], np.int64),
        sizes=columns.sizes[animals],
        points=columns.points[animals],
        boxes=columns.boxes[animals],
        areas=np.array([columns.areas[row] for row in animals.tolist()], np.float64),
        names=[entry.name for entry in entries],
        images=file.images,
    )
