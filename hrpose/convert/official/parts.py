"""Which images of a published data set are in which part, where its files do not say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from hrpose.convert.split import Parts
from hrpose.convert.text_files import read_json_of
from hrpose.errors import DataError


def listed_parts(root: Path, names: Sequence[str], parts: Sequence[str]) -> Parts | None:
    """The parts that somebody's files below `root` say; None where none of them is there.

    For each part, `<part>.json` is a COCO file (MMPose's published ones), `<part>.txt` a list with
    an image a line. Images are known by the last part of their names.

    Raises:
        DataError: one part has a file and another has none, or a file names an image that is not
            there, or two parts have one in common.
    """
    files = {part: _list_file(root, part) for part in parts}
    if not any(files.values()):
        return None
    places = {Path(name).name: place for place, name in enumerate(names)}
    found: Parts = {}
    for part, path in files.items():
        if path is None:
            raise DataError(f"{root}: there is no {part}.json or {part}.txt, but there are others")
        unknown = [name for name in _names_in(path) if name not in places]
        if unknown:
            raise DataError(
                f"{path}: names {len(unknown)} images that the labels do not have, the first is "
                f"{unknown[0]}"
            )
        found[part] = sorted({places[name] for name in _names_in(path)})
    first: dict[int, str] = {}
    for part, chosen in found.items():
        for place in chosen:
            if first.setdefault(place, part) != part:
                raise DataError(f"{files[part]}: {names[place]} is in {first[place]}, too")
    return found


def _list_file(root: Path, part: str) -> Path | None:
    found = [*sorted(root.rglob(f"{part}.json")), *sorted(root.rglob(f"{part}.txt"))]
    return found[0] if found else None


def _names_in(path: Path) -> list[str]:
    if path.suffix == ".txt":
        lines = path.read_text(encoding="utf-8").splitlines()
        return [Path(line.strip()).name for line in lines if line.strip()]
    content = read_json_of(path, "a COCO file", "take MMPose's annotation files, or a list (.txt)")
    try:
        return [Path(image["file_name"]).name for image in content["images"]]
    except (TypeError, KeyError):
        raise DataError(f"{path}: has no images with file_name; expected a COCO file") from None


def drawn_parts(names: Sequence[str], shares: Mapping[str, float]) -> Parts:
    """Parts drawn by the images' names: the same everywhere, whatever else is in the list.

    Args:
        shares: of each part; they add up to 1. Each image goes to one part.
    """
    order = sorted(
        range(len(names)), key=lambda place: hashlib.sha256(names[place].encode()).digest()
    )
    parts: Parts = {}
    start, share = 0, 0.0
    for part, more in shares.items():
        share += more
        end = round(share * len(names))
        parts[part] = sorted(order[start:end])
        start = end
    return parts
