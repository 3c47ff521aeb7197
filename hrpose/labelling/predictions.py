"""Tables of predictions of a video: hrpose's and DeepLabCut's, csv and h5.

Both have the header rows scorer, individuals (of several animals), bodyparts and coords. What is
missing is empty or NaN, or -1 in x, y and likelihood (DeepLabCut); here it is NaN with score 0.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from hrpose.environment import require
from hrpose.errors import DataError
from hrpose.predict.tables.csv_table import COORDS, Table
from hrpose.storage.plain_hdf5 import plain_pickles

_LEVELS = ("scorer", "individuals", "bodyparts", "coords")


def read_predictions(path: Path) -> Table:
    """The table in file `path`, its labels the numbers of frames, ascending.

    Raises:
        DataError: it is no such table, or not that of a video.
        RunError: an h5 file, without the extra `dlc`.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file, expected a table of predictions (.csv or .h5)")
    if path.suffix.lower() == ".h5":
        header, labels, values = _read_h5(path)
    elif path.suffix.lower() == ".csv":
        header, labels, values = _read_csv(path)
    else:
        raise DataError(f"{path}: expected a table of predictions, .csv or .h5")
    if not labels:
        raise DataError(f"{path}: a table without rows")
    _check_labels(path, labels)
    individuals, bodyparts = _layout(path, header)
    triples = values.reshape(len(labels), len(individuals), len(bodyparts), 3)
    points, scores = triples[..., :2].copy(), triples[..., 2].copy()
    missing = ~np.isfinite(triples).all(axis=-1) | (triples == -1).all(axis=-1)
    points[missing], scores[missing] = np.nan, 0
    return Table(header["scorer"][0], individuals, bodyparts, labels, points, scores)


def _read_csv(path: Path) -> tuple[dict[str, list[str]], list[str], np.ndarray]:
    header: dict[str, list[str]] = {}
    labels: list[str] = []
    values: list[np.ndarray] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            for cells in rows:
                if cells and cells[0] in _LEVELS and not labels:
                    header[cells[0]] = cells[1:]
                    continue
                width = 1 + len(header.get("coords", ()))
                if width == 1:
                    raise DataError(_no_table(path, list(header)))
                if len(cells) != width:
                    raise DataError(
                        f"{path}: line {rows.line_num} has {len(cells)} cells, expected {width}"
                    )
                labels.append(cells[0])
                values.append(_numbers(f"{path}: line {rows.line_num}", cells[1:]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a csv table ({error})") from None
    return header, labels, np.array(values)


def _numbers(where: str, cells: list[str]) -> np.ndarray:
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None


def _read_h5(path: Path) -> tuple[dict[str, list[str]], list[str], np.ndarray]:
    pandas = require("pandas", "dlc", f"reading {path}")
    require("tables", "dlc", f"reading {path}")
    try:
        with plain_pickles(path):
            frame = pandas.read_hdf(path)
        names = list(frame.columns.names)
        header = {
            name: [str(cell) for cell in frame.columns.get_level_values(name)]
            for name in _LEVELS
            if name in names
        }
        labels = [str(label) for label in frame.index]
        return header, labels, frame.to_numpy(np.float64)
    except DataError:
        raise
    except Exception as error:  # pandas, PyTables and HDF5 have no common kind of error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path}: cannot be read as a table of pandas ({reason})") from None


def _layout(path: Path, header: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """Names of the animals and of their body parts, where each animal has all of them."""
    if not {"scorer", "bodyparts", "coords"} <= set(header):
        raise DataError(_no_table(path, list(header)))
    width = len(header["coords"])
    animals = header.get("individuals", ["animal"] * width)
    individuals = list(dict.fromkeys(animals))
    count = width // (3 * len(individuals)) if individuals else 0
    bodyparts = header["bodyparts"][: 3 * count : 3]
    expected = [
        (animal, part, coord) for animal in individuals for part in bodyparts for coord in COORDS
    ]
    found = list(zip(animals, header["bodyparts"], header["coords"], strict=False))
    if not found or found != expected or len(set(bodyparts)) < len(bodyparts):
        raise DataError(
            f"{path}: expected x, y, likelihood of the same body parts in the same order for each "
            f"animal ({len(individuals)} in {width} columns); labels without likelihood, and "
            "DeepLabCut's unique body parts beside several animals, are no such table"
        )
    return individuals, bodyparts


def _no_table(path: Path, found: list[str]) -> str:
    return (
        f"{path}: no table of predictions: expected rows scorer, bodyparts and coords on top, "
        f"found {', '.join(found) or 'none of them'}"
    )


def _check_labels(path: Path, labels: list[str]) -> None:
    for before, label in zip([None, *labels], labels, strict=False):
        if not label.isdecimal():
            raise DataError(f"{path}: row {label!r}: expected the number of a frame of a video")
        if before is not None and int(label) <= int(before):
            raise DataError(f"{path}: row {label} after row {before}: expected ascending numbers")
