"""ATRW's pose labels as they are published: keypoint_train.json and keypoint_val.json, and images.

https://cvwc2019.github.io/challenge.html . The pages read these files as they are; converted, all
images are below one folder, and names are COCO's (`file_name`, where the files say `filename`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrpose.convert.find import ImageFinder
from hrpose.convert.foreign_coco import ForeignCoco
from hrpose.convert.formats import ReadOptions, not_it
from hrpose.convert.label_set import LabelSet
from hrpose.convert.official.joined import joined
from hrpose.convert.official.names import ATRW
from hrpose.errors import DataError

_EXPECTED = "ATRW's keypoint_train.json and keypoint_val.json"
_ADVICE = "unpack ATRW's pose annotations and images, and name their folder"
PARTS = ("keypoint_train", "keypoint_val")


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels of the release in the folder `source`, and its split.

    Raises:
        DataError: it is not that release, or images are missing.
    """
    found = {part: sorted(source.rglob(f"{part}.json")) for part in PARTS}
    missing = [part for part, paths in found.items() if len(paths) != 1]
    if missing:
        count = len(found[missing[0]])
        raise not_it(source, f"{count} {missing[0]}.json", _EXPECTED, _ADVICE)
    sets = {}
    for part, (path,) in found.items():
        file = ForeignCoco(path, _EXPECTED, _ADVICE, ATRW)
        folders = [options.images or source]
        sets[part] = file.labels(ImageFinder(folders), _file_name, _file_name)
    labels = joined(sets)
    labels.notes.append(
        "all images are in images/: on the ATRW pages set img_root='images' of train, val and test"
    )
    return labels


def _file_name(row: dict[str, Any]) -> str:
    name = row.get("filename", row.get("file_name"))
    if not isinstance(name, str):
        raise DataError(f"ATRW: image {row.get('id')} has neither filename nor file_name")
    return name
