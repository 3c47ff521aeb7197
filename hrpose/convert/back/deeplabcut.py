"""To DeepLabCut's labels: `labeled-data/<video>/CollectedData_<scorer>.csv` and `.h5` with images.

Labels that came from DeepLabCut get their own tables again: files, rows and columns in their order,
numbers to the last digit. Others get a table a group of images. DST may be one table, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.convert.back.files import Back
from hrpose.convert.images import bring, refuse_existing, require_images, safe_name
from hrpose.convert.label_set import LabelledAnimal, LabelledImage
from hrpose.convert.programs.deeplabcut import LABELS, SINGLE
from hrpose.convert.programs.deeplabcut_table import DeepLabCutTable, write_csv, write_h5
from hrpose.environment import require
from hrpose.errors import DataError, RunError

SCORER = "hrpose"
_SUFFIXES = (".csv", ".h5")
_FOR_H5 = ("pandas", "tables")

Column = tuple[str | None, str]


@dataclass(frozen=True)
class _Plan:
    """A table to write.

    Args:
        file: below the destination.
        columns: individual (None where there are none) and body part of each pair x, y.
        places: of its images, row by row.
        rows: what each row is called.
        targets: where its images go, below the destination.
    """

    file: str
    scorer: str
    columns: Sequence[Column]
    places: Sequence[int]
    rows: Sequence[tuple[str, ...]]
    targets: Sequence[str]


def write(back: Back) -> list[Path]:
    """The tables, and in a folder the images.

    Raises:
        DataError: the labels do not fit into the table, or images are missing.
    """
    kept = back.about.get("tables") if back.about.get("format") == "deeplabcut" else None
    plans = _kept(back, kept) if kept else _new(back)
    one_table = back.out.suffix in _SUFFIXES
    if one_table:
        plans = [_joined(plans, back.out)]
    elif not _writes_h5():
        back.say("without the extra dlc no .h5 is written; deeplabcut.convertcsv2h5 makes it")
    if back.out.suffix == ".h5":
        for module in _FOR_H5:
            require(module, "dlc", "writing .h5")
    files = [(plan, path) for plan in plans for path in _paths(back.out, plan, one_table)]
    refuse_existing([path for _, path in files], back.overwrite)
    if not one_table:
        _bring_images(back, plans)
    tables = {plan.file: _table(back, plan) for plan in plans}
    for plan, path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        (write_csv if path.suffix == ".csv" else write_h5)(tables[plan.file], path)
    return [path for _, path in files]


def _paths(out: Path, plan: _Plan, one_table: bool) -> list[Path]:
    if one_table:
        return [out]
    csv = (out / plan.file).with_suffix(".csv")
    return [csv, csv.with_suffix(".h5")] if _writes_h5() else [csv]


def _writes_h5() -> bool:
    """Whether the extra dlc is there."""
    return all(find_spec(module) is not None for module in _FOR_H5)


def _kept(back: Back, tables: Sequence[Mapping[str, Any]]) -> list[_Plan]:
    """The tables that the labels came from; images that are not here have no row."""
    plans = []
    for about in tables:
        first, count = about["first_image"], about["images"]
        places = [place for place, i in enumerate(back.ids) if first <= i < first + count]
        if not places:
            continue
        paths = [str(back.labels.images[place].source_id) for place in places]
        deep = int(about["index"])
        rows = [tuple(path.rsplit("/", deep - 1)) if deep > 1 else (path,) for path in paths]
        targets = [_target(back.labels.images[place]) for place in places]
        columns: list[Column] = [(individual, part) for individual, part in about["columns"]]
        name = safe_name(about["file"], "info.tables")
        file = name if name.startswith(LABELS) else _beside(name, targets)
        plans.append(_Plan(file, about["scorer"], columns, places, rows, targets))
    return plans


def _beside(name: str, targets: Sequence[str]) -> str:
    """A table that lay alone, or above its images, as DeepLabCut has it: beside them if they are
    in one folder.
    """
    folders = {target.rpartition("/")[0] for target in targets}
    folder = folders.pop() if len(folders) == 1 else LABELS
    return f"{folder}/{Path(name).name}"


def _target(image: LabelledImage) -> str:
    return f"{LABELS}/{image.name}"


def _new(back: Back) -> list[_Plan]:
    """A table a group of images, all with the same columns."""
    columns = _columns(back)
    scorer = str(back.about.get("scorer") or SCORER)
    groups: dict[str, list[int]] = {}
    for place, image in enumerate(back.labels.images):
        folder = image.name.rpartition("/")[0]
        groups.setdefault((folder or image.group or "images").replace("/", "_"), []).append(place)
    plans = []
    for group, places in groups.items():
        names = [back.labels.images[place].name.rpartition("/")[2] for place in places]
        rows = [(LABELS, group, name) for name in names]
        file = f"{LABELS}/{group}/CollectedData_{scorer}.csv"
        plans.append(_Plan(file, scorer, columns, places, rows, ["/".join(row) for row in rows]))
    return plans


def _columns(back: Back) -> list[Column]:
    """Of one animal its body parts; of several those of each, named by the labels or by number."""
    categories = back.labels.categories
    plain = [place for place, one in enumerate(categories) if one.name != SINGLE]
    if len(plain) > 1:
        names = ", ".join(categories[place].name for place in plain)
        raise DataError(
            f"{back.labels.files[0]}: {len(plain)} categories ({names}); a DeepLabCut project has "
            "one: convert each in a file of its own"
        )
    parts = {place: list(one.keypoints) for place, one in enumerate(categories)}
    named = {a.individual: None for a in back.labels.animals if a.category in plain}
    most = max(sum(a.category in plain for a in animals) for animals in back.animals_of())
    if most <= 1 and set(named) <= {None} and len(categories) == 1:
        return [(None, part) for part in parts[plain[0]]]
    individuals = [name for name in named if name is not None]
    number = 1
    while len(individuals) < most:
        if f"animal{number}" not in individuals:
            individuals.append(f"animal{number}")
        number += 1
    columns: list[Column] = [(one, part) for one in individuals for k in plain for part in parts[k]]
    singles = [place for place in parts if place not in plain]
    return columns + [(SINGLE, part) for place in singles for part in parts[place]]


def _table(back: Back, plan: _Plan) -> DeepLabCutTable:
    """The labels of the images of `plan`, NaN where there is none."""
    index = {column: number for number, column in enumerate(plan.columns)}
    individuals = list(dict.fromkeys(individual for individual, _ in plan.columns))
    points = np.full((len(plan.places), len(plan.columns), 2), np.nan)
    animals = back.animals_of()
    for row, place in enumerate(plan.places):
        name = back.labels.images[place].name
        for animal, individual in _seats(animals[place], individuals, name):
            parts = back.labels.categories[animal.category].keypoints
            for part, point, seen in zip(parts, animal.keypoints, animal.visible, strict=True):
                if seen and (individual, part) not in index:
                    raise DataError(f"{name}: {part!r} is labelled, and the table has no column")
                if seen:
                    points[row, index[individual, part]] = point
    return DeepLabCutTable(plan.scorer, plan.columns, plan.rows, points)


def _seats(
    animals: Sequence[LabelledAnimal], individuals: Sequence[str | None], name: str
) -> list[tuple[LabelledAnimal, str | None]]:
    """Each animal of an image with the individual that it is; the unnamed take what is free."""
    taken = [(one, one.individual) for one in animals if one.individual in individuals]
    named = [individual for _, individual in taken]
    free = [one for one in individuals if one not in named and one != SINGLE]
    others = [one for one in animals if one.individual not in individuals]
    if len(set(named)) < len(named) or len(others) > len(free):
        raise DataError(
            f"{name}: {len(animals)} animals, of which the table has room for {len(individuals)}; "
            "give each its own 'individual', or remove what is too much"
        )
    return taken + list(zip(others, free, strict=False))


def _joined(plans: Sequence[_Plan], out: Path) -> _Plan:
    """All tables as one."""
    first = plans[0]
    for other in plans[1:]:
        if list(other.columns) != list(first.columns) or len(other.rows[0]) != len(first.rows[0]):
            raise RunError(
                f"{out}: the tables {first.file} and {other.file} have other columns; name a folder"
            )
    places = [place for plan in plans for place in plan.places]
    rows = [row for plan in plans for row in plan.rows]
    targets = [target for plan in plans for target in plan.targets]
    return _Plan(first.file, first.scorer, first.columns, places, rows, targets)


def _bring_images(back: Back, plans: Sequence[_Plan]) -> None:
    images, files = [], {}
    for plan in plans:
        for place, target in zip(plan.places, plan.targets, strict=True):
            image = back.labels.images[place]
            assert isinstance(image.source, Path)
            files[image.name] = image.source if image.source.is_file() else None
            images.append(LabelledImage(target, image.source, image.size))
    source = back.labels.files[0]
    require_images(files, source, [source.parent])
    bring(images, back.out, False, back.overwrite)
