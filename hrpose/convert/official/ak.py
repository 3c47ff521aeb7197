"""Animal Kingdom's pose labels as they are published: ak_P1/train.json and so on, and images.

https://sutdcv.github.io/Animal-Kingdom . Each file is a list in the form of MPII (joints,
joints_vis, image); MMPose's COCO files of the same names are read as well. Boxes are made as
MMPose's are: what the joints span, half a pixel less on each side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hrpose.convert.find import ImageFinder, folder_of
from hrpose.convert.foreign_coco import ForeignCoco
from hrpose.convert.formats import ReadOptions, not_it, shown
from hrpose.convert.images import require_images, size_of
from hrpose.convert.label_set import LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.official.joined import joined
from hrpose.convert.official.names import ANIMAL_KINGDOM
from hrpose.convert.text_files import number, read_json_of
from hrpose.errors import DataError

_EXPECTED = "Animal Kingdom's ak_P1/train.json and so on"
_ADVICE = "unpack its pose estimation archive (annotation and dataset) and name the folder"


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels of all protocols in the folder `source`; a part is, say, ak_P1/train.

    Raises:
        DataError: it is not that release, or images are missing.
    """
    paths = sorted(
        path
        for path in source.rglob("ak_P*/*.json")
        if path.stem in ("train", "test") and path.is_file()
    )
    if not paths:
        raise not_it(source, "no such file", _EXPECTED, _ADVICE)
    finder = ImageFinder([options.images or source])
    return joined({f"{path.parent.name}/{path.stem}": _read(path, finder) for path in paths})


def _read(path: Path, finder: ImageFinder) -> LabelSet:
    content = read_json_of(path, _EXPECTED, _ADVICE)
    if isinstance(content, dict):
        return ForeignCoco(path, _EXPECTED, _ADVICE, ANIMAL_KINGDOM).labels(finder)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise not_it(path, f"a {type(content).__name__}", _EXPECTED, _ADVICE)
    names = list(dict.fromkeys(_image_name(row, path) for row in content))
    found = {name: finder.find(name) for name in names}
    files = require_images(found, path, finder.folders)
    images = [
        LabelledImage(name, file, size_of(file), folder_of(name)) for name, file in files.items()
    ]
    kinds = list(dict.fromkeys(map(_kind, content)))
    places = {name: place for place, name in enumerate(names)}
    animals = [
        _animal(row, places[row["image"]], kinds.index(_kind(row)), f"{path}: entry {place}")
        for place, row in enumerate(content)
    ]
    seen = [animal for animal in animals if animal.box is not None]
    lost = len(animals) - len(seen)
    notes = (
        [f"{path.parent.name}/{path.stem}: {lost} animals without a box left out"] if lost else []
    )
    categories = [ANIMAL_KINGDOM.category(kind) for kind in kinds]
    return LabelSet(categories, images, seen, [path], notes=notes)


def _image_name(row: dict[str, Any], path: Path) -> str:
    name = row.get("image")
    if not isinstance(name, str):
        raise not_it(path, f"an entry with {', '.join(list(row)[:4])}", _EXPECTED, _ADVICE)
    return name


def _kind(row: dict[str, Any]) -> str:
    return str(row.get("animal_parent_class", "animal"))


def _animal(row: dict[str, Any], image: int, kind: int, at: str) -> LabelledAnimal:
    joints, seen = row.get("joints"), row.get("joints_vis")
    count = len(ANIMAL_KINGDOM.names)
    for what, values in (("joints", joints), ("joints_vis", seen)):
        if not isinstance(values, list) or len(values) != count:
            raise DataError(f"{at}: found {what} {shown(values)}; expected {count}")
    assert isinstance(joints, list) and isinstance(seen, list)
    visible = np.array([2 if number(value, at) > 0 else 0 for value in seen])
    if not all(isinstance(joint, list) and len(joint) == 2 for joint in joints):
        raise DataError(f"{at}: found joints {shown(joints)}; expected pairs x, y")
    points = np.array([[number(value, at) for value in joint] for joint in joints])
    keypoints = np.where(visible[:, None] > 0, points, np.nan)
    box = None
    if visible.any():
        low, high = np.nanmin(keypoints, axis=0), np.nanmax(keypoints, axis=0)
        (x, y), (width, height) = low + 0.5, high - low - 1
        if min(width, height) > 0:
            box = (float(x), float(y), float(width), float(height))
    return LabelledAnimal(image, kind, keypoints, visible, box)
