"""The annotation files that a page is to be written for: their keypoints, boxes and parts.

Legend: N animals of a part, K keypoints; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.datasets.coco.columns import read_columns
from hrpose.datasets.coco.file import CocoFile, read_coco
from hrpose.datasets.coco.ids import names_of
from hrpose.datasets.coco.rows import animals_of, used_categories
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances

WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""What file names call the parts of a data set."""
INDIVIDUAL = ("track_id", "instance_id", "individual_id", "individual")
"""Keys of an annotation that tell which animal it is of."""
_LOOKED_FOR = 20  # images of a file, of which one must be where they are looked for


@dataclass(frozen=True)
class Part:
    """One annotation file and the images that it is of.

    Args:
        name: 'train', 'val' or 'test'.
        images: name of each image by its id.
        sizes: width and height (N, 2) px of the image of each animal, NaN where not known.
        individuals: which animal each row is of, None where the file does not tell.
        left_out: annotations that cannot be used.
    """

    name: str
    ann_file: Path
    img_root: Path
    animals: Instances
    images: dict[int, str]
    sizes: np.ndarray
    individuals: list[Any]
    left_out: int

    def __str__(self) -> str:
        images = len(np.unique(self.animals.image_ids))
        out = f" ({self.left_out} annotations left out)" if self.left_out else ""
        return f"{self.name}: {len(self.animals)} animals on {images} images{out}, {self.ann_file}"


@dataclass(frozen=True)
class OwnLabels:
    """All parts, and what their category says of the keypoints.

    Args:
        flip_pairs: those that the category names itself, as `hrpose convert` does where it knows.
        images: the folder of the images.
        category: name of the category to use; None where all with annotations are.
        notes: a sentence each on what was assumed.
    """

    names: list[str]
    skeleton: list[tuple[str, str]]
    flip_pairs: list[tuple[str, str]]
    parts: dict[str, Part]
    images: Path
    category: str | None
    notes: list[str] = field(default_factory=list)

    @property
    def train(self) -> Part:
        """What is trained on."""
        return self.parts["train"]


def read_labels(paths: Sequence[Path], images: Path, category: str | None) -> OwnLabels:
    """The annotation files `paths`, with their images below the folder `images`.

    Args:
        category: name of the one to use; None takes all, which must have the same keypoints.

    Raises:
        DataError: a file, or a part of the data, cannot be used or is not where it should be.
    """
    named, notes = parts_of(paths)
    files = {name: read_coco([path], whole=True) for name, path in named.items()}
    entry = _category(next(iter(files.values())), category)
    names = _names(entry, named["train"])
    try:
        meta = KeypointMeta("own", names)
    except ValueError as error:
        raise DataError(f"{named['train']}: category {entry.get('name')!r}: {error}") from None
    parts = {}
    for name, file in files.items():
        parts[name] = _part(name, file, images, meta, category)
    skeleton, odd = _skeleton(entry, names)
    pairs = _flip_pairs(entry, names)
    return OwnLabels(names, skeleton, pairs, parts, images, category, notes + odd)


def parts_of(paths: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    """Which file is for training, validation and test: told by words in their names, or else by
    their order; and what is to be said about it.

    Raises:
        DataError: two are for the same part, or there are more than three.
    """
    if len(paths) > len(WORDS) or len(set(paths)) < len(paths):
        raise DataError(
            f"ANNOTATIONS: got {', '.join(map(str, paths))}; expected one to three different "
            "files, for training, validation and test"
        )
    told = [_told(path) for path in paths]
    twice = [part for part in WORDS if told.count(part) > 1]
    if twice:
        raise DataError(
            f"ANNOTATIONS: {' and '.join(p.name for p in paths if _told(p) == twice[0])} are "
            f"both called {twice[0]}; give one file for each part"
        )
    if None not in told and ("train" in told or len(paths) > 1):
        if "train" not in told:
            raise DataError(
                f"ANNOTATIONS: {', '.join(p.name for p in paths)}: none is called train; give the "
                "file to train on"
            )
        found = {str(part): path for part, path in zip(told, paths, strict=True)}
        notes = []
    else:
        found = dict(zip(WORDS, paths, strict=False))
        order = ", ".join(f"{path.name} for {part}" for part, path in found.items())
        notes = [f"parts by the order of the files: {order}"] if len(paths) > 1 else []
    return {part: found[part] for part in WORDS if part in found}, notes


def _told(path: Path) -> str | None:
    """The part that the name of a file tells, if it tells one."""
    words = "".join(c if c.isalpha() else " " for c in path.stem.lower()).split()
    found = [part for part, names in WORDS.items() if set(names) & set(words)]
    return found[0] if len(found) == 1 else None


def _category(file: CocoFile, wanted: str | None) -> dict[str, Any]:
    """The category whose keypoints are meant."""
    used = set(names_of(file.annotations.category_ids))
    entries = [entry for number, entry in file.categories.items() if number in used]
    if wanted is not None:
        entries = [entry for entry in file.categories.values() if entry.get("name") == wanted]
    if not entries or len({repr(entry.get("keypoints")) for entry in entries}) > 1:
        named = ", ".join(repr(entry.get("name")) for entry in file.categories.values())
        problem = "categories with different keypoints" if entries else "no such category"
        raise DataError(
            f"{file.paths[0]}: {problem}; choose one with --category: there are {named}"
        )
    return entries[0]


def _names(category: dict[str, Any], path: Path) -> list[str]:
    names = category.get("keypoints")
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        reference = next((name for name in names if name.startswith("$")), None)
        if reference is None:
            return names
        raise DataError(
            f"{path}: keypoint {reference!r} of category {category.get('name')!r}: on a page '$' "
            "at the beginning stands for another value of it; call the keypoint otherwise"
        )
    raise DataError(
        f"{path}: category {category.get('name')!r} has no keypoint names ({names!r:.60}); write "
        "them into categories[].keypoints, in the order of the numbers of an annotation"
    )


def _part(
    name: str, file: CocoFile, images: Path, meta: KeypointMeta, category: str | None
) -> Part:
    path = file.paths[0]
    columns = read_columns(file, meta, used_categories(file, meta, category))
    rows, _, left_out = animals_of(columns, "none")
    animals = rows.instances()
    if not len(animals):
        raise DataError(f"{path}: no animal can be used ({left_out[0][1] if left_out else 'none'})")
    contents = {entry.id: entry.content for entry in file.entries()}
    individuals = [
        next((v for key in INDIVIDUAL if (v := contents[number].get(key)) is not None), None)
        for number in animals.annotation_ids.tolist()
    ]
    sizes = file.images.sizes[file.images.rows(animals.image_ids)]
    names = dict(zip(file.images, file.images.names(), strict=True))
    folder = _folder_of([*names.values()][:_LOOKED_FOR], images, name, path)
    return Part(name, path, folder, animals, names, sizes, individuals, len(left_out))


def _folder_of(names: Sequence[str], images: Path, part: str, path: Path) -> Path:
    """The folder that the file names of annotation file `path` start from: `images`, or one in it
    that is called like the part or the file.
    """
    places = ["", *WORDS[part], path.stem, "images"]
    for place in places:
        if any((images / place / name).is_file() for name in names):
            return images / place
    raise DataError(
        f"{path}: its first image {names[0]!r} is neither in {images} nor in its folders "
        f"{', '.join(places[1:])}; give --images the folder that the file names start from"
    )


def _flip_pairs(category: dict[str, Any], names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of names under `flip_pairs` of a category; other things that stand there are not ours.

    Raises:
        DataError: a name is no keypoint.
    """
    told = category.get("flip_pairs")
    pairs = [
        (pair[0], pair[1])
        for pair in (told if isinstance(told, list) else [])
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair)
    ]
    try:
        KeypointMeta("own", names, pairs)
    except ValueError as error:
        raise DataError(f"category {category.get('name')!r}: {error}") from None
    return pairs


def _skeleton(
    category: dict[str, Any], names: Sequence[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Limbs by names, of pairs of numbers from 1 (from 0 where there is a 0); with a note."""
    pairs = category.get("skeleton") or []
    try:
        numbers = [(int(a), int(b)) for a, b in pairs]
    except (TypeError, ValueError):
        return [], ["skeleton: not a list of pairs of numbers, left out"]
    first = 0 if any(0 in pair for pair in numbers) else 1
    limbs = [
        (names[a - first], names[b - first])
        for a, b in numbers
        if a != b and all(0 <= number - first < len(names) for number in (a, b))
    ]
    notes = []
    if first == 0 and numbers:
        notes.append("skeleton: counted from 0, as one of its numbers is 0 (COCO counts from 1)")
    if len(limbs) < len(numbers):
        notes.append(f"skeleton: {len(numbers) - len(limbs)} pairs lead nowhere, left out")
    return limbs, notes
