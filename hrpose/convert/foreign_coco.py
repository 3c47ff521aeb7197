"""COCO keypoint files that other programs and data sets come in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.convert.find import ImageFinder, folder_of
from hrpose.convert.formats import not_it, shown
from hrpose.convert.images import check_size, require_images, size_of
from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.official.names import Keypoints
from hrpose.convert.text_files import id_of, number, numbers, read_json_of
from hrpose.errors import DataError

Row = dict[str, Any]


class ForeignCoco:
    """The three lists of a COCO file, looked at; and what they say as a `LabelSet`.

    Args:
        expected, advice: for the one line about a file that is none.
        meta: keypoints to take in the place of those of the file, one for one.
        official: what the file calls them; the names of `meta` by default.

    Raises:
        DataError: it is no COCO file of keypoints, or of others than `meta` says.
    """

    def __init__(
        self,
        path: Path,
        expected: str,
        advice: str,
        meta: Keypoints | None = None,
        official: Sequence[str] = (),
    ) -> None:
        self.path = path
        wanted = f"COCO keypoints, {expected}"
        content = read_json_of(path, wanted, advice)
        parts = []
        for key in ("images", "annotations", "categories"):
            part = content.get(key) if isinstance(content, dict) else None
            if part is None:
                raise not_it(path, f"a {type(content).__name__} without {key}", wanted, advice)
            if not isinstance(part, list) or not all(isinstance(row, dict) for row in part):
                raise not_it(path, f"{key} that are no list of objects", wanted, advice)
            parts.append(part)
        self.images, self.annotations, rows = parts
        self.categories = {
            id_of(row.get("id"), f"{path}: category"): self._category(row, meta, tuple(official))
            for row in rows
            if isinstance(row.get("keypoints"), list) and row["keypoints"]
        }
        if not self.categories:
            raise not_it(path, "categories without keypoints", wanted, advice)

    def _category(self, row: Row, meta: Keypoints | None, official: tuple[str, ...]) -> Category:
        name = str(row.get("name"))
        own = [str(keypoint).strip() for keypoint in row["keypoints"]]
        if meta is not None:
            if tuple(own) not in (meta.names, official):
                raise DataError(
                    f"{self.path}: keypoints of {name!r} are {', '.join(own)}; expected "
                    f"{', '.join(official or meta.names)}"
                )
            return meta.category(name)
        skeleton = row.get("skeleton") or []
        try:
            ends = [(own[int(start) - 1], own[int(end) - 1]) for start, end in skeleton]
        except (TypeError, ValueError, IndexError, OverflowError):
            raise DataError(
                f"{self.path}: category {name!r}: skeleton {shown(skeleton)} does not fit its "
                f"{len(own)} keypoints, counted from 1"
            ) from None
        return Category(name, tuple(own), tuple(ends))

    def labels(
        self,
        finder: ImageFinder,
        name_of: Callable[[Row], str] | None = None,
        group_of: Callable[[Row], str] | None = None,
    ) -> LabelSet:
        """What the file says; its ids go to `source_id`.

        Args:
            name_of: the name of an image, `file_name` by default.
            group_of: what an image belongs to, the folder of its name by default.

        Raises:
            DataError: an entry is wrong, or images are missing.
        """
        names = {
            id_of(row.get("id"), f"{self.path}: image"): (name_of or self.file_name)(row)
            for row in self.images
        }
        found = {name: finder.find(name) for name in names.values()}
        files = require_images(found, self.path, finder.folders)
        for row in self.annotations:
            for key in ("id", "image_id", "category_id"):
                id_of(row.get(key), f"{self.path}: annotation {row.get('id')}: {key}")
        used = list(dict.fromkeys(row.get("category_id") for row in self.annotations))
        unknown = [number_of for number_of in used if number_of not in self.categories]
        if unknown:
            raise DataError(
                f"{self.path}: category_id {shown(unknown[0])} is no category with keypoints"
            )
        places = {key: place for place, key in enumerate(names)}
        images = []
        for row in self.images:
            name = names[row.get("id")]
            group = group_of(row) if group_of else folder_of(name)
            images.append(self._image(row, name, files[name], group))
        animals = [self._animal(row, places, used) for row in self.annotations]
        kinds = [self.categories[key] for key in used]
        return LabelSet(kinds, images, animals, [self.path])

    def file_name(self, row: Row) -> str:
        """`file_name` of an image; DataError if there is none."""
        name = row.get("file_name")
        if not isinstance(name, str) or not name:
            raise DataError(f"{self.path}: image {row.get('id')}: no file_name")
        return name.replace("\\", "/")

    def _image(self, row: Row, name: str, file: Path, group: str) -> LabelledImage:
        size = size_of(file)
        where = f"{self.path}: image {row.get('id')} ({name}): labelled in"
        check_size(where, str(file), (row.get("width"), row.get("height")), size)
        return LabelledImage(name, file, size, group, row.get("id"))

    def _animal(self, row: Row, places: Mapping[Any, int], used: list[Any]) -> LabelledAnimal:
        at = f"{self.path}: annotation {row.get('id')}"
        if row.get("image_id") not in places:
            raise DataError(f"{at}: image_id {shown(row.get('image_id'))} is no image of the file")
        keypoints, visible = points_of(
            row.get("keypoints"), len(self.categories[row["category_id"]].keypoints), at
        )
        box = row.get("bbox")
        attributes = row.get("attributes")
        track = attributes.get("track_id") if isinstance(attributes, dict) else None
        area = row.get("area")
        x, y, width, height = numbers(box or [0, 0, 0, 0], 4, f"{at}: bbox")
        return LabelledAnimal(
            places[row["image_id"]],
            used.index(row["category_id"]),
            keypoints,
            visible,
            box=(x, y, width, height) if box else None,
            area=None if area is None else number(area, f"{at}: area"),
            individual=None if track is None else str(track),
            source_id=row.get("id"),
        )


def points_of(values: Any, count: int, at: str) -> tuple[np.ndarray, np.ndarray]:
    """(K, 2) and (K,) of COCO's list x, y, v, ...; points of v 0 are NaN.

    Raises:
        DataError: they are not 3 x `count` finite numbers with v 0, 1 or 2.
    """
    if not isinstance(values, list) or len(values) != 3 * count:
        found = len(values) if isinstance(values, list) else shown(values)
        raise DataError(f"{at}: found {found} numbers of keypoints; expected 3 x {count}")
    rows = np.array([number(value, f"{at}: keypoints") for value in values]).reshape(count, 3)
    visible = rows[:, 2].astype(int)
    if not np.isin(rows[:, 2], (0, 1, 2)).all():
        raise DataError(f"{at}: found a visibility that is not 0, 1 or 2")
    return np.where(visible[:, None] > 0, rows[:, :2], np.nan), visible
