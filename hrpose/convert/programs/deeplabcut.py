"""DeepLabCut's labels: a project, its config.yaml, a folder of labels, or one table.

With several animals, each is an annotation with its `individual`. Body parts of the level
`single`, which are there once an image (a feeder, corners), are a category of their own. All
labels count as seen (v 2): DeepLabCut does not tell.

Legend: K keypoints of a category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from hrpose.convert.formats import ReadOptions, not_it
from hrpose.convert.images import require_images, safe_name, size_of
from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.programs.deeplabcut_table import ADVICE, DeepLabCutTable, read_table
from hrpose.errors import DataError, RunError
from hrpose.predict.inputs import natural_key
from hrpose.storage.yaml_file import read_yaml

SINGLE = "single"
"""DeepLabCut's individual that the unique body parts belong to."""
LABELS = "labeled-data"


@dataclass(frozen=True)
class _Found:
    """A table and its file."""

    path: Path
    table: DeepLabCutTable


def read(source: Path, options: ReadOptions) -> LabelSet:
    """All labels of `source`.

    Raises:
        DataError: there are none, a table is broken, or images are missing.
    """
    folder = source if source.is_dir() else source.parent
    config = _config(source)
    project = read_yaml(config) if config else {}
    notes: list[str] = []
    paths = [source] if source.is_file() and source != config else _tables(folder, project, notes)
    found = [_Found(path, read_table(path)) for path in paths]
    names = _body_parts(found, notes)
    categories = [
        Category(SINGLE if single else options.category, parts, _skeleton(project, parts))
        for single, parts in names.items()
    ]
    images: list[LabelledImage] = []
    animals: list[LabelledAnimal] = []
    about: list[dict[str, Any]] = []
    places = {single: number for number, single in enumerate(names)}
    for one in found:
        about.append(_about(one, folder, len(images)))
        first = len(images)
        images += _images(one, options)
        animals += _animals(one.table, first, names, places)
    scorer = found[0].table.scorer
    return LabelSet(
        categories,
        images,
        animals,
        [*([config] if config else []), *paths],
        notes=notes,
        about={"scorer": scorer, "tables": about},
    )


def _config(source: Path) -> Path | None:
    """The project's config.yaml: `source`, in it, or above its labels."""
    if source.suffix in (".yaml", ".yml"):
        return source
    above = [source] if source.is_dir() else []
    above += [
        folder
        for folder in source.absolute().parents[:3]
        if source.suffix or LABELS in source.parts
    ]
    return next((path for folder in above if (path := folder / "config.yaml").is_file()), None)


def _tables(folder: Path, project: dict[str, Any], notes: list[str]) -> list[Path]:
    """One table a folder: that of the project's scorer, if there are several; csv before h5."""
    everywhere = [
        sorted((folder / LABELS).rglob("CollectedData*")),
        sorted(folder.glob("CollectedData*")),
        sorted(folder.glob("*/CollectedData*")),
    ]
    files = next((files for files in everywhere if _of_tables(files)), [])
    chosen = []
    by_folder: dict[Path, dict[str, list[Path]]] = {}
    for path in _of_tables(files):
        by_folder.setdefault(path.parent, {}).setdefault(path.stem, []).append(path)
    if not by_folder:
        raise not_it(folder, "no CollectedData_<scorer>.csv or .h5", "a DeepLabCut project", ADVICE)
    for place, stems in sorted(by_folder.items(), key=lambda item: natural_key(str(item[0]))):
        stem = f"CollectedData_{project.get('scorer')}" if len(stems) > 1 else next(iter(stems))
        if stem not in stems:
            raise DataError(
                f"{place}: labels of several scorers ({', '.join(stems)}), and no config.yaml that "
                "says which; name the file"
            )
        if len(stems) > 1:
            others = ", ".join(name for name in stems if name != stem)
            notes.append(f"{place.name}: {stem} is taken, {others} left out")
        chosen.append(stems[stem][0])
        if len(stems[stem]) > 1:
            _compare(stems[stem], notes)
    return chosen


def _of_tables(files: Sequence[Path]) -> list[Path]:
    return [path for path in files if path.suffix in (".csv", ".h5") and path.is_file()]


def _compare(paths: Sequence[Path], notes: list[str]) -> None:
    """Say so where the h5, which DeepLabCut trains with, does not hold what the csv holds."""
    try:
        text, binary = map(read_table, paths)
    except RunError:
        return  # without pandas the csv is all there is
    same = [text.columns == binary.columns, len(text.rows) == len(binary.rows)]
    same += [["/".join(row) for row in text.rows] == ["/".join(row) for row in binary.rows]]
    if not all(same) or not np.array_equal(text.points, binary.points, equal_nan=True):
        notes.append(
            f"WARNING: {paths[0]} and {paths[1].name} differ: the csv is taken; DeepLabCut trains "
            "with the h5 (name the h5, or make them agree with deeplabcut.convertcsv2h5)"
        )


def _body_parts(found: Sequence[_Found], notes: list[str]) -> dict[bool, list[str]]:
    """Names of the animals' body parts (False) and of the unique ones (True), in file order."""
    names: dict[bool, dict[str, None]] = {}
    kinds: dict[tuple[tuple[str | None, str], ...], Path] = {}
    for one in found:
        kinds.setdefault(tuple(one.table.columns), one.path)
        for individual, part in one.table.columns:
            names.setdefault(individual == SINGLE, {})[part] = None
    if len(kinds) > 1:
        some = ", ".join(path.parent.name for path in list(kinds.values())[:5])
        notes.append(
            f"WARNING: the tables have {len(kinds)} kinds of columns (in {some}); body parts are "
            "matched by name, and one that a table lacks is not labelled there"
        )
    return {single: list(names[single]) for single in sorted(names)}


def _skeleton(project: dict[str, Any], parts: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of neighbours in the lists of config.yaml, where both are among `parts`."""
    pairs = []
    for chain in project.get("skeleton") or []:
        if isinstance(chain, list):
            pairs += [(str(a), str(b)) for a, b in pairwise(chain)]
    return [(a, b) for a, b in dict.fromkeys(pairs) if a in parts and b in parts and a != b]


def _images(one: _Found, options: ReadOptions) -> list[LabelledImage]:
    files = {"/".join(row): _image_file(one.path, row, options.images) for row in one.table.rows}
    looked = [*([options.images] if options.images else []), one.path.parent, *_above(one.path)]
    images = []
    for path, file in require_images(files, one.path, looked).items():
        name = _name(path, one.path)
        group = PurePosixPath(name).parent.as_posix().removeprefix(".")
        images.append(LabelledImage(name, file, size_of(file), group, path))
    return images


def _above(table: Path) -> list[Path]:
    return list(table.absolute().parents[1:4])


def _image_file(table: Path, row: Sequence[str], given: Path | None) -> Path | None:
    """The image that a row names from the project's folder, or from that of another machine."""
    parts = PureWindowsPath("/".join(row)).parts
    tails = [parts[start:] for start in range(max(0, len(parts) - 3), len(parts))]
    if len(parts) < 3:
        tails.insert(0, parts)
    bases = [given] if given else [*_above(table), table.absolute().parent]
    for tail in tails:  # the longest first
        for base in bases:
            if len(tail) == 1 and base != bases[-1]:
                continue  # the bare name counts in the table's own folder only
            if (base / Path(*tail)).is_file():
                return base / Path(*tail)
    return None


def _name(path: str, table: Path) -> str:
    """What is below labeled-data; of a path of another machine the video and the file."""
    parts = PureWindowsPath(path).parts
    if LABELS in parts:
        parts = parts[parts.index(LABELS) + 1 :]
    elif PureWindowsPath(path).root or PureWindowsPath(path).drive:
        parts = parts[-2:]
    return safe_name("/".join(parts), str(table))


def _animals(
    table: DeepLabCutTable, first: int, names: dict[bool, list[str]], places: dict[bool, int]
) -> list[LabelledAnimal]:
    """The animals of each row that have a label."""
    columns: dict[str | None, dict[int, int]] = {}  # of each individual: column, keypoint
    for number, (individual, part) in enumerate(table.columns):
        keypoint = names[individual == SINGLE].index(part)
        columns.setdefault(individual, {})[number] = keypoint
    animals = []
    for row, points in enumerate(table.points):
        for individual, own in columns.items():
            single = individual == SINGLE
            keypoints = np.full((len(names[single]), 2), np.nan)
            keypoints[list(own.values())] = points[list(own)]
            there = np.isfinite(keypoints).all(axis=1)
            if there.any():
                visible = np.where(there, 2, 0)
                animals.append(
                    LabelledAnimal(
                        first + row, places[single], keypoints, visible, individual=individual
                    )
                )
    return animals


def _about(one: _Found, folder: Path, first: int) -> dict[str, Any]:
    """What the way back needs: the columns of a table, and the ids of its images."""
    path = one.path.absolute()
    base = folder.absolute()
    return {
        "file": path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name,
        "scorer": one.table.scorer,
        "columns": [list(column) for column in one.table.columns],
        "index": len(one.table.rows[0]) if one.table.rows else 1,
        "first_image": first + 1,
        "images": len(one.table.rows),
    }
