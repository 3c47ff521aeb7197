"""Labels for YOLO pose of Ultralytics: a YAML file, images, and one text file of labels an image.

Each line is an animal: class, box (centre, width, height), then x, y or x, y, visibility of each
keypoint, all as fractions of the image. Format: https://docs.ultralytics.com/datasets/pose
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.convert.find import folder_of
from hrpose.convert.formats import ReadOptions, not_it, shown
from hrpose.convert.images import SUFFIXES, size_of
from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.text_files import number, one_file, read_yaml_of
from hrpose.errors import DataError

_EXPECTED = "a pose data set of Ultralytics with kpt_shape, names, train and val"
_ADVICE = "choose YOLO pose (not detection) where it was exported, or name its .yaml"
_PARTS = ("train", "val", "test")
_BEYOND = 1.01
"""Most that a fraction may be: Ultralytics itself leaves out files with larger ones."""


@dataclass(frozen=True)
class _Sheet:
    """What the YAML file says: keypoints, numbers of each (2 or 3), categories by class."""

    path: Path
    width: int
    categories: dict[int, Category]


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels of the data set whose YAML file is `source`, or the only one in that folder.

    Raises:
        DataError: it is none, or a line of labels is wrong.
    """
    path = one_file(source, "*.y*ml", _EXPECTED, _ADVICE)
    content = read_yaml_of(path, _EXPECTED, _ADVICE)
    sheet = _sheet(path, content)
    root = _root(path, content, options)
    images: list[LabelledImage] = []
    animals: list[LabelledAnimal] = []
    split: dict[str, list[int]] = {}
    told: Counter[str] = Counter()
    kinds = list(sheet.categories)
    known: dict[Path, int] = {}
    for part in _PARTS:
        for image in _images(path, root, content.get(part), part):
            split.setdefault(part, []).append(known.setdefault(image, len(images)))
            if known[image] < len(images):  # it is in another part, too
                continue
            size = size_of(image)
            rows = _rows(sheet, image, size, told)
            animals += [
                LabelledAnimal(len(images), kinds.index(kind), points, visible, box)
                for kind, points, visible, box in rows
            ]
            name = image.relative_to(root) if image.is_relative_to(root) else Path(part, image.name)
            plain = Path(*[word for word in name.parts if word != "images"]).as_posix()
            images.append(LabelledImage(plain, image, size, folder_of(plain)))
    notes = [f"{count} {what}" for what, count in told.items()]
    return LabelSet(list(sheet.categories.values()), images, animals, [path], split, notes)


def _sheet(path: Path, content: dict[str, Any]) -> _Sheet:
    shape = content.get("kpt_shape")
    if not (isinstance(shape, list) and len(shape) == 2 and shape[1] in (2, 3)):
        found = "no kpt_shape" if shape is None else f"kpt_shape {shown(shape)}"
        raise not_it(path, found, "kpt_shape: [K, 2 or 3]", _ADVICE)
    count = int(number(shape[0], f"{path}: kpt_shape"))
    names = content.get("names")
    classes = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(classes, dict) or not classes:
        raise not_it(path, f"names {shown(names)}", "names of the classes", _ADVICE)
    own = content.get("kpt_names") or {}
    if not all(isinstance(key, int) for key in classes) or not isinstance(own, dict):
        found = f"names {shown(names)} and kpt_names {shown(own)}"
        raise not_it(path, found, "both by the numbers of the classes", _ADVICE)
    points = {
        key: [str(name) for name in own[key]]
        if isinstance(own.get(key), list)
        else [f"point{place}" for place in range(1, count + 1)]
        for key in classes
    }
    wrong = [key for key, labels in points.items() if len(labels) != count]
    if wrong:
        raise DataError(
            f"{path}: kpt_names of class {wrong[0]} are {len(points[wrong[0]])}, but kpt_shape "
            f"says {count}"
        )
    flip = content.get("flip_idx") or list(range(count))
    if not isinstance(flip, list) or sorted(map(str, flip)) != sorted(map(str, range(count))):
        raise DataError(f"{path}: flip_idx {shown(flip)} is no order of 0 to {count - 1}")
    swaps = [(a, b) for a, b in enumerate(flip) if a < b]
    if any(flip[b] != a for a, b in swaps):
        raise DataError(f"{path}: flip_idx {shown(flip)} does not exchange points in pairs")
    categories = {
        key: Category(
            str(classes[key]), labels, flip_pairs=[(labels[a], labels[b]) for a, b in swaps]
        )
        for key, labels in points.items()
    }
    return _Sheet(path, int(shape[1]), categories)


def _root(path: Path, content: dict[str, Any], options: ReadOptions) -> Path:
    """The folder that `train` and `val` start from: the said one, if it is here."""
    said = options.images or (path.parent / str(content.get("path") or "."))
    return said if said.is_dir() else path.parent


def _images(path: Path, root: Path, entry: Any, part: str) -> list[Path]:
    """Image files of a part: a folder, a list of files in a .txt, or several of these."""
    if entry is None or entry == "":
        return []
    if isinstance(entry, list):
        return [image for one in entry for image in _images(path, root, one, part)]
    plain = str(entry).replace("\\", "/")
    within = plain.removeprefix("../").removeprefix("./")  # Roboflow's start one folder too high
    place = next((p for p in (root / plain, root / within) if p.exists()), None)
    if place is None:
        raise DataError(f"{path}: {part} is {plain!r}, which is not there below {root}")
    if place.is_file():
        lines = place.read_text(encoding="utf-8").splitlines()
        listed = [root / line.strip() for line in lines if line.strip()]
        missing = [image for image in listed if not image.is_file()]
        if missing:
            raise DataError(f"{place}: {len(missing)} of its images are not there: {missing[0]}")
        return listed
    return sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES)


def _rows(
    sheet: _Sheet, image: Path, size: tuple[int, int], told: Counter[str]
) -> list[tuple[int, np.ndarray, np.ndarray, tuple[float, float, float, float]]]:
    """Class, keypoints (K, 2), visibilities (K,) and box of each line of an image's labels."""
    path = _labels_of(image)
    if not path.is_file():
        told["images without a file of labels"] += 1
        return []
    rows = []
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if text.strip():
            at = f"{path}: line {line}"
            rows.append(_row(sheet, [number(word, at) for word in text.split()], size, at))
    return rows


def _labels_of(image: Path) -> Path:
    """As Ultralytics has it: the last folder `images` of the path is `labels`."""
    parts = list(image.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _row(
    sheet: _Sheet, values: list[float], size: tuple[int, int], at: str
) -> tuple[int, np.ndarray, np.ndarray, tuple[float, float, float, float]]:
    kind = int(values[0]) if values[0].is_integer() else -1
    if kind not in sheet.categories:
        raise DataError(f"{at}: class {values[0]:g} is none of {sheet.path.name}'s names")
    count = len(sheet.categories[kind].keypoints)
    wanted = 5 + count * sheet.width
    if len(values) != wanted:
        what = " (labels of detection, without keypoints)" if len(values) == 5 else ""
        raise DataError(
            f"{at}: found {len(values)} numbers{what}; expected 5 + {count} x {sheet.width} = "
            f"{wanted}, as kpt_shape of {sheet.path.name} says; {_ADVICE}"
        )
    x, y, width, height = values[1:5]
    points = np.array(values[5:]).reshape(count, sheet.width)
    visible = _visible(points, at)
    shown_points = points[visible > 0, :2]
    if max([x, y, width, height, *shown_points.ravel()]) > _BEYOND:
        raise DataError(f"{at}: found numbers above 1; expected fractions of the image's size")
    keypoints = np.where(visible[:, None] > 0, points[:, :2] * size, np.nan)
    box = ((x - width / 2) * size[0], (y - height / 2) * size[1])
    return kind, keypoints, visible, (*box, width * size[0], height * size[1])


def _visible(points: np.ndarray, at: str) -> np.ndarray:
    """(K,) of points (K, 2 or 3); without a third number 0, 0 and below means no label."""
    if points.shape[1] == 3:
        if not np.isin(points[:, 2], (0, 1, 2)).all():
            raise DataError(f"{at}: found a visibility that is not 0, 1 or 2")
        return points[:, 2].astype(int)
    labelled = (points >= 0).all(axis=1) & (points > 0).any(axis=1)
    return np.where(labelled, 2, 0)
