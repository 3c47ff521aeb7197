"""Horse-10 as it is published: a DeepLabCut project with labeled-data, and TrainTestInfo_shuffle*.

http://www.mackenziemathislab.org/horse10 ; the lists of the three splits are in
https://github.com/amathislab/Horse-10-benchmark . Boxes are made as MMPose's files have them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from hrpose.convert.formats import ReadOptions, not_it
from hrpose.convert.label_set import LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.official.names import HORSE10
from hrpose.convert.programs import deeplabcut
from hrpose.errors import DataError

_EXPECTED = "a column trainIndices, testIndices_withinDomain, testIndices_acrossDomain"
_ADVICE = "take TrainTestInfo_shuffle1.csv to 3 of Horse-10-benchmark and put them in the folder"
_COLUMNS = {
    "trainIndices": "horse10-train-split{}",
    "testIndices_withinDomain": "horse10-test-within-split{}",
    "testIndices_acrossDomain": "horse10-test-across-split{}",
}
_MARGIN = 0.2
_NOTE = (
    "which of test-within and test-across MMPose's horse10-test-split*.json were is not known: the "
    "published table was not checked with either. Choose one with data.test.ann_file"
)


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels of the release in the folder `source`, and the three official splits.

    Raises:
        DataError: it is not that release, images or lists are missing.
    """
    lists = {number: _list(source, number) for number in (1, 2, 3)}
    labels = deeplabcut.read(source, options)
    if len(labels.categories) != 1:
        raise not_it(source, f"{len(labels.categories)} kinds of animals", "horses", _ADVICE)
    own = [name.lower() for name in labels.categories[0].keypoints]
    order = [own.index(name.lower()) if name.lower() in own else -1 for name in HORSE10.names]
    if -1 in order:
        lacking = HORSE10.names[order.index(-1)]
        raise not_it(source, f"no body part {lacking}", "the 22 of Horse-10", _ADVICE)
    images = [replace(image, name=_path(image)) for image in labels.images]
    animals = [_animal(animal, images[animal.image].size, order) for animal in labels.animals]
    places = {image.name: place for place, image in enumerate(images)}
    split = {}
    for number, path in lists.items():
        for column, chosen in _columns(path).items():
            missing = [name for name in chosen if name not in places]
            if missing:
                raise DataError(
                    f"{path}: {column} names {len(missing)} images that have no labels in {source},"
                    f" the first is {missing[0]}"
                )
            split[_COLUMNS[column].format(number)] = sorted(places[name] for name in chosen)
    files = [*labels.files, *lists.values()]
    return LabelSet(
        [HORSE10.category("horse")],
        images,
        animals,
        files,
        split,
        [*labels.notes, _NOTE],
        image_folder="",
    )


def _list(source: Path, number: int) -> Path:
    name = f"TrainTestInfo_shuffle{number}.csv"
    found = sorted(source.rglob(name))
    if len(found) != 1:
        raise not_it(source, f"{len(found)} {name}", "the list of each split", _ADVICE)
    return found[0]


def _columns(path: Path) -> Mapping[str, list[str]]:
    """The images of each of the three columns, which differ in length."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as problem:
        raise not_it(path, f"no CSV ({problem})", _EXPECTED, _ADVICE) from None
    if not rows or not all(column in rows[0] for column in _COLUMNS):
        raise not_it(path, f"columns {', '.join(rows[0] if rows else [])}", _EXPECTED, _ADVICE)
    return {column: [row[column] for row in rows if row[column]] for column in _COLUMNS}


def _path(image: LabelledImage) -> str:
    """labeled-data/VIDEO/NNNN.png, as the lists and the pages call it."""
    return str(PurePosixPath("labeled-data", *PurePosixPath(image.name).parts[-2:]))


def _animal(animal: LabelledAnimal, size: tuple[int, int], order: list[int]) -> LabelledAnimal:
    keypoints, visible = animal.keypoints[order], np.asarray(animal.visible)[order]
    seen = keypoints[visible > 0]
    return replace(
        animal, category=0, keypoints=keypoints, visible=visible,
        box=box_of(seen, size) if len(seen) else None,
    )  # fmt: skip


def box_of(points: np.ndarray, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """x, y, w, h around points (N, 2) in an image of `size` (W, H), as MMPose's files have them.

    A fifth of what the points span on each side, whole px, within the image. Found with MMPose's
    three sample images, of which it gives the boxes exactly.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * (high - low)
    left, top = np.maximum(0, np.trunc(low - margin))
    right, bottom = np.minimum(np.array(size) - 1, np.trunc(high + margin))
    return float(left), float(top), float(right - left + 1), float(bottom - top + 1)
