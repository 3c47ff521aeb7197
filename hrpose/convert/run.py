"""The way of all formats: read the labels, split them, bring the images, write COCO files."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hrpose
from hrpose.convert.archive import unpacked
from hrpose.convert.coco import content_of, labelled, with_parts
from hrpose.convert.formats import FORMATS, ReadOptions, load_format
from hrpose.convert.images import bring, check_names, refuse_existing
from hrpose.convert.label_set import LabelSet
from hrpose.convert.split import Parts, split
from hrpose.errors import DataError, RunError
from hrpose.storage.digests import file_digest
from hrpose.storage.whole_file import write_whole

ALL = "labels.json"
"""The file of all labels, below the destination; parts are annotations/<part>.json."""
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ConvertRequest:
    """What to convert, and how.

    Args:
        shares, by, seed: as `split` takes them.
        link: second names of the images' files instead of copies.
        say: is told each thing that a person should know.
    """

    format: str
    source: Path
    out: Path
    shares: Sequence[float] | None
    by: str
    seed: int
    link: bool
    overwrite: bool
    options: ReadOptions
    say: Callable[[str], None]


def convert(request: ConvertRequest) -> list[Path]:
    """Write COCO files, images and a manifest; the paths of the files.

    Raises:
        DataError: the source is not what the format reads.
        RunError: a package is missing, or something cannot be written, or is there already.
    """
    reader = load_format(request.format, FORMATS)
    if not request.source.exists():
        raise DataError(f"{request.source}: is not there")
    with unpacked(request.source, request.out) as source:
        labels: LabelSet = reader.read(source, request.options)
        _check(labels, request.source)
        parts, told = split(labels, request.shares, request.by, request.seed)
        texts = _texts(request, labels, parts)
        targets = [request.out / name for name in texts]
        refuse_existing([*targets, request.out / MANIFEST], request.overwrite)
        images = request.out / labels.image_folder
        digests = bring(labels.images, images, request.link, request.overwrite)
        notes = [*labels.notes, *_oddities(labels, parts, digests), *told]
        manifest = _manifest(request, labels, parts, notes)
        manifest["read"] = _digests_of(labels.files, source)
    manifest["written"] = {
        name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()
    }
    names = [f"{labels.image_folder}/{image.name}".lstrip("/") for image in labels.images]
    manifest["images"] = dict(zip(names, digests, strict=True))
    for note in notes:
        request.say(note)
    for line in _counts(manifest):
        request.say(line)
    _write(request.out, {**texts, MANIFEST: _json(manifest)})
    return [*targets, request.out / MANIFEST]


def _texts(request: ConvertRequest, labels: LabelSet, parts: Parts) -> dict[str, str]:
    """The COCO files: path below the destination, and content."""
    info = {"description": f"{request.format} labels by hrpose {hrpose.__version__}"}
    info |= {"format": request.format, **labels.about}
    everything = content_of(labels, range(len(labels.images)), info)
    texts = {ALL: _json(with_parts(everything, parts))}
    for part, places in parts.items():
        if places:
            texts[f"annotations/{part}.json"] = _json(content_of(labels, places, info))
    return texts


def _check(labels: LabelSet, source: Path) -> None:
    """DataError where there is nothing to write, or what was read contradicts itself."""
    if not labels.images:
        raise DataError(f"{source}: there is no labelled image in it")
    if not labels.animals:
        raise DataError(f"{source}: none of its {len(labels.images)} images has a label")
    check_names(labels.images)
    for animal in labels.animals:
        count = len(labels.categories[animal.category].keypoints)
        assert animal.keypoints.shape == (count, 2) and len(animal.visible) == count
        if animal.box is None and not labelled(animal).any():
            name = labels.images[animal.image].name
            raise DataError(f"{source}: an animal in {name} has neither a keypoint nor a box")


def _oddities(labels: LabelSet, parts: Parts, digests: Sequence[str]) -> list[str]:
    """What a person should know about the labels, of whatever format."""
    notes = []
    outside = sum(
        bool((_points(animal) < -0.5).any() or (_points(animal) > np.subtract(size, 0.5)).any())
        for animal in labels.animals
        for size in [labels.images[animal.image].size]
    )
    if outside:
        notes.append(f"{outside} animals have points outside of their image")
    empty = len(labels.images) - len({animal.image for animal in labels.animals})
    if empty:
        notes.append(f"{empty} images have no label")
    where: dict[str, set[str]] = {}
    for part, places in parts.items():
        for place in places:
            where.setdefault(digests[place], set()).add(part)
    several = Counter(digests)
    twice = sum(len(where.get(digest, ())) > 1 for digest, count in several.items() if count > 1)
    if twice:
        notes.append(
            f"WARNING: {twice} images are in several parts under other names, byte by byte the "
            "same: tests with them are no tests"
        )
    return notes


def _points(animal: Any) -> np.ndarray:
    return animal.keypoints[labelled(animal)]


def _manifest(
    request: ConvertRequest, labels: LabelSet, parts: Parts, notes: Sequence[str]
) -> dict[str, Any]:
    everything = range(len(labels.images))
    return {
        "hrpose": hrpose.__version__,
        "format": request.format,
        "source": request.source.name,
        "by": request.by,
        "seed": request.seed,
        "notes": list(notes),
        "counts": {
            "all": _count(labels, everything),
            **{part: _count(labels, places) for part, places in parts.items()},
        },
    }


def _count(labels: LabelSet, places: Sequence[int]) -> dict[str, int]:
    chosen = set(places)
    animals = [animal for animal in labels.animals if animal.image in chosen]
    return {
        "images": len(chosen),
        "groups": len({labels.images[place].group for place in chosen}),
        "animals": len(animals),
        "points": sum(int(labelled(animal).sum()) for animal in animals),
    }


def _digests_of(files: Sequence[Path], source: Path) -> dict[str, str]:
    """SHA-256 of what was read, by its path from the source down."""
    base = source if source.is_dir() else source.parent
    return {
        file.relative_to(base).as_posix() if file.is_relative_to(base) else str(file): file_digest(
            file
        )
        for file in files
    }


def _counts(manifest: Mapping[str, Any]) -> list[str]:
    return [
        f"{part}: {count['images']} images, {count['animals']} animals, {count['points']} points"
        for part, count in manifest["counts"].items()
    ]


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _write(out: Path, texts: Mapping[str, str]) -> None:
    """The manifest last: where it is, all is there."""
    for name, text in texts.items():
        try:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(out / name, text)
        except OSError as error:
            raise RunError(f"{out / name}: cannot be written ({error})") from None
