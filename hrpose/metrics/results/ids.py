"""Ids as the annotation files have them, of any kind, and the whole numbers that stand for them.

`Labels` know images and annotations by whole numbers; where these are not the ids of the file, the
COCO dict has those as `source_id`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

Parts = Sequence[dict[str, Any]]
"""`images` or `annotations` of a COCO dict."""


def source_ids(parts: Parts) -> dict[int, Any]:
    """Each number with the id of the file. The numbers themselves where an id occurs twice, or
    cannot be written as JSON.
    """
    ids = {part["id"]: part.get("source_id", part["id"]) for part in parts}
    plain = all(isinstance(name, str | int | float) for name in ids.values())
    if not plain or len({_key(name) for name in ids.values()}) < len(ids):
        return {number: number for number in ids}
    return ids


class IdFinder:
    """From an id in a file of results to the number of an image or an annotation.

    The id is the one of the annotation file, also where one of the two wrote it as a string and
    the other as a number; an image may be named by its `file_name` or by the stem of that. What
    could be two of them is none.
    """

    def __init__(self, parts: Parts) -> None:
        ids = source_ids(parts)
        self._exact = {_key(name): number for number, name in ids.items()}
        names = [(part["id"], part["file_name"]) for part in parts if "file_name" in part]
        paths = [(number, name, PurePosixPath(name.replace("\\", "/"))) for number, name in names]
        self._ways = [
            _unique([(name, number) for number, name in names]),
            _unique([(path.name, number) for number, _, path in paths]),
            _unique([(str(path.with_suffix("")), number) for number, _, path in paths]),
            _unique([(path.stem, number) for number, _, path in paths]),
            _unique([(str(name), number) for number, name in ids.items()]),
            _unique([(_digits(name), number) for number, name in ids.items()]),
        ]
        self.example = next(iter(ids.values()), None)

    def find(self, value: Any) -> int | None:
        """The number that `value` stands for, None if there is none."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        if _key(value) in self._exact:
            return self._exact[_key(value)]
        found = (way.get(str(value)) for way in self._ways[:-1])
        number = next((number for number in found if number is not None), None)
        return self._ways[-1].get(_digits(value)) if number is None else number


def _key(name: Any) -> tuple[bool, Any]:
    """A key that keeps '1' and 1 apart."""
    odd = isinstance(name, float) and not math.isfinite(name)
    return isinstance(name, str), "" if odd else name


def _digits(name: Any) -> str:
    """A whole number as it is written without zeros in front; '' if it is none."""
    text = str(name).strip().removesuffix(".0")
    return str(int(text)) if text.isascii() and text.isdecimal() and len(text) < 40 else ""


def _unique(pairs: list[tuple[str, int]]) -> dict[str, int]:
    """The pairs whose first part is not empty and occurs once."""
    counts = Counter(name for name, _ in pairs)
    return {name: number for name, number in pairs if name and counts[name] == 1}
