"""The labels of annotation files as columns, which every look for faults reads.

Legend: N annotations, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hrpose.datasets.coco.columns import Columns, taken
from hrpose.datasets.coco.entry import in_parts
from hrpose.datasets.faults.fault import Place
from hrpose.datasets.faults.measures import Measures, measure
from hrpose.keypoints import KeypointMeta


@dataclass
class LabelTable:
    """The annotations that are animals: of the categories used, and not marked iscrowd."""

    columns: Columns
    meta: KeypointMeta
    rows: np.ndarray
    """(N,) their rows in `columns`."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def file(self) -> str:
        """Path of the annotation file or files."""
        return ", ".join(map(str, self.columns.file.paths))

    def at(self, rows: np.ndarray) -> tuple[Place, ...]:
        """Places of a mask (N,), or of rows in their order."""
        wanted = np.flatnonzero(rows) if rows.dtype == bool else rows
        return tuple(map(self.place, wanted.tolist()))

    def place(self, row: int) -> Place:
        """Where to find the annotation of a row."""
        images, where = self.columns.file.images, int(self.rows[row])
        image = int(self.columns.image_rows[where])
        return Place(images.source_id(image), self.name(row), images.name(image))

    def name(self, row: int) -> Hashable:
        """Id of the annotation in the file."""
        return self.columns.entry(int(self.rows[row])).name

    @cached_property
    def measures(self) -> Measures:
        """What the keypoints of each say beside its box and its image."""
        rows = in_parts(np.arange(len(self)))
        found = [measure(self.points[part], self.boxes[part], self.sizes[part]) for part in rows]
        return Measures(*map(np.concatenate, zip(*found, strict=True)))

    @cached_property
    def image_rows(self) -> np.ndarray:
        """(N,) which image each is on."""
        return taken(self.columns.image_rows, self.rows)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(N, 2) W, H of the image; NaN where it is not known."""
        return self.columns.file.images.sizes[self.image_rows]

    @cached_property
    def points(self) -> np.ndarray:
        """(N, K, 3) x, y, v; NaN where there are none."""
        return taken(self.columns.points, self.rows)

    @cached_property
    def boxes(self) -> np.ndarray:
        """(N, 4) NaN where there is none."""
        return taken(self.columns.boxes, self.rows)

    @cached_property
    def areas(self) -> np.ndarray:
        """(N,) image px squared; NaN where there is none."""
        return taken(self.columns.areas, self.rows)

    @cached_property
    def labelled(self) -> np.ndarray:
        """(N, K) bool: v above 0."""
        return self.points[..., 2] > 0

    @property
    def counts(self) -> np.ndarray:
        """(N,) labelled points."""
        return self.measures.counts

    @property
    def extents(self) -> np.ndarray:
        """(N, 4) least x, y and greatest x, y of the labelled points, NaN where there is none."""
        return self.measures.extents

    @cached_property
    def spans(self) -> np.ndarray:
        """(N,) longer side of the box around the labelled points, NaN where there is none."""
        return (self.extents[:, 2:] - self.extents[:, :2]).max(axis=1)

    @cached_property
    def bare(self) -> np.ndarray:
        """(N,) bool: without keypoints."""
        return self.columns.bare[self.rows]

    @cached_property
    def told(self) -> np.ndarray:
        """(N,) num_keypoints; NaN where it does not stand there, -1 where it is no number."""
        return self._column(self.columns.file.annotations.told)

    @cached_property
    def told_none(self) -> np.ndarray:
        """(N,) bool: num_keypoints is not there, 0 or empty."""
        return self._column(self.columns.file.annotations.told_none)

    @cached_property
    def odd_crowd(self) -> np.ndarray:
        """(N,) bool: marked iscrowd by something else than 0 and 1, which does not count."""
        return self._column(self.columns.file.annotations.odd_crowd)

    def _column(self, column: np.ndarray) -> np.ndarray:
        return column[self.columns.rows[self.rows]]

    def names(self) -> list[Hashable]:
        """(N,) ids of the annotations in the file."""
        ids = self.columns.file.annotations.source_ids
        if isinstance(ids, np.ndarray):
            return self._column(ids).tolist()
        return list(map(self.name, range(len(self))))


def label_table(columns: Columns, meta: KeypointMeta) -> LabelTable:
    """The animals of `columns`: all that are not marked iscrowd."""
    return LabelTable(columns, meta, np.flatnonzero(~columns.crowd))
