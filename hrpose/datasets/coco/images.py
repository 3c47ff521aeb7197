"""The images of annotation files, as columns: a dict for each would take ten times the memory.

Legend: M images, W, H width and height in px.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.datasets.coco.ids import Ids, first_repeated, ids_of, join_ids, names_of, whole_ids
from hrpose.datasets.coco.names import is_plain, safe_name
from hrpose.datasets.faults.fault import Fault, Place
from hrpose.datasets.faults.kinds import fault
from hrpose.errors import DataError

Size = tuple[float, float]
MOST = 2**31
"""px; no image is as wide or high."""


@dataclass
class ImageBlock:
    """Some images of one file, as they stand there."""

    ids: Ids
    names: list[Any]
    sizes: np.ndarray
    """(M, 2) float64; NaN where there is none."""
    odd: dict[int, tuple[Any, Any]]
    """By row, width and height of those whose name or size is to be looked at."""


def image_block(entries: Sequence[dict[str, Any]]) -> ImageBlock:
    """The columns of some `entries` of a list of images."""
    names = [one["file_name"] if "file_name" in one else one.get("filename") for one in entries]
    widths, heights = ([entry.get(key) for entry in entries] for key in ("width", "height"))
    lengths: list[Any] = widths + heights
    sizes = np.full((len(entries), 2), np.nan)
    odd = [False] * len(entries)
    if set(map(type, lengths)) == {int} and 0 < min(lengths) <= max(lengths) < MOST:
        sizes[:] = np.array([widths, heights]).T
    else:
        odd = [size != (None, None) for size in zip(widths, heights, strict=True)]
    rows = [row for row, name in enumerate(names) if odd[row] or not is_plain(name)]
    ids = ids_of([entry.get("id") for entry in entries])
    return ImageBlock(ids, names, sizes, {row: (widths[row], heights[row]) for row in rows})


class Images(Mapping[int, dict[str, Any]]):
    """By id, in the order of the files: id, file_name, file, the number of its file, where they are
    given width and height, and source_id, the id in the file, where that is another.

    Args:
        ids: (M,) int64, each once.
        files: (M,) number of the file.
        sizes: (M, 2) float64 W, H; NaN where not known.
        source_ids: (M,) the ids in the files.
        odd_sizes: by row, those that are not whole numbers.
    """

    def __init__(
        self,
        ids: np.ndarray,
        files: np.ndarray,
        names: Sequence[str],
        sizes: np.ndarray,
        source_ids: Ids,
        odd_sizes: Mapping[int, Size],
    ) -> None:
        self.ids, self._files, self.sizes = ids, files, sizes
        self._source_ids = ids if source_ids is ids else source_ids
        self._odd_sizes = dict(odd_sizes)
        self.text = "".join(names)  # one text: so many would be 60 bytes each
        self._ends = np.fromiter(accumulate(map(len, names), initial=0), np.int64, len(names) + 1)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def __getitem__(self, image_id: int) -> dict[str, Any]:
        return self.entry(self.row(image_id))

    def entry(self, row: int) -> dict[str, Any]:
        """The image of a row."""
        image_id, source_id = int(self.ids[row]), self.source_id(row)
        image: dict[str, Any] = {
            "id": image_id, "file_name": self.name(row), "file": int(self._files[row])
        }  # fmt: skip
        if source_id != image_id:
            image["source_id"] = source_id
        size = self.size(row)
        if size is not None:
            image["width"], image["height"] = size
        return image

    def row(self, image_id: int) -> int:
        """Its place in the columns.

        Raises:
            KeyError: there is no such image.
        """
        order, ordered = self._ordered
        place = int(np.searchsorted(ordered, image_id))
        if place == len(ordered) or ordered[place] != image_id:
            raise KeyError(image_id)
        return place if order is None else int(order[place])

    def rows(self, image_ids: np.ndarray) -> np.ndarray:
        """The places of images that there are."""
        order, ordered = self._ordered
        places = np.searchsorted(ordered, image_ids)
        return places if order is None else order[places]

    def name(self, row: int) -> str:
        """Its file name."""
        return self.text[self._ends[row] : self._ends[row + 1]]

    def names(self) -> Iterator[str]:
        """All file names, in order."""
        return map(self.name, range(len(self)))

    def file(self, row: int) -> int:
        """The number of the file that it is in."""
        return int(self._files[row])

    def source_id(self, row: int) -> Hashable:
        """Its id in the file."""
        found = self._source_ids[row]
        return int(found) if isinstance(self._source_ids, np.ndarray) else found

    def size(self, row: int) -> Size | None:
        """W, H as the file gives them, if it does."""
        if row in self._odd_sizes:
            return self._odd_sizes[row]
        width, height = self.sizes[row].tolist()
        return None if width != width else (int(width), int(height))

    def source_ids_of(self, file: int) -> list[Hashable]:
        """The ids of the images of one file, as they stand there."""
        return [self.source_id(row) for row in np.flatnonzero(self._files == file).tolist()]

    def find(self, file: int, source_id: Hashable) -> int | None:
        """The id here of what is called `source_id` in the file of that number."""
        return self._by_source.get((file, source_id))

    def find_all(self, files: np.ndarray, source_ids: Ids) -> np.ndarray:
        """(N,) the rows of what is called so in these files; -1 where there is no such image."""
        if isinstance(source_ids, np.ndarray) and self._source_ids is self.ids:
            order, ordered = self._ordered
            places = np.minimum(np.searchsorted(ordered, source_ids), len(ordered) - 1)
            rows = places if order is None else order[places]
            return np.where((self.ids[rows] == source_ids) & (self._files[rows] == files), rows, -1)
        pairs = zip(files.tolist(), names_of(source_ids), strict=True)
        found = [self._by_source.get(pair) for pair in pairs]
        return np.array([-1 if one is None else self.row(one) for one in found], np.int64)

    def take(self, rows: np.ndarray) -> Images:
        """Some of them, in the order of `rows`."""
        chosen = rows.tolist()
        odd = {
            new: self._odd_sizes[row] for new, row in enumerate(chosen) if row in self._odd_sizes
        }
        ids, names = self.ids[rows], [self.name(row) for row in chosen]
        source_ids = [self.source_id(row) for row in chosen]
        return Images(ids, self._files[rows], names, self.sizes[rows], source_ids, odd)

    def like(self, pattern: str) -> np.ndarray:
        """Rows of those whose names fit `pattern`."""
        fits = (fnmatchcase(name, pattern) for name in self.names())
        return np.flatnonzero(np.fromiter(fits, bool, len(self)))

    def under_several_ids(self) -> list[list[int]]:
        """The ids of each image file that has more than one."""
        names = list(self.names())
        if len(set(names)) == len(names):
            return []
        ids: dict[tuple[int, str], list[int]] = {}
        for image_id, number, name in zip(self, self._files.tolist(), names, strict=True):
            ids.setdefault((number, name), []).append(image_id)
        return [several for several in ids.values() if len(several) > 1]

    @cached_property
    def _ordered(self) -> tuple[np.ndarray | None, np.ndarray]:
        """Rows by id, None where they are so already, and the ids in order."""
        if (self.ids[1:] > self.ids[:-1]).all():
            return None, self.ids
        order = np.argsort(self.ids)
        return order, self.ids[order]

    @cached_property
    def _by_source(self) -> dict[tuple[int, Hashable], int]:
        pairs = zip(self._files.tolist(), names_of(self._source_ids), strict=True)
        return dict(zip(pairs, self.ids.tolist(), strict=True))


def images_of(
    paths: Sequence[Path],
    blocks: list[tuple[int, ImageBlock]],
    faults: list[Fault],
    where: str,
) -> Images:
    """The images of all files, each looked at that is not plainly as it should be."""
    source_ids = join_ids([block.ids for _, block in blocks])
    ids = whole_ids("image", source_ids, -(2**63) + 1, faults, where)
    files = np.repeat([number for number, _ in blocks], [len(block.names) for _, block in blocks])
    names = [name for _, block in blocks for name in block.names]
    sizes = np.concatenate([block.sizes for _, block in blocks])
    twice = len(ids)
    if ids is not source_ids:
        pairs: list[Hashable] = [*zip(files.tolist(), names_of(source_ids), strict=True)]
        twice = first_repeated(pairs)
    odd_sizes: dict[int, Size] = {}
    start = 0
    for number, block in blocks:
        for place, (width, height) in block.odd.items():
            row, path = start + place, paths[number]
            if row >= twice:
                break
            source_id = names_of(block.ids)[place]
            names[row] = safe_name(path, source_id, names[row])
            if width and height:
                if not (_is_length(width) and _is_length(height)):
                    raise DataError(
                        f"{path}: image {source_id!r}: width {width!r} and height {height!r} must "
                        "be numbers of px, above 0"
                    )
                sizes[row] = width, height
                if not type(width) is type(height) is int:
                    odd_sizes[row] = width, height
        start += len(block.names)
    if twice < len(ids):
        number, source_id = files[twice], names_of(source_ids)[twice]
        raise DataError(f"{paths[number]}: image id {source_id!r} occurs twice; give each its own")
    images = Images(ids, files, names, sizes, source_ids, odd_sizes)
    if "\\" in images.text:
        _say_backslashes(images, faults, where)
    return images


def _say_backslashes(images: Images, faults: list[Fault], where: str) -> None:
    """Name the images whose names hold backslashes: see `names.image_path`."""
    named = [row for row, name in enumerate(images.names()) if "\\" in name]
    what = f"{len(named)} file names with backslashes, read as '/' unless a file is called so"
    places = [Place(images.source_id(row)) for row in named]
    faults.append(fault("backslashes", what, where, places))


def _is_length(value: Any) -> bool:
    """Whether a width or height can be one, in px."""
    return isinstance(value, (int, float)) and 0 < value < MOST
