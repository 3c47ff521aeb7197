"""COCO annotation files, read and checked: every error names the file, the entry and what to do.

What real files do is taken as it comes: `filename` for `file_name`, ids that start at 0, occur in
several files or are strings, categories without keypoints, sizes left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.datasets.coco.annotations import Annotations, Reader, join
from hrpose.datasets.coco.entry import Entry
from hrpose.datasets.coco.ids import is_whole, join_ids, names_of, whole_ids
from hrpose.datasets.coco.images import ImageBlock, Images, Size, image_block, images_of
from hrpose.datasets.coco.stream import LISTS, CocoStream, UnusualError
from hrpose.datasets.faults.fault import Fault
from hrpose.errors import DataError
from hrpose.storage.json_file import read_coco_json

_TOGETHER = 4096  # entries of a file that was read as a whole, made columns of at once


@dataclass
class CocoFile:
    """One or more annotation files (of N annotations) as one; ids are whole numbers, each once."""

    paths: Sequence[Path]
    digests: list[str]
    """SHA-256 of each file, in hex."""
    images: Images
    annotations: Annotations
    ids: np.ndarray
    """(N,) int64"""
    image_rows: np.ndarray
    """(N,) the image of each annotation, as its row in `images`."""
    categories: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    """Of ids and names; those of the labels are looked for in `datasets.faults`."""

    def __len__(self) -> int:
        return len(self.ids)

    def entry(self, row: int) -> Entry:
        """An annotation; its content only where it was kept."""
        table, source_id = self.annotations, self.annotations.source_ids[row]
        return Entry(
            content=table.contents.get(row, {}),
            id=int(self.ids[row]),
            image_id=int(self.images.ids[self.image_rows[row]]),
            path=self.paths[table.files[row]],
            source_id=int(source_id) if isinstance(table.source_ids, np.ndarray) else source_id,
            number=int(table.numbers[row]),
        )

    def entries(self) -> Iterator[Entry]:
        """All annotations, of a file that was read with `whole`."""
        return map(self.entry, range(len(self)))

    @cached_property
    def category_ids(self) -> np.ndarray:
        """(N,) int64

        Raises:
            DataError: an annotation is of none of the categories.
        """
        found, known = self.annotations.category_ids, list(self.categories)
        if isinstance(found, np.ndarray):
            unknown = np.flatnonzero(~np.isin(found, np.array(known, np.int64)))
        else:
            unknown = np.flatnonzero([name not in self.categories for name in found])
        if not len(unknown):
            return np.array(found, np.int64)
        row = int(unknown[0])
        listed = ", ".join(f"{i} ({c.get('name')})" for i, c in self.categories.items())
        raise DataError(
            f"{self.entry(row)}: category_id {names_of(found)[row]!r} is not among 'categories', "
            f"which are {listed}; give it the id of its category"
        )


def image_size(image: dict[str, Any]) -> Size | None:
    """Width and height in px of an entry of `images`, if the file gives them."""
    return (image["width"], image["height"]) if "width" in image else None


def read_coco(
    paths: Sequence[Path], file_names: str | None = None, whole: bool = False
) -> CocoFile:
    """The annotation files `paths`, of which only images whose names fit the pattern `file_names`.

    Ids stay as they are if they are whole numbers and occur once, else they are counted from 1.

    Args:
        whole: keep the content of each annotation, not only what a data set needs of it.
    """
    reader = Reader(whole)
    digests: list[str] = []
    images: list[tuple[int, ImageBlock]] = []
    annotations: list[Annotations] = []
    categories: dict[int, dict[str, Any]] = {}
    for number, path in enumerate(paths):
        part = _read_part(path, number, reader)
        digests.append(part.digest)
        images += [(number, block) for block in part.images]
        annotations += part.annotations
        _add_categories(categories, path, part)
    faults: list[Fault] = []
    where = ", ".join(map(str, paths))
    table = images_of(paths, images, faults, where)
    rows = join(annotations)
    ids = whole_ids("annotation", rows.source_ids, 0, faults, where)
    image_rows = table.find_all(rows.files, rows.source_image_ids)
    file = CocoFile(paths, digests, table, rows, ids, image_rows, categories, [], faults)
    lost = np.flatnonzero(image_rows < 0)
    if len(lost):
        raise _no_such_image(file, int(lost[0]))
    rows.source_image_ids = np.zeros(0, np.int64)
    return file if file_names is None else _chosen(file, file_names)


@dataclass
class _Part:
    """One file."""

    digest: str = ""
    images: list[ImageBlock] = field(default_factory=list)
    annotations: list[Annotations] = field(default_factory=list)
    categories: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, entries: list[dict[str, Any]], file: int, reader: Reader) -> None:
        """Some entries of the list `name`."""
        if name == "images":
            self.images.append(image_block(entries))
        elif name == "annotations":
            number = sum(map(len, self.annotations)) + 1
            self.annotations.append(reader.read(entries, file, number))
        else:
            self.categories += entries


def _read_part(path: Path, number: int, reader: Reader) -> _Part:
    """The file `path`, the one of that `number`, some entries at a time or, where it is odd, whole.

    Raises:
        DataError: it is no COCO file.
    """
    part, stream, width = _Part(), CocoStream(path), reader.width
    try:
        for name, entries in stream:
            part.add(name, entries, number, reader)
        if part.images and part.annotations:
            part.digest = stream.digest()
            return part
    except UnusualError:
        pass
    reader.width = width
    content, digest = read_coco_json(path)
    part = _Part(digest)
    for name in LISTS:
        for start in range(0, len(content[name]), _TOGETHER):
            part.add(name, content[name][start : start + _TOGETHER], number, reader)
    return part


def _add_categories(categories: dict[int, dict[str, Any]], path: Path, part: _Part) -> None:
    """The categories of one file; where it lists none, those that its annotations name."""
    entries = part.categories
    if not entries:
        column = join_ids([block.category_ids for block in part.annotations])
        names = names_of(column)
        place = next((place for place, name in enumerate(names) if not is_whole(name)), -1)
        if place >= 0:
            ids = names_of(join_ids([block.source_ids for block in part.annotations]))
            named = Entry({}, 0, 0, path, ids[place], place + 1)
            raise DataError(
                f"{named}: category_id is {names[place]!r:.60}, expected a whole number"
            )
        entries = [{"id": name, "name": "animal"} for name in dict.fromkeys(names)]
    for entry in entries:
        number = entry.get("id")
        if not is_whole(number):
            raise DataError(f"{path}: category id {number!r} must be a whole number")
        known = categories.setdefault(number, entry)
        if (known.get("name"), known.get("keypoints")) != (
            entry.get("name"),
            entry.get("keypoints"),
        ):
            raise DataError(
                f"{path}: category {number} is {entry.get('name')!r}, with other keypoints or "
                f"another name than {known.get('name')!r}, which it is before; make the two agree"
            )


def _chosen(file: CocoFile, pattern: str) -> CocoFile:
    """Only what belongs to images whose names fit `pattern`."""
    images = file.images
    rows = images.like(pattern)
    if not len(rows):
        raise DataError(
            f"{file.paths[0]}: no file_name fits {pattern!r} of file_names; one is "
            f"{images.name(0)!r}"
        )
    new = np.full(len(images), -1)
    new[rows] = np.arange(len(rows))
    kept = np.flatnonzero(new[file.image_rows] >= 0)
    note = f"{len(rows)} of {len(images)} images have names like {pattern!r}"
    return CocoFile(
        file.paths,
        file.digests,
        images.take(rows),
        file.annotations.take(kept),
        file.ids[kept],
        new[file.image_rows[kept]],
        file.categories,
        [note],
        file.faults,
    )


def _no_such_image(file: CocoFile, row: int) -> DataError:
    """The error on an annotation whose image is not in its file."""
    table = file.annotations
    number, wanted = int(table.files[row]), names_of(table.source_image_ids)[row]
    known = [name for name in file.images.source_ids_of(number) if str(name) == str(wanted)]
    hint = "add the image or remove the annotation"
    if known:
        hint = f"there is {known[0]!r}: write both as numbers, or both as strings"
    return DataError(f"{file.entry(row)}: image_id {wanted!r} is not among 'images'; {hint}")
