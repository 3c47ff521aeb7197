"""From COCO files to the labels of other programs: what is read, and what each writer is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.convert.formats import BACK, load_format, not_it
from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.run import ALL
from hrpose.datasets.coco.entry import box_of, keypoints_of
from hrpose.datasets.coco.file import CocoFile, read_coco
from hrpose.datasets.coco.ids import hashable
from hrpose.errors import DataError, RunError
from hrpose.storage.json_file import read_json


@dataclass(frozen=True)
class Back:
    """Labels on their way back.

    Args:
        ids: of the images, as in the COCO file; in the order of `labels.images`.
        about: what was kept of the original for the way back (`info` of the COCO file); may be
            empty.
        out: file or folder to write.
        say: is told each thing that a person should know.
    """

    labels: LabelSet
    ids: Sequence[int]
    about: Mapping[str, Any]
    out: Path
    overwrite: bool
    say: Callable[[str], None]

    def animals_of(self) -> list[list[LabelledAnimal]]:
        """The animals in each image."""
        found: list[list[LabelledAnimal]] = [[] for _ in self.labels.images]
        for animal in self.labels.animals:
            found[animal.image].append(animal)
        return found


@dataclass(frozen=True)
class BackRequest:
    """What to bring back, and where to.

    Args:
        source: COCO file, folder of `hrpose convert`, or a list of predictions.
        labels: COCO file that says what images and categories predictions are of.
        images: folder that names of images start from, where it is not the usual one.
    """

    format: str
    source: Path
    out: Path
    labels: Path | None
    images: Path | None
    overwrite: bool
    say: Callable[[str], None]


def write_back(request: BackRequest) -> list[Path]:
    """Write the labels as the program has them; the paths of the files.

    Raises:
        DataError: the source is no COCO file with named keypoints.
        RunError: a package is missing, or something cannot be written, or is there already.
    """
    writer = load_format(request.format, BACK)
    source = request.source / ALL if request.source.is_dir() else request.source
    content, _ = read_json(source, "COCO file")
    predictions = content if isinstance(content, list) else None
    if predictions is not None:
        if request.labels is None:
            raise not_it(
                source, "a list of predictions", "a COCO file",
                "say with --labels which COCO file has the images and categories that they name",
            )  # fmt: skip
        source = request.labels
        content, _ = read_json(source, "COCO file")
    back = _back(request, source, content, predictions)
    if not back.labels.animals:
        raise DataError(f"{request.source}: there is no animal with a keypoint in it")
    try:
        written: list[Path] = writer.write(back)
    except OSError as error:
        raise RunError(f"{request.out}: cannot be written ({error})") from None
    return written


def _back(
    request: BackRequest, source: Path, content: dict[str, Any], predictions: list[Any] | None
) -> Back:
    """What the COCO file `source` holds, with `predictions` in the place of its labels."""
    file = read_coco([source], whole=True)
    numbers: dict[Any, int] = {
        category_id: place for place, category_id in enumerate(file.categories)
    }
    categories = [_category(source, entry) for entry in file.categories.values()]
    base = _folder(request.images, source, file)
    images = [
        _image(image, extra, base)
        for image, extra in zip(file.images.values(), content["images"], strict=True)
    ]
    places = {image_id: place for place, image_id in enumerate(file.images)}
    rows = [(str(entry), entry.content, entry.image_id) for entry in file.entries()]
    if predictions is not None:
        rows = list(_predictions(request.source, predictions, file))
    animals = []
    for where, row, image_id in rows:
        number = numbers.get(hashable(row.get("category_id")))
        if number is None:
            raise DataError(f"{where}: its category_id is not among the categories")
        triples = keypoints_of(where, row, len(categories[number].keypoints))
        if triples is not None and (triples[:, 2] > 0).any():
            animals.append(_animal(where, row, triples, places[image_id], number))
    info = content.get("info")
    labels = LabelSet(categories, images, animals, [source])
    about = info if isinstance(info, dict) else {}
    return Back(labels, list(file.images), about, request.out, request.overwrite, request.say)


def _category(source: Path, entry: dict[str, Any]) -> Category:
    names = entry.get("keypoints")
    if not isinstance(names, list) or not names:
        raise not_it(
            source, f"category {entry.get('name')!r} without names of keypoints", "names of them",
            "add them as 'keypoints' of the category",
        )  # fmt: skip
    names = [str(name) for name in names]
    try:
        limbs = [(names[a - 1], names[b - 1]) for a, b in entry.get("skeleton") or [] if a and b]
        pairs = [(str(a), str(b)) for a, b in entry.get("flip_pairs") or []]
    except (TypeError, ValueError, IndexError):
        raise DataError(
            f"{source}: category {entry.get('name')!r}: expected a skeleton of pairs of numbers "
            f"from 1 to {len(names)}, and flip_pairs of names"
        ) from None
    return Category(str(entry.get("name")), names, limbs, pairs)


def _folder(given: Path | None, source: Path, file: CocoFile) -> Path:
    """Where the names of images start: `given`, or where the first image is."""
    first = next(iter(file.images.values()))["file_name"]
    usual = [source.parent / "images", source.parent.parent / "images", source.parent]
    return given or next((base for base in usual if (base / first).is_file()), source.parent)


def _image(image: dict[str, Any], extra: dict[str, Any], base: Path) -> LabelledImage:
    size = (int(image.get("width", 0)), int(image.get("height", 0)))
    name, group = image["file_name"], str(extra.get("group", ""))
    return LabelledImage(name, base / name, size, group, extra.get("source_id"))


def _animal(
    where: str, content: dict[str, Any], triples: np.ndarray, image: int, category: int
) -> LabelledAnimal:
    """Of keypoints x, y, v (K, 3)."""
    seen = triples[:, 2] > 0
    box = None if content.get("box_from") == "keypoints" else box_of(where, content)
    area, individual = content.get("area"), content.get("individual")
    scores = content.get("scores")
    return LabelledAnimal(
        image,
        category,
        np.where(seen[:, None], triples[:, :2], np.nan),
        triples[:, 2].astype(int),
        box=None if box is None or np.isnan(box).any() else tuple(box.tolist()),
        area=float(area) if isinstance(area, int | float) and box is not None else None,
        individual=None if individual is None else str(individual),
        source_id=content.get("source_id"),
        scores=None if scores is None else np.asarray(scores, np.float64),
    )


def _predictions(
    source: Path, rows: list[Any], file: CocoFile
) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Each prediction as an annotation: where it stands, what it says, and its image's id."""
    for number, row in enumerate(rows):
        where = f"{source}: prediction {number}"
        if not isinstance(row, dict):
            raise DataError(f"{where}: expected an object")
        image_id = file.images.find(0, hashable(row.get("image_id")))
        if image_id is None:
            raise DataError(f"{where}: its image_id is not among the images of --labels")
        flat = list(row.get("keypoints") or [])
        seen = {**row, "keypoints": flat[:], "scores": flat[2::3], "box_from": "keypoints"}
        seen["keypoints"][2::3] = [2] * len(flat[2::3])
        yield where, seen, image_id
