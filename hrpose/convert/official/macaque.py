"""MacaquePose as it is published: annotations.csv, with JSON in its cells, and a folder of images.

http://www.pri.kyoto-u.ac.jp/datasets/macaquepose/index.html . Boxes, areas and the split are made
as MMPose's published files have them, so that the pages and the published checkpoints fit.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.convert.find import ImageFinder
from hrpose.convert.formats import ReadOptions, not_it, shown
from hrpose.convert.images import require_images, size_of
from hrpose.convert.label_set import LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.official.names import MACAQUE
from hrpose.convert.official.parts import drawn_parts, listed_parts
from hrpose.convert.split import Parts
from hrpose.convert.text_files import numbers, objects
from hrpose.errors import DataError

_EXPECTED = "MacaquePose's annotations.csv: image, keypoints and segmentation, the last two JSON"
_ADVICE = "unpack macaquepose_v1 and name its folder"
TRAIN, TEST = "macaque_train", "macaque_test"
_IMAGES, _TRAINING, _TRAINING_ANIMALS = 13_083, 12_500, 15_672
"""What MMPose's script says of its split: images, those to train with, and animals in them."""


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels of the release in the folder `source`.

    The split is that of macaque_train and macaque_test (.json of MMPose, or .txt) below `source`,
    else the one that MMPose's script draws, if this is the release that it was written for, else
    one that is drawn here.

    Raises:
        DataError: it is not that release, or images are missing.
    """
    table = _table(source)
    rows = _rows(table)
    root = source if source.is_dir() else source.parent
    finder = ImageFinder([options.images or table.parent, root])
    found = {row[0]: finder.find(row[0]) for row in rows}
    files = require_images(found, table, finder.folders)
    images: list[LabelledImage] = []
    animals: list[LabelledAnimal] = []
    for place, (name, *cells) in enumerate(rows):
        images.append(LabelledImage(name, files[name], size_of(files[name]), name))
        keypoints, segments = (_json(cell, f"{table}: {name}") for cell in cells)
        if len(keypoints) != len(segments):
            raise DataError(
                f"{table}: {name}: keypoints of {len(keypoints)} monkeys and outlines of "
                f"{len(segments)}"
            )
        for animal, segment in zip(keypoints, segments, strict=True):
            animals.append(_animal(place, animal, segment, f"{table}: {name}"))
    split, note = _split(root, [row[0] for row in rows], [animal.image for animal in animals])
    return LabelSet([MACAQUE.category("macaque")], images, animals, [table], split, [note])


def _table(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(source.rglob("annotations.csv"))
    if len(found) != 1:
        raise not_it(source, f"{len(found)} annotations.csv", f"one, {_EXPECTED}", _ADVICE)
    return found[0]


def _rows(table: Path) -> list[list[str]]:
    """Image, keypoints and outlines of each row below the header."""
    csv.field_size_limit(sys.maxsize)  # an outline may have many corners
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise not_it(table, f"no CSV ({problem})", _EXPECTED, _ADVICE) from None
    if len(lines) < 2 or any(len(line) != 3 for line in lines):
        widths = sorted({len(line) for line in lines})
        raise not_it(table, f"{len(lines)} rows of {widths} cells", _EXPECTED, _ADVICE)
    return lines[1:]


def _json(cell: str, at: str) -> list[Any]:
    try:
        content = json.loads(cell)
    except ValueError as problem:
        raise DataError(f"{at}: a cell is not JSON ({problem}); {_ADVICE}") from None
    if not isinstance(content, list):
        raise DataError(f"{at}: found {shown(content)}; expected a list with an entry a monkey")
    return content


def _animal(image: int, points: Any, segments: Any, at: str) -> LabelledAnimal:
    keypoints = np.full((len(MACAQUE.names), 2), np.nan)
    if not isinstance(points, list) or len(points) != len(keypoints):
        raise DataError(f"{at}: found {shown(points)}; expected {len(MACAQUE.names)} keypoints")
    for row, point in enumerate(objects(points, at)):
        _check_name(point.get("name"), row, at)
        if point.get("position") is not None:
            keypoints[row] = numbers(point["position"], 2, at)
    outline = _outline(segments, at)
    low, high = outline.min(axis=0), outline.max(axis=0)
    (x, y), (width, height) = low, high - low + 1  # one px wider than its corners, as MMPose's
    return LabelledAnimal(
        image,
        0,
        keypoints,
        np.where(np.isnan(keypoints[:, 0]), 0, 2),
        box=(float(x), float(y), float(width), float(height)),
        area=_area(outline),
    )


def _check_name(name: Any, row: int, at: str) -> None:
    """The place of a keypoint says which it is; a name that says otherwise is an error."""
    said = re.sub(r"[^a-z]+", "_", str(name).lower()).strip("_")
    if said in MACAQUE.names and said != MACAQUE.names[row]:
        raise DataError(f"{at}: keypoint {row + 1} is {name!r}; expected {MACAQUE.names[row]!r}")


def _outline(segments: Any, at: str) -> np.ndarray:
    """Corners (N, 2) of the first outline of a monkey, which is the one that MMPose takes."""
    try:
        outline = np.array(segments[0]["segment"], float).reshape(-1, 2)
    except (TypeError, KeyError, ValueError, IndexError):
        outline = np.zeros((0, 2))
    if not len(outline) or not np.isfinite(outline).all():
        raise DataError(f"{at}: found outline {shown(segments)}; expected corners x, y")
    return outline


def _area(outline: np.ndarray) -> float:
    """Square px within the corners (N, 2), by the shoelace formula."""
    x, y = outline.T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)


def _split(root: Path, names: Sequence[str], animals: Sequence[int]) -> tuple[Parts, str]:
    """The images of each part, and where that is from.

    Args:
        animals: for each animal the place of its image.
    """
    said = listed_parts(root, names, (TRAIN, TEST))
    if said is not None:
        return said, f"split as {TRAIN} and {TEST} below {root.name} say"
    if len(names) == _IMAGES:
        parts = mmpose_parts(len(names))
        training = set(parts[TRAIN])
        count = sum(image in training for image in animals)
        if count == _TRAINING_ANIMALS:
            return parts, (
                f"split as MMPose's script draws it: {_TRAINING:,} images to train with, and "
                f"{count:,} animals in them, which is the number that the script names. That it is "
                "the split of the published table was not checked with MMPose's own files"
            )
    return drawn_parts(names, {TRAIN: _TRAINING / _IMAGES, TEST: 1 - _TRAINING / _IMAGES}), (
        f"WARNING: the split is drawn here and is not the published table's. For that put MMPose's "
        f"{TRAIN}.json and {TEST}.json (or lists, .txt) below the source"
    )


def mmpose_parts(count: int) -> Parts:
    """Rows of annotations.csv as MMPose's script shuffles them: NumPy's first generator, seed 0."""
    order = list(range(count))
    np.random.RandomState(0).shuffle(order)
    return {TRAIN: sorted(order[:_TRAINING]), TEST: sorted(order[_TRAINING:])}
