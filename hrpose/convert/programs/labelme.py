"""Labels of labelme: a folder of JSON files, one an image, with points and rectangles.

Shapes of one animal have the same `group_id`. Format: the files of labelme 3 to 5
(https://github.com/wkentaro/labelme), and of X-AnyLabeling, whose rectangles have four corners.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hrpose.convert.find import ImageFinder, folder_of
from hrpose.convert.formats import ReadOptions, not_it, shown
from hrpose.convert.images import check_size, require_images, size_of, size_of_bytes
from hrpose.convert.label_set import LabelledImage, LabelSet
from hrpose.convert.programs.gather import Box, Point, Sheets, gather
from hrpose.convert.text_files import id_of, number, read_json_of
from hrpose.errors import DataError

_EXPECTED = "the shapes of one image, as labelme saves them"
_ADVICE = "name the folder that labelme saved its .json files in"
_TIE = "in labelme give the shapes of one animal the same Group ID"
_HIDDEN = ("occluded", "hidden")
"""Flags of a point that say so."""

Picture = Path | Callable[[], bytes]


def read(source: Path, options: ReadOptions) -> LabelSet:
    """The labels in the file or folder `source`, folders below it included.

    Raises:
        DataError: a file is not of labelme, or its labels cannot be told apart; images are missing.
    """
    paths = [source] if source.is_file() else sorted(source.rglob("*.json"))
    if not paths:
        found = "no .json file" if source.is_dir() else "nothing"
        raise not_it(source, found, "a folder of labelme's .json files", _ADVICE)
    root = source if source.is_dir() else source.parent
    contents = {path: _content(path) for path in paths}
    finder = ImageFinder([options.images or root])
    names = {path: _name(path, contents[path]["imagePath"], root) for path in paths}
    perhaps: dict[str, Picture | None] = {
        names[path]: _picture(path, contents[path], finder) for path in paths
    }
    looked = [root, *([options.images] if options.images else [])]
    pictures: dict[str, Picture] = require_images(perhaps, source, looked)
    told: Counter[str] = Counter()
    sheets = Sheets(options.category)
    for path, content in contents.items():
        name = names[path]
        size = _size(pictures[name], path, content)
        points, boxes = _shapes(path, content["shapes"], told)
        image = LabelledImage(name, pictures[name], size, folder_of(name), path.stem)
        sheets.add(image, gather(points, boxes, str(path), _TIE))
    return sheets.labels(source, paths, [f"{count} {what}" for what, count in told.items()])


def _content(path: Path) -> dict[str, Any]:
    content = read_json_of(path, _EXPECTED, _ADVICE)
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        keys = f" with {', '.join(list(content)[:4])}" if isinstance(content, dict) else ""
        raise not_it(path, f"a {type(content).__name__}{keys}", _EXPECTED, _ADVICE)
    if not isinstance(content.get("imagePath"), str):
        raise not_it(path, f"imagePath {shown(content.get('imagePath'))}", _EXPECTED, _ADVICE)
    return content


def _picture(path: Path, content: dict[str, Any], finder: ImageFinder) -> Picture | None:
    """The image beside the labels, where its path says, by `finder`, or within the labels."""
    name = content["imagePath"].replace("\\", "/")
    for candidate in (path.parent / name, path.parent / Path(name).name):
        if candidate.is_file():
            return candidate
    found = finder.find(name)
    data = content.get("imageData")
    if found or not isinstance(data, str):
        return found

    def embedded() -> bytes:
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise DataError(f"{path}: imageData is no image in base64 ({error})") from None

    return embedded


def _size(picture: Picture, path: Path, content: dict[str, Any]) -> tuple[int, int]:
    """Of the image, which must be the one that was labelled."""
    if isinstance(picture, Path):
        size = size_of(picture)
    else:
        size = size_of_bytes(picture(), f"{path}: imageData")
    said = (content.get("imageWidth"), content.get("imageHeight"))
    check_size(f"{path}: labelled in an image of", content["imagePath"], said, size)
    return size


def _name(path: Path, image: str, root: Path) -> str:
    """The image's name beside its labels: two folders may both have an image 001.png."""
    return (path.parent.relative_to(root) / Path(image.replace("\\", "/")).name).as_posix()


def _shapes(path: Path, shapes: list[Any], told: Counter[str]) -> tuple[list[Point], list[Box]]:
    points: list[Point] = []
    boxes: list[Box] = []
    for place, shape in enumerate(shapes):
        at = f"{path}: shape {place}"
        if not isinstance(shape, dict) or not isinstance(shape.get("label"), str):
            raise DataError(f"{at}: found {shown(shape)}; expected a shape with a label")
        kind = shape.get("shape_type") or "polygon"  # as labelme takes one without
        if kind not in ("point", "rectangle"):
            told[f"shapes of type {kind} left out"] += 1
            continue
        corners = _corners(shape.get("points"), 1 if kind == "point" else 2, at)
        group = id_of(shape.get("group_id"), f"{at}: group_id")
        if kind == "point":
            flags = shape.get("flags")
            hidden = isinstance(flags, dict) and any(flags.get(flag) for flag in _HIDDEN)
            points.append(Point(shape["label"], *corners[0], hidden, group))
        else:
            (left, right), (top, bottom) = ((min(c), max(c)) for c in zip(*corners, strict=True))
            box = (left, top, right - left, bottom - top)
            boxes.append(Box(shape["label"], box, group, f"{path.stem}/{place}"))
    return points, boxes


def _corners(value: Any, fewest: int, at: str) -> list[tuple[float, float]]:
    if not isinstance(value, list) or len(value) < fewest:
        raise DataError(f"{at}: found points {shown(value)}; expected {fewest} or more")
    if not all(isinstance(point, list) and len(point) == 2 for point in value):
        raise DataError(f"{at}: found points {shown(value)}; expected pairs x, y")
    return [(number(x, at), number(y, at)) for x, y in value]
