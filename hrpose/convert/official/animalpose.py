"""Animal-Pose as it is published: XML files of its two parts, or keypoints.json of later on.

https://sites.google.com/view/animal-pose . The XML files are in PASCAL2011_animal_annotation
(images of VOC 2012) and animalpose_anno2 (animalpose_image_part2); names are MMPose's: from the
folder that holds all of these down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from hrpose.convert.find import ImageFinder
from hrpose.convert.formats import ReadOptions, not_it, shown
from hrpose.convert.images import require_images, size_of
from hrpose.convert.label_set import LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.official.names import ANIMALPOSE
from hrpose.convert.official.parts import drawn_parts, listed_parts
from hrpose.convert.split import Parts
from hrpose.convert.text_files import id_of, number, numbers, objects, read_json_of, read_xml_of
from hrpose.errors import DataError

_EXPECTED = "Animal-Pose's XML files, or its keypoints.json"
_ADVICE = "unpack its archives into one folder and name that"
TRAIN, VAL, TEST = "animalpose_train", "animalpose_val", "animalpose_test"
_VAL_SHARE = 1117 / 5117
"""Of the animals of the VOC part, in MMPose's files."""
_SECOND = "animalpose_image_part2"
_PLAIN = {re.sub(r"[^a-z]", "", own.lower()): row for row, own in enumerate(ANIMALPOSE.names)}
"""The place of each keypoint by the letters of its name."""

Found = tuple[str, np.ndarray, np.ndarray, tuple[float, float, float, float]]
"""Image, keypoints (K, 2), visibilities (K,), box."""


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels of the release in the folder `source`.

    All species are one category, as in MMPose's files: AP is a mean over categories, and would be
    another number if each species were one.

    MMPose trains and validates on images of VOC, in an order that its script takes from the file
    system: so its split is only had from its files, animalpose_train.json and animalpose_val.json,
    or lists (.txt), below `source`. Otherwise one is drawn here.

    Raises:
        DataError: it is not that release, or images are missing.
    """
    root = source if source.is_dir() else source.parent
    table = [source] if source.is_file() else sorted(source.rglob("keypoints.json"))[:1]
    paths = table or [p for p in sorted(source.rglob("*.xml")) if "VOC2012" not in p.parts]
    if not paths:
        raise not_it(source, "neither", _EXPECTED, _ADVICE)
    found = [*_of_json(table[0])] if table else [_of_xml(path) for path in paths]
    names = list(dict.fromkeys(name for name, *_ in found))
    finder = ImageFinder([options.images or root])
    files = require_images({name: finder.find(name) for name in names}, source, finder.folders)
    images = [LabelledImage(name, file, size_of(file), name) for name, file in files.items()]
    places = {name: place for place, name in enumerate(names)}
    animals = [
        LabelledAnimal(places[name], 0, points, visible, box)
        for name, points, visible, box in found
    ]
    categories = [ANIMALPOSE.category("animal")]
    split, note = _split(root, names)
    return LabelSet(categories, images, animals, paths, split, [note], image_folder="")


def _split(root: Path, names: list[str]) -> tuple[Parts, str]:
    first = [name for name in names if not name.startswith(_SECOND)]
    second = [place for place, name in enumerate(names) if name.startswith(_SECOND)]
    said = listed_parts(root, names, (TRAIN, VAL))
    drawn = drawn_parts(first, {TRAIN: 1 - _VAL_SHARE, VAL: _VAL_SHARE})
    where = {name: place for place, name in enumerate(names)}
    parts = said or {part: [where[first[n]] for n in chosen] for part, chosen in drawn.items()}
    if second:
        parts[TEST] = second
    if said:
        return parts, f"split as {TRAIN} and {VAL} below {root.name} say"
    return parts, (
        "WARNING: the split of train and val is drawn here and is not the published table's. For "
        f"that put MMPose's {TRAIN}.json and {VAL}.json (or lists, .txt) below the source"
    )


def _row(name: Any, at: str) -> int:
    """The place of a keypoint, by any of the three spellings that the releases have."""
    plain = re.sub(r"[^a-z]", "", str(name).lower())
    for long, short in (("left", "l"), ("right", "r"), ("front", "f"), ("back", "b")):
        plain = plain.replace(long, short)
    plain = {"lear": "learbase", "rear": "rearbase", "tail": "tailbase"}.get(plain, plain)
    if plain not in _PLAIN:
        raise DataError(f"{at}: keypoint {shown(name)} is none of {', '.join(ANIMALPOSE.names)}")
    return _PLAIN[plain]


def _of_xml(path: Path) -> Found:
    root = read_xml_of(path, _EXPECTED, _ADVICE)
    image, kind = root.findtext("image"), root.findtext("category")
    points, bounds = root.findall("keypoints/keypoint"), root.find("visible_bounds")
    if not image or not points or bounds is None:
        raise not_it(path, f"XML with <{root.tag}>", _EXPECTED, _ADVICE)
    kind = kind or path.parent.name
    keypoints = np.full((len(ANIMALPOSE.names), 2), np.nan)
    for point in points:
        if number(point.get("visible"), str(path)) > 0:
            row = _row(point.get("name"), str(path))
            keypoints[row] = [number(point.get(key), str(path)) for key in "xy"]
    if "." in image:  # the second part names files, the first VOC's images
        name = f"{_SECOND}/{kind}/{image}"
    else:
        name = f"VOC2012/JPEGImages/{image}.jpg"
    visible = np.where(np.isnan(keypoints[:, 0]), 0, 2)
    return name, keypoints, visible, _bounds(bounds, str(path))


def _bounds(bounds: Element, at: str) -> tuple[float, float, float, float]:
    # the second part's ymin stands under the name xmax
    top = bounds.get("ymin") or bounds.get("xmax")
    left, width, height = (number(bounds.get(key), at) for key in ("xmin", "width", "height"))
    return left, number(top, at), width, height


def _of_json(path: Path) -> Iterator[Found]:
    """keypoints.json: images are an object id -> name, boxes have two corners."""
    content = read_json_of(path, _EXPECTED, _ADVICE)
    if not isinstance(content, dict) or not isinstance(content.get("images"), dict):
        raise not_it(path, f"a {type(content).__name__} of another form", _EXPECTED, _ADVICE)
    images = content["images"]
    categories = {
        id_of(row.get("id"), f"{path}: category"): row
        for row in objects(content.get("categories"), f"{path}: categories")
    }
    entries = objects(content.get("annotations"), f"{path}: annotations")
    for place, entry in enumerate(entries):
        at = f"{path}: annotation {place}"
        category = categories.get(id_of(entry.get("category_id"), f"{at}: category_id"), {})
        name, labels = images.get(str(entry.get("image_id"))), category.get("keypoints")
        if not isinstance(name, str) or not isinstance(labels, list):
            raise DataError(f"{at}: its image_id or category_id is not in the file")
        triples = entry.get("keypoints")
        if not isinstance(triples, list) or len(triples) != len(labels):
            raise DataError(f"{at}: found keypoints {shown(triples)}; expected {len(labels)}")
        keypoints = np.full((len(ANIMALPOSE.names), 2), np.nan)
        for label, triple in zip(labels, triples, strict=True):
            x, y, seen = numbers(triple, 3, f"{at}: keypoint {label}")
            if seen > 0:
                keypoints[_row(label, at)] = x, y
        left, top, right, bottom = numbers(entry.get("bbox"), 4, f"{at}: bbox")
        visible = np.where(np.isnan(keypoints[:, 0]), 0, 2)
        size = (left, top, right - left, bottom - top)
        yield f"images/{name}", keypoints, visible, size
