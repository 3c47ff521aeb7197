"""One table of DeepLabCut's labels, `CollectedData_<scorer>.csv` or `.h5`: read and written.

Header rows are scorer, with several animals individuals, then bodyparts and coords. A row is called
by its image's path, in one column (or index) or in three: labeled-data, video, file.

Legend: N rows, C pairs of columns x, y (K body parts, of each individual).
"""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hrpose.convert.formats import not_it, shown
from hrpose.environment import require
from hrpose.errors import DataError
from hrpose.predict.tables import h5
from hrpose.storage.plain_hdf5 import MAGIC, plain_pickles
from hrpose.storage.whole_file import write_whole

EXPECTED = "a table of DeepLabCut's labels (header rows scorer, bodyparts, coords)"
ADVICE = "name the project's config.yaml, or a CollectedData_<scorer>.csv in its labeled-data"
_LEVELS = (["scorer", "bodyparts", "coords"], ["scorer", "individuals", "bodyparts", "coords"])


@dataclass(frozen=True)
class DeepLabCutTable:
    """The labels of some images.

    Args:
        columns: of each pair x, y its individual (None where there are none) and body part.
        rows: the parts of each image's path: one, or three.
        points: (N, C, 2) image px, pixel centres at integers; NaN where there is no label.
    """

    scorer: str
    columns: Sequence[tuple[str | None, str]]
    rows: Sequence[tuple[str, ...]]
    points: np.ndarray


def read_table(path: Path) -> DeepLabCutTable:
    """The table in the file `path`.

    Raises:
        DataError: it cannot be read, or is another kind of file.
        RunError: it is an h5, and the packages for that are not there.
    """
    try:
        with path.open("rb") as file:
            binary = file.read(len(MAGIC)) == MAGIC
        return _read_h5(path) if binary else _read_csv(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def write_csv(table: DeepLabCutTable, path: Path) -> None:
    """As DeepLabCut writes it: numbers in the shortest form that gives them back exactly."""
    columns = [(table.scorer, *column) for column in table.columns]
    levels = _LEVELS[_has_individuals(table)]
    deep = len(table.rows[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for level, name in enumerate(levels[:-1]):
        cells = [[part for part in column if part is not None][level] for column in columns]
        writer.writerow([name, *[""] * (deep - 1), *(cell for cell in cells for _ in "xy")])
    writer.writerow([levels[-1], *[""] * (deep - 1), *["x", "y"] * len(columns)])
    for row, points in zip(table.rows, table.points, strict=True):
        values = points.ravel().tolist()
        writer.writerow([*row, *("" if math.isnan(v) else repr(v) for v in values)])
    write_whole(path, text.getvalue())


def write_h5(table: DeepLabCutTable, path: Path) -> None:
    """As DeepLabCut writes it, key df_with_missing; the extra `dlc` is there."""
    import pandas as pd

    columns = [
        tuple(part for part in (table.scorer, *column, coord) if part is not None)
        for column in table.columns
        for coord in "xy"
    ]
    names = [row[0] for row in table.rows]
    index = names if len(table.rows[0]) == 1 else pd.MultiIndex.from_tuples(table.rows)
    frame = pd.DataFrame(
        table.points.reshape(len(table.rows), -1),
        index=index,
        columns=pd.MultiIndex.from_tuples(columns, names=_LEVELS[_has_individuals(table)]),
    )
    h5.save(frame, path)


def _has_individuals(table: DeepLabCutTable) -> bool:
    return any(individual is not None for individual, _ in table.columns)


def _read_csv(path: Path) -> DeepLabCutTable:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise not_it(path, f"no text of cells ({error})", EXPECTED, ADVICE) from None
    heads = []
    for line in lines[:4]:
        heads.append(line[0].strip().lower() if line else "")
        if heads[-1] == "coords":
            break
    if heads not in _LEVELS:
        raise _not_labels(path, lines)
    head, body = lines[: len(heads)], [line for line in lines[len(heads) :] if any(line)]
    deep = 3 if len(head[0]) > 3 and not head[0][1] and not head[0][2] else 1
    wide = len(head[-1])
    for number, line in enumerate([*head, *body], 1):
        if len(line) != wide:
            raise DataError(f"{path}: row {number} has {len(line)} cells, the header has {wide}")
    labels = list(zip(*(line[deep:] for line in head), strict=True))
    values = np.full((len(body), wide - deep), np.nan)
    for row, line in enumerate(body):
        values[row] = [_number(path, line[0], cell) for cell in line[deep:]]
    return _table(path, labels, [tuple(line[:deep]) for line in body], values)


def _not_labels(path: Path, lines: Sequence[Sequence[str]]) -> DataError:
    first = ",".join(lines[0]) if lines else ""
    if first.lower().startswith(("scorer;", "scorer\t")):
        return not_it(
            path,
            f"cells parted by {first[6]!r}, as a spreadsheet saves them",
            "commas",
            "save it with commas and decimal points, or name the .h5 beside it",
        )
    return not_it(path, f"a first line {shown(first)}" if first else "nothing", EXPECTED, ADVICE)


def _number(path: Path, row: str, cell: str) -> float:
    """A cell; empty, or NaN, is no label."""
    try:
        value = float(cell) if cell.strip() else math.nan
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise DataError(
            f"{path}: row {row!r} has {cell!r}, expected a number of px or nothing; mend the cell"
        )
    return value


def _read_h5(path: Path) -> DeepLabCutTable:
    pd = require("pandas", "dlc", f"reading {path.name}")
    require("tables", "dlc", f"reading {path.name}")
    try:
        with (
            plain_pickles(path),
            warnings.catch_warnings(),
            pd.HDFStore(path, mode="r") as store,
        ):
            warnings.simplefilter("ignore")
            keys = store.keys()
            frame = store[f"/{h5.KEY}" if f"/{h5.KEY}" in keys else keys[0]]
    except IndexError:
        raise not_it(path, "an HDF5 file without a table of pandas", EXPECTED, ADVICE) from None
    except (KeyError, TypeError, ValueError, AttributeError, ImportError) as error:
        raise not_it(
            path, f"an HDF5 file that pandas cannot read ({error})", EXPECTED, ADVICE
        ) from None
    names = list(getattr(frame.columns, "names", []))
    if names not in _LEVELS:
        raise not_it(path, f"a table with columns called {shown(names)}", EXPECTED, ADVICE)
    labels = [tuple(map(str, column)) for column in frame.columns]
    rows = [tuple(map(str, row if isinstance(row, tuple) else (row,))) for row in frame.index]
    try:
        values = frame.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise not_it(path, f"cells that are no numbers ({error})", EXPECTED, ADVICE) from None
    if np.isinf(values).any():
        row = rows[int(np.argwhere(np.isinf(values))[0, 0])]
        raise DataError(f"{path}: row {row[-1]!r} holds an infinite number; mend the cell")
    return _table(path, labels, rows, values)


def _table(
    path: Path, labels: Iterable[Sequence[str]], rows: list[tuple[str, ...]], values: np.ndarray
) -> DeepLabCutTable:
    """Of columns called `labels`: scorer, maybe individual, body part, coordinate."""
    scorers: dict[str, None] = {}
    columns: dict[tuple[str | None, str], dict[str, int]] = {}
    for number, label in enumerate(labels):
        scorers[label[0]] = None
        key = (label[1] if len(label) == 4 else None, label[-2])
        coords = columns.setdefault(key, {})
        if label[-1] == "likelihood":
            raise not_it(
                path, "a likelihood, which predictions have", EXPECTED,
                "labels are in CollectedData_<scorer>.csv; correct machine labels in "
                "napari-deeplabcut and save them there",
            )  # fmt: skip
        if label[-1] not in ("x", "y") or label[-1] in coords:
            raise DataError(f"{path}: column {'/'.join(label)} is there twice, or is no x or y")
        coords[label[-1]] = number
    for key, coords in columns.items():
        if len(coords) != 2:
            raise DataError(f"{path}: {key[1]!r} has {next(iter(coords))} alone; expected x and y")
    if len(scorers) != 1:
        raise not_it(path, f"{len(scorers)} scorers ({shown(list(scorers))})", "one", ADVICE)
    if len(set(rows)) < len(rows):
        twice = next(row for place, row in enumerate(rows) if row in rows[:place])
        raise DataError(f"{path}: row {'/'.join(twice)} is there twice; keep one of them")
    pairs = np.array([[coords["x"], coords["y"]] for coords in columns.values()], int)
    points = values[:, pairs.reshape(-1, 2)]
    return DeepLabCutTable(next(iter(scorers)), list(columns), rows, points)
