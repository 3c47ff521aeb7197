"""The annotations of files as columns, made while the files are read: what each says in Python's
own objects takes ten times the memory.

Legend: N annotations, K keypoints; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

import numpy as np

from hrpose.datasets.coco.entry import LIMIT, is_crowd
from hrpose.datasets.coco.ids import Ids, ids_of, join_ids

HEAD = ("head_size", "head_box")
GIVEN, NONE, ODD = 0, 1, 2
"""Of a list of numbers: in the column, not there, or as it stands in `contents`."""


@dataclass
class Annotations:
    """Some annotations, or all of them. What does not fit the columns is kept as it stands in the
    file, and looked at when it is used: it may be of a category that is not.
    """

    source_ids: Ids
    """(N,) as in the files."""
    source_image_ids: Ids
    category_ids: Ids
    files: np.ndarray
    """(N,) number of the file."""
    numbers: np.ndarray
    """(N,) place in the list of the file, from 1."""
    points: np.ndarray
    """(N, 3 * K) x, y, v float64; NaN where there are none."""
    have_points: np.ndarray
    """(N,) GIVEN, NONE or ODD."""
    boxes: np.ndarray
    """(N, 4) float64; NaN where there is none."""
    have_boxes: np.ndarray
    """(N,) GIVEN, NONE or ODD."""
    areas: np.ndarray
    """(N,) image px squared; NaN where it is no number of 0 or more."""
    crowd: np.ndarray
    """(N,) bool: marked iscrowd."""
    odd_crowd: np.ndarray
    """(N,) bool: not marked, but by something else than 0."""
    told: np.ndarray
    """(N,) num_keypoints; NaN where it does not stand there, -1 where it is no number."""
    told_none: np.ndarray
    """(N,) bool: num_keypoints is not there, 0 or empty."""
    contents: dict[int, dict[str, Any]]
    """By row, all of what does not fit."""
    heads: dict[int, dict[str, Any]]
    """By row, what is said of the head, which PCK looks at."""

    def __len__(self) -> int:
        return len(self.files)

    def take(self, rows: np.ndarray) -> Annotations:
        """Some of them, in the order of `rows`."""
        columns: dict[str, Any] = {}
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                columns[name] = column[rows] if len(column) == len(self) else column
            elif isinstance(column, list):
                columns[name] = [column[row] for row in rows.tolist()]
            else:
                pairs = enumerate(rows.tolist())
                columns[name] = {new: column[row] for new, row in pairs if row in column}
        return Annotations(**columns)


@dataclass
class Reader:
    """Makes columns of contents; `whole` keeps those too.

    What decides the width of the column of keypoints is the first annotation that has any.
    """

    whole: bool = False
    width: int = 0

    def read(self, contents: Sequence[dict[str, Any]], file: int, number: int) -> Annotations:
        """The columns of `contents`, which are from that `file` and begin with that `number`."""
        count = len(contents)
        points, have_points = self._points(contents)
        boxes, have_boxes = numbers_of([content.get("bbox") for content in contents], 4)
        odd = (have_points == ODD) | (have_boxes == ODD) | self.whole
        crowd, odd_crowd = _crowd([content.get("iscrowd", 0) for content in contents])
        told, told_none = _told([content.get("num_keypoints", _ABSENT) for content in contents])
        heads = {
            row: {key: content[key] for key in HEAD if key in content}  # as they are
            for row, content in enumerate(contents)
            if "head_size" in content or "head_box" in content
        }
        return Annotations(
            source_ids=ids_of([content.get("id") for content in contents]),
            source_image_ids=ids_of([content.get("image_id") for content in contents]),
            category_ids=ids_of([content.get("category_id") for content in contents]),
            files=np.full(count, file, np.int32),
            numbers=np.arange(number, number + count, dtype=np.int32),
            points=points,
            have_points=have_points,
            boxes=boxes,
            have_boxes=have_boxes,
            areas=_areas([content.get("area") for content in contents]),
            crowd=crowd,
            odd_crowd=odd_crowd,
            told=told,
            told_none=told_none,
            contents={row: contents[row] for row in np.flatnonzero(odd).tolist()},
            heads=heads,
        )

    def _points(self, contents: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
        lists = [content.get("keypoints") for content in contents]
        if not self.width:
            widths = (len(values) for values in lists if isinstance(values, list))
            self.width = next(filter(None, widths), 0)
        return numbers_of(lists, self.width)


def join(blocks: list[Annotations]) -> Annotations:
    """One behind the other; `blocks` are given up, column by column."""
    starts = np.cumsum([0, *map(len, blocks)])
    columns: dict[str, Any] = {}
    for name in (field.name for field in fields(Annotations)):
        parts = [getattr(block, name) for block in blocks]
        for block in blocks:
            delattr(block, name)
        if name.endswith("_ids"):
            columns[name] = join_ids(parts)
        elif name in ("contents", "heads"):
            columns[name] = {
                start + row: content
                for start, part in zip(starts.tolist(), parts, strict=False)
                for row, content in part.items()
            }
        else:
            columns[name] = _stack(parts, int(starts[-1]))
    return Annotations(**columns)


def _stack(parts: list[np.ndarray], count: int) -> np.ndarray:
    """The rows of `parts`, each of which is given up once it is copied; narrower ones are all NaN,
    of before the first annotation with keypoints.
    """
    parts.reverse()
    width = max((part.shape[1:] for part in parts), default=())
    rows = np.empty((count, *width), parts[0].dtype if parts else np.float64)
    start = 0
    while parts:
        part = parts.pop()
        rows[start : start + len(part)] = part if part.shape[1:] == width else np.nan
        start += len(part)
    return rows


def numbers_of(lists: Sequence[Any], count: int) -> tuple[np.ndarray, np.ndarray]:
    """`lists` of `count` numbers as rows (N, `count`) float64, NaN where there is none; and which
    there are (N,). They are ODD all together where something among them is no number.
    """
    rows = np.full((len(lists), count), np.nan)
    have = np.array([_have(values, count) for values in lists], np.uint8)
    given = np.flatnonzero(have == GIVEN)
    numbers = chain.from_iterable(lists[row] for row in given.tolist())
    try:
        # number by number takes half the time in which `np.array` finds out how deep the lists are
        rows[given] = np.fromiter(numbers, np.float64, len(given) * count).reshape(-1, count)
    except (TypeError, ValueError, OverflowError):
        have[given] = ODD
    return rows, have


def _have(values: Any, count: int) -> int:
    if values is None or values == []:
        return NONE
    return GIVEN if type(values) is list and len(values) == count else ODD


def _crowd(values: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    if set(map(type, values)) <= {int}:
        marked = [value != 0 for value in values]
        return np.array(marked, bool), np.zeros(len(values), bool)
    crowd = np.array([is_crowd({"iscrowd": value}) for value in values], bool)
    return crowd, np.array([bool(value) for value in values], bool) & ~crowd


def _told(values: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    if set(map(type, values)) <= {int}:
        told = np.array([value if abs(value) < LIMIT else -1 for value in values], np.float64)
        return told, told == 0
    told = np.array([_count(value) for value in values], np.float64)
    return told, np.array([value is _ABSENT or not value for value in values], bool)


_ABSENT: Any = object()


def _count(value: Any) -> float:
    if value is _ABSENT:
        return np.nan
    return value if isinstance(value, int | float) and abs(value) < LIMIT else -1


def _areas(values: list[Any]) -> np.ndarray:
    if set(map(type, values)) <= {int, float}:
        try:
            areas = np.array(values, np.float64)
            return np.where((areas >= 0) & (areas < LIMIT**2), areas, np.nan)
        except OverflowError:
            pass
    return np.array([_area(value) for value in values], np.float64)


def _area(area: Any) -> float:
    """`area` of an annotation, NaN if it is no number of 0 or more."""
    return area if isinstance(area, int | float) and 0 <= area < LIMIT**2 else np.nan
