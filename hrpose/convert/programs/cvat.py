"""Labels of CVAT: its own XML 'CVAT for images 1.1', or its 'COCO Keypoints 1.0'.

In the XML a point is an element of a skeleton, a <points> of its own with the keypoint's label, or
one of several positions in a <points>. Formats: https://docs.cvat.ai/docs/other/xml_format and
https://docs.cvat.ai/docs/manual/advanced/formats/coco-keypoints
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from hrpose.convert.find import ImageFinder, folder_of
from hrpose.convert.foreign_coco import ForeignCoco
from hrpose.convert.formats import ReadOptions, not_it, shown
from hrpose.convert.images import check_size, require_images, size_of
from hrpose.convert.label_set import LabelledImage, LabelSet
from hrpose.convert.programs.gather import Animal, Box, Point, Sheets, gather
from hrpose.convert.text_files import number, read_xml_of
from hrpose.errors import DataError

_EXPECTED = "'CVAT for images 1.1' or 'COCO Keypoints 1.0'"
_EXPORT = "choose Export task dataset > CVAT for images 1.1 in CVAT"
_TIE = (
    "in CVAT give each keypoint a label of its own and group (G) those of one animal, or label "
    "with skeletons"
)
_COCO = "annotations/person_keypoints_*.json"
_EDGE = re.compile(r'data-node-from="(\d+)"[^>]*?data-node-to="(\d+)"')
_NODE = re.compile(r"<circle\b[^>]*>")


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels in the export `source`: its folder, its XML file or its COCO file.

    Raises:
        DataError: it is neither, or its labels cannot be told apart; images are missing.
    """
    path = _label_file(source)
    folders = [options.images or (source if source.is_dir() else _export_folder(path))]
    finder = ImageFinder(folders)
    if path.suffix.lower() == ".json":
        return ForeignCoco(path, _EXPECTED, _EXPORT).labels(finder)
    return _read_xml(path, finder, options)


def _label_file(source: Path) -> Path:
    if source.is_file():
        return source
    if not source.is_dir():
        raise DataError(f"{source} does not exist; expected an export of CVAT")
    found = [*sorted(source.glob("*.xml")), *sorted(source.glob(_COCO))]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "neither annotations.xml nor " + _COCO
        raise not_it(source, names, f"one export, {_EXPECTED}", f"{_EXPORT}, or name the file")
    return found[0]


def _export_folder(path: Path) -> Path:
    """Where images may be: beside the XML, or beside the folder `annotations` of the COCO file."""
    return path.parent.parent if path.parent.name == "annotations" else path.parent


def _read_xml(path: Path, finder: ImageFinder, options: ReadOptions) -> LabelSet:
    root = read_xml_of(path, _EXPECTED, _EXPORT)
    if root.tag != "annotations":
        raise not_it(path, f"XML with <{root.tag}>", _EXPECTED, _EXPORT)
    if root.find("track") is not None:
        raise not_it(path, "'CVAT for video 1.1' (tracks)", _EXPECTED, _EXPORT)
    entries = root.findall("image")
    if not entries:
        raise not_it(path, "no <image>", _EXPECTED, _EXPORT)
    names = [entry.get("name") or "" for entry in entries]
    files = require_images({name: finder.find(name) for name in names}, path, finder.folders)
    known, limbs = _skeletons(root)
    sheets = Sheets(options.category, known, limbs)
    told: Counter[str] = Counter()
    for entry, name in zip(entries, names, strict=True):
        image, where = files[name], f"{path}: image {name}"
        size = size_of(image)
        width, height = (int(number(entry.get(key), where)) for key in ("width", "height"))
        check_size(f"{where}: labelled in", "the file", (width, height), size)
        title = str(PurePosixPath(name.replace("\\", "/")))
        animals = _animals(entry, where, told)
        sheets.add(LabelledImage(title, image, size, folder_of(title), entry.get("id")), animals)
    return sheets.labels(path, [path], [f"{count} {what}" for what, count in told.items()])


def _skeletons(root: Element) -> tuple[dict[str, list[str]], dict[str, list[tuple[str, str]]]]:
    """Keypoints and limbs of the labels of type skeleton, by their names."""
    labels = root.findall("meta//label")
    known: dict[str, list[str]] = {}
    limbs: dict[str, list[tuple[str, str]]] = {}
    for label in labels:
        if label.findtext("type") != "skeleton":
            continue
        name = label.findtext("name") or ""
        known[name] = [
            part.findtext("name") or "" for part in labels if part.findtext("parent") == name
        ]
        drawing = label.findtext("svg") or ""
        nodes = dict(_nodes(drawing))
        ends = [(nodes.get(start), nodes.get(end)) for start, end in _EDGE.findall(drawing)]
        limbs[name] = [(start, end) for start, end in ends if start and end]
    return known, limbs


def _nodes(drawing: str) -> Iterator[tuple[str, str]]:
    """Number and label of each point in the drawing of a skeleton."""
    for node in _NODE.findall(drawing):
        number_of = re.search(r'data-node-id="(\d+)"', node)
        label = re.search(r'data-label-name="([^"]*)"', node)
        if number_of and label:
            yield number_of[1], label[1]


def _animals(image: Element, where: str, told: Counter[str]) -> list[Animal]:
    points: list[Point] = []
    boxes: list[Box] = []
    labels: dict[Hashable, tuple[str, str | None]] = {}
    skeletons = image.findall("skeleton")
    uses = Counter(skeleton.get("group_id") for skeleton in skeletons)
    for place, shape in enumerate(image):
        at = f"{where}: <{shape.tag}> {place}"
        label = shape.get("label") or ""
        group: Hashable = None if shape.get("group_id") == "0" else shape.get("group_id")
        if shape.tag == "skeleton":
            if uses[shape.get("group_id")] > 1 or group is None:
                group = ("skeleton", place)
            labels[group] = (label, shape.get("id"))
            points += [
                point for part in shape.findall("points") for point in _points(part, group, at)
            ]
        elif shape.tag == "points":
            found = _points(shape, group, at)
            if len(found) > 1:
                group = ("points", place)
                labels[group] = (label, shape.get("id"))
                found = [Point(p.name, p.x, p.y, p.hidden, group) for p in found]
            points += found
        elif shape.tag == "box":
            if shape.get("outside") != "1":
                boxes.append(Box(label, _box(shape, at, told), group, shape.get("id")))
        else:
            told[f"shapes <{shape.tag}> left out"] += 1
    animals = gather(points, boxes, where, _TIE)
    for animal in animals:
        of = next((point.group for point in animal.points.values()), None)
        if of in labels:
            animal.label, animal.id = labels[of]
    return animals


def _points(shape: Element, group: Hashable, at: str) -> list[Point]:
    """The points of a <points>; those of several have their numbers as names. Empty if outside."""
    if shape.get("outside") == "1":
        return []
    text = shape.get("points") or ""
    pairs = [pair.split(",") for pair in text.split(";")]
    if not all(len(pair) == 2 for pair in pairs):
        raise DataError(f"{at}: found points {shown(text)}; expected x,y or x,y;x,y;...")
    label = shape.get("label") or ""
    names = [label] if len(pairs) == 1 else [f"point{n}" for n in range(1, len(pairs) + 1)]
    hidden = shape.get("occluded") == "1"
    return [
        Point(name, number(x, at), number(y, at), hidden, group)
        for name, (x, y) in zip(names, pairs, strict=True)
    ]


def _box(shape: Element, at: str, told: Counter[str]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (number(shape.get(key), at) for key in ("xtl", "ytl", "xbr", "ybr"))
    if float(shape.get("rotation") or 0):
        told["turned boxes taken as they were before the turn"] += 1
    return left, top, right - left, bottom - top
