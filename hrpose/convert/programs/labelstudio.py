"""Labels of Label Studio: its JSON export of a project with keypoints and boxes.

Positions are percentages of the image. A point belongs to a box by `parentID` or by a relation.
Format: https://labelstud.io/guide/export and https://labelstud.io/tags/keypointlabels
"""

from __future__ import annotations

import base64
import contextlib
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

from hrpose.convert.find import ImageFinder, folder_of
from hrpose.convert.formats import ReadOptions, not_it, shown
from hrpose.convert.images import SUFFIXES, check_size, require_images, size_of
from hrpose.convert.label_set import LabelledImage, LabelSet
from hrpose.convert.programs.gather import Animal, Box, Point, Sheets, gather
from hrpose.convert.text_files import id_of, number, objects, one_file, read_json_of
from hrpose.errors import DataError

_EXPORT = "choose Export > JSON in Label Studio"
_EXPECTED = "a list of tasks with annotations"
_TIE = "in Label Studio tie it to its box: make it the box's child, or a relation from one to other"
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before a file's name


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels in the JSON export `source`, or in the only one in that folder.

    Of several annotations of a task the one marked as ground truth counts, else the last one.

    Raises:
        DataError: it is not such an export, or its labels cannot be told apart; images are missing.
    """
    path = one_file(source, "*.json", _EXPECTED, _EXPORT)
    tasks = _tasks(path)
    finder = ImageFinder([options.images or path.parent])
    told: Counter[str] = Counter()
    chosen = []
    for task in tasks:
        where = f"{path}: task {task.get('id')}"
        result = _annotation(task, options.predicted, told, where)
        if result is not None:
            chosen.append((task, result))
    names = [_image_name(task, f"{path}: task {task.get('id')}") for task, _ in chosen]
    files = require_images({name: _find(finder, name) for name in names}, path, finder.folders)
    sheets = Sheets(options.category)
    for (task, result), name in zip(chosen, names, strict=True):
        where = f"{path}: task {task.get('id')} ({name})"
        image = files[name]
        size = size_of(image)
        animals = _animals(result, size, where, told)
        title = finder.name_of(image)
        sheets.add(
            LabelledImage(title, image, size, folder_of(title), id_of(task.get("id"), where)),
            animals,
        )
    return sheets.labels(path, [path], [f"{count} {what}" for what, count in told.items()])


def _tasks(path: Path) -> list[dict[str, Any]]:
    tasks = read_json_of(path, _EXPECTED, _EXPORT)
    if isinstance(tasks, dict) and "annotations" in tasks and "data" in tasks:
        tasks = [tasks]  # what Label Studio shows of one task
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        coco = isinstance(tasks, dict) and "categories" in tasks
        found = "a COCO file" if coco else f"a {type(tasks).__name__}"
        raise not_it(path, found, _EXPECTED, _EXPORT)
    if not tasks:
        raise not_it(path, "an empty list", _EXPECTED, "label some images first")
    for task in tasks:
        if not isinstance(task.get("annotations"), list) or not isinstance(task.get("data"), dict):
            found = f"entries with {', '.join(list(task)[:4]) or 'nothing'} (JSON-MIN?)"
            raise not_it(path, found, _EXPECTED, f"{_EXPORT}, not JSON-MIN")
    return tasks


def _annotation(
    task: dict[str, Any], predicted: bool, told: Counter[str], where: str
) -> list[dict[str, Any]] | None:
    """The regions of the annotation of `task` that counts, None if it has none."""
    every = objects(task["annotations"], f"{where}: annotations")
    cancelled = [a for a in every if a.get("was_cancelled")]
    whole = [a for a in every if not a.get("was_cancelled")]
    if cancelled:
        told["cancelled (skipped) annotations left out"] += len(cancelled)
    if len(whole) > 1:
        told["tasks have several annotations: the ground truth, else the last one, is taken"] += 1
    if not whole and predicted and task.get("predictions"):
        told["tasks without annotation: their last prediction is taken"] += 1
        whole = objects(task["predictions"], f"{where}: predictions")
    if not whole:
        told["tasks without annotation left out"] += 1
        return None
    best = max(whole, key=lambda a: (bool(a.get("ground_truth")), str(a.get("updated_at") or "")))
    return objects(best.get("result"), f"{where}: result")


def _image_name(task: dict[str, Any], where: str) -> str:
    """The path of the image of a task, without what Label Studio's server puts around it."""
    texts = [value for value in task["data"].values() if isinstance(value, str)]
    paths = [path for path in map(_path_of, texts) if Path(path).suffix.lower() in SUFFIXES]
    if len(dict.fromkeys(paths)) != 1:
        found = ", ".join(paths) or shown(task["data"])
        raise DataError(f"{where}: found {found}; expected one image in its data")
    return paths[0]


def _path_of(address: str) -> str:
    """The path of an image in any of the addresses that Label Studio has for one."""
    try:
        parts = urlparse(address.replace("\\", "/"))
    except ValueError:  # it is a text that looks like half an address
        return ""
    query = parse_qs(parts.query)
    if "d" in query:  # /data/local-files/?d=PATH
        return query["d"][0].lstrip("/")
    if "fileuri" in query:  # /tasks/1/presign/?fileuri=..., a cloud's address in base64
        with contextlib.suppress(ValueError):
            inside = base64.b64decode(query["fileuri"][0] + "==").decode()
            return urlparse(inside).path.lstrip("/")
    return unquote(parts.path).lstrip("/")


def _find(finder: ImageFinder, name: str) -> Path | None:
    """The image file, under the name that it was uploaded with, or under the one before."""
    before = str(Path(name).with_name(_UPLOADED.sub("", Path(name).name)))
    return finder.find(name) or finder.find(before)


def _animals(
    result: list[dict[str, Any]], size: tuple[int, int], where: str, told: Counter[str]
) -> list[Animal]:
    groups = _groups(result)
    points: list[Point] = []
    boxes: list[Box] = []
    for region in result:
        kind, value = str(region.get("type")), region.get("value")
        if kind == "relation" or not isinstance(value, dict):
            continue
        at = f"{where}: region {region.get('id')}"
        group = groups.get(str(region.get("id")))
        if kind.startswith("keypoint"):
            _check_size(region, size, at)
            x, y = (number(value.get(key), at) for key in "xy")
            name = _label(value, "keypointlabels", at)
            points.append(Point(name, x * size[0] / 100, y * size[1] / 100, group=group))
        elif kind.startswith("rectangle"):
            _check_size(region, size, at)
            box = _rectangle(value, size, at, told)
            boxes.append(
                Box(_label(value, "rectanglelabels", at), box, group, id_of(region.get("id"), at))
            )
        else:
            told[f"regions of type {kind} left out"] += 1
    return gather(points, boxes, where, _TIE)


def _groups(result: list[dict[str, Any]]) -> dict[str, str]:
    """By region, the first region of those that parents and relations tie together."""
    heads: dict[str, str] = {}

    def head(name: str) -> str:
        while heads.get(name, name) != name:
            name = heads[name]
        return name

    for region in result:
        if region.get("type") == "relation":
            tied = [region.get("from_id"), region.get("to_id")]
        else:
            tied = [region.get("parentID"), region.get("id")]
        if tied[0] and tied[1]:
            first, second = head(str(tied[0])), head(str(tied[1]))
            heads.setdefault(first, first)
            heads[second] = first
    return {name: head(name) for name in heads}


def _label(value: dict[str, Any], key: str, at: str) -> str:
    names = value.get(key) or value.get("labels")
    if not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str):
        raise DataError(f"{at}: found {key} {shown(names)}; expected one name; label the region")
    return names[0]


def _check_size(region: dict[str, Any], size: tuple[int, int], at: str) -> None:
    """Percentages are of the image that was shown: it must be the one that is here."""
    rotated = region.get("image_rotation") or 0
    if rotated:
        raise DataError(f"{at}: its image was turned by {rotated} degrees; turn it back and export")
    said = (region.get("original_width"), region.get("original_height"))
    check_size(f"{at}: labelled in an image of", "the file", said, size)


def _rectangle(
    value: dict[str, Any], size: tuple[int, int], at: str, told: Counter[str]
) -> tuple[float, float, float, float]:
    """x, y, w, h in px; of a rectangle turned around its first corner, what it spans."""
    x, y, width, height = (number(value.get(key), at) for key in ("x", "y", "width", "height"))
    x, width = x * size[0] / 100, width * size[0] / 100
    y, height = y * size[1] / 100, height * size[1] / 100
    turn = math.radians(number(value.get("rotation") or 0, at))
    if not turn:
        return x, y, width, height
    told["turned boxes: the upright box around each is taken"] += 1
    across = (width * math.cos(turn), width * math.sin(turn))
    down = (-height * math.sin(turn), height * math.cos(turn))
    xs = [x, x + across[0], x + down[0], x + across[0] + down[0]]
    ys = [y, y + across[1], y + down[1], y + across[1] + down[1]]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
