"""The annotations of a file as columns: what its numbers are, all rows at once.

Legend: N annotations, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h in
image px.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrpose.datasets.coco.entry import (
    LIMIT,
    AreaFrom,
    BoxFrom,
    Entry,
    box_of,
    box_of_keypoints,
    is_crowd,
    keypoints_of,
    sane,
    sound,
)
from hrpose.datasets.coco.file import CocoFile, hashable, image_size
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta

_TOGETHER = 4096
"""Rows that NumPy reads at once; where it cannot, each of them is read by itself."""


@dataclass
class Columns:
    """The annotations of the categories used, in the order of the file."""

    file: CocoFile
    entries: list[Entry]
    """(N,)"""
    others: list[Entry]
    """Annotations of other categories."""
    points: np.ndarray
    """(N, K, 3) x, y, v float64; NaN where there are none."""
    bare: np.ndarray
    """(N,) bool: without keypoints."""
    boxes: np.ndarray
    """(N, 4) float64, the ones that are used; NaN where there is none."""
    sizes: np.ndarray
    """(N, 2) float64 W, H of the image; NaN where it is not known."""
    crowd: np.ndarray
    """(N,) bool: marked iscrowd."""
    areas: list[float]
    """(N,) image px squared, a number as the file has it; NaN where there is none."""


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
    entries: list[Entry] = []
    others: list[Entry] = []
    for entry in file.entries:
        (entries if category_of(file, entry) in category_ids else others).append(entry)
    flat, bare = _numbers(entries, "keypoints", 3 * len(meta), _keypoint_row(len(meta)))
    points = flat.reshape(len(entries), len(meta), 3)
    known = [image_size(file.images[entry.image_id]) for entry in entries]
    if box_from == "keypoints":
        pairs = zip(points, known, strict=True)
        boxes = np.array([box_of_keypoints(row, size) for row, size in pairs]).reshape(-1, 4)
    else:
        boxes, _ = _numbers(entries, "bbox", 4, lambda entry: box_of(str(entry), entry.content))
    areas = [_area(entry) for entry in entries]
    if area_from == "box":
        areas = boxes[:, 2:].prod(axis=1).tolist()
    return Columns(
        file=file,
        entries=entries,
        others=others,
        points=points,
        bare=bare,
        boxes=boxes,
        sizes=np.array([size or (np.nan, np.nan) for size in known], np.float64).reshape(-1, 2),
        crowd=np.array([is_crowd(entry.content) for entry in entries], bool),
        areas=areas,
    )


def category_of(file: CocoFile, entry: Entry) -> int:
    """Category id of an annotation; DataError where there is no such category."""
    category_id: Any = entry.content.get("category_id")
    if hashable(category_id) not in file.categories:
        known = ", ".join(f"{i} ({c.get('name')})" for i, c in file.categories.items())
        raise DataError(
            f"{entry}: category_id {category_id!r} is not among 'categories', which are {known}; "
            "give it the id of its category"
        )
    return category_id


@dataclass
class CocoAnnotations:
    """All annotations of the categories used, animals or not, with numbers that can be reckoned
    with; COCO's objects are made of them when they are asked for.
    """

    ids: list[tuple[int, int, int]]
    """(N,) annotation, image, category."""
    points: np.ndarray
    """(N, K, 3) x, y, v; not labelled where they are not finite."""
    boxes: np.ndarray
    """(N, 4) 0 where they are not finite."""
    areas: list[float]
    """(N,) the one given, else that of the box."""
    crowd: np.ndarray
    """(N,) bool"""
    more: dict[int, dict[str, Any]]
    """By row, where there is any: the size of the head, and the id in the file if it differs."""

    def objects(self) -> list[dict[str, Any]]:
        """The annotations with every key that COCOeval reads."""
        labelled = (self.points[..., 2] > 0).sum(axis=1).tolist()
        points = self.points.reshape(len(self.ids), -1)
        return [
            {
                "id": number,
                "image_id": image_id,
                "category_id": category_id,
                "keypoints": points[row].tolist(),
                "num_keypoints": labelled[row],
                "bbox": self.boxes[row].tolist(),
                "area": self.areas[row],
                "iscrowd": int(self.crowd[row]),
                **self.more.get(row, {}),
            }
            for row, (number, image_id, category_id) in enumerate(self.ids)
        ]


def coco_annotations(columns: Columns, order: np.ndarray, area_from: AreaFrom) -> CocoAnnotations:
    """The annotations in `order` (N,). `area` is the one given, if it is a number of 0 or more and
    `area_from` is not 'box', else that of the box.
    """
    points, boxes = columns.points[order], columns.boxes[order]
    points = np.where(sound(points)[..., None], points, 0.0)
    boxes = np.where(sane(boxes), boxes, 0.0)
    of_box = boxes[:, 2:].prod(axis=1).tolist()
    ids, areas, more = [], [], {}
    for row, place in enumerate(order.tolist()):
        entry, area = columns.entries[place], columns.areas[place]
        ids.append((entry.id, entry.image_id, entry.content["category_id"]))
        areas.append(area if area_from == "file" and area == area else of_box[row])
        # as they are: PCK by the head looks at them
        extra = {key: entry.content[key] for key in _HEAD if key in entry.content}
        if entry.source_id != entry.id:
            extra["source_id"] = entry.source_id
        if extra:
            more[row] = extra
    return CocoAnnotations(ids, points, boxes, areas, columns.crowd[order], more)


_HEAD = ("head_size", "head_box")


def _area(entry: Entry) -> float:
    """`area` of an annotation, NaN if it is no number of 0 or more."""
    area = entry.content.get("area")
    return area if isinstance(area, int | float) and 0 <= area < LIMIT**2 else np.nan


def _keypoint_row(count: int) -> Callable[[Entry], np.ndarray | None]:
    """What reads the `count` keypoints of an annotation, as one row."""

    def read(entry: Entry) -> np.ndarray | None:
        points = keypoints_of(str(entry), entry.content, count)
        return None if points is None else points.ravel()

    return read


def _numbers(
    entries: Sequence[Entry], key: str, count: int, read: Callable[[Entry], np.ndarray | None]
) -> tuple[np.ndarray, np.ndarray]:
    """The lists under `key` as rows (N, `count`) float64; and which (N,) have none, NaN in rows.

    Lists of `count` numbers are read by NumPy, many at once; all else, and lists among which
    something is no number, by `read`, which knows what to say.
    """
    rows, none = np.full((len(entries), count), np.nan), np.zeros(len(entries), bool)
    for start in range(0, len(entries), _TOGETHER):
        part = range(start, min(start + _TOGETHER, len(entries)))
        lists = [entries[row].content.get(key) for row in part]
        fits = [type(values) is list and len(values) == count for values in lists]
        plain = [row for row, fit in zip(part, fits, strict=True) if fit]
        try:
            found = np.array([lists[row - start] for row in plain], np.float64)
            rows[plain] = found.reshape(-1, count)
        except (TypeError, ValueError, OverflowError):
            fits = [False] * len(part)
        for row, fit in zip(part, fits, strict=True):
            values = None if fit else read(entries[row])
            if values is not None:
                rows[row] = values
            elif not fit:
                none[row] = True
    return rows, none
