"""The csv table: one row a frame, x, y and likelihood of each point, as DeepLabCut lays it out.

Legend: F frames, N animals, K keypoints; x, y in image px, pixel centres at integers. The header
has the rows scorer, individuals (where N > 1), bodyparts and coords; the first column is the
frame's number or the image's path. Nothing found: x and y are empty, likelihood is 0 (a NaN with
likelihood 1 ruins what comes after, DeepLabCut #1650).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hrpose.errors import DataError

COORDS = ("x", "y", "likelihood")


@dataclass
class Columns:
    """What the columns of a table are called."""

    scorer: str
    individuals: Sequence[str]
    """N names; a table of one animal does not show its name."""
    bodyparts: Sequence[str]
    """K names."""

    def header(self) -> str:
        """The first lines of the table."""
        animals, points = len(self.individuals), len(self.bodyparts)
        rows = [["scorer", *[self.scorer] * (animals * points * 3)]]
        if animals > 1:
            names = [name for name in self.individuals for _ in range(points * 3)]
            rows.append(["individuals", *names])
        rows.append(["bodyparts", *[name for name in self.bodyparts for _ in COORDS] * animals])
        rows.append(["coords", *COORDS * (animals * points)])
        return "".join(map(_line, rows))


def row(label: str, keypoints: np.ndarray, scores: np.ndarray) -> str:
    """The line of one frame.

    Args:
        keypoints: (N, K, 2) image px; where a coordinate is not finite, nothing was found.
        scores: (N, K).
    """
    cells = [_label(label)]
    flat = keypoints.reshape(-1, 2).tolist()
    for (x, y), score in zip(flat, scores.ravel().tolist(), strict=True):
        if x - x == 0 and y - y == 0 and score - score == 0:  # finite
            cells.append(f"{x:.4f},{y:.4f},{score:.4f}")
        else:
            cells.append(",,0")
    return ",".join(cells) + "\n"


@dataclass
class Table(Columns):
    """A table as arrays."""

    labels: list[str]
    """F: numbers of frames, or paths of images."""
    keypoints: np.ndarray
    """(F, N, K, 2) float64, NaN where nothing was found."""
    scores: np.ndarray
    """(F, N, K) float64."""


def read(path: Path) -> Table:
    """The table in file `path`.

    Raises:
        DataError: it is no such table, or a row is not whole.
    """
    columns, rows = open_rows(path)
    labels, points, scores = [], [], []
    for label, keypoints, likelihood in rows:
        labels.append(label)
        points.append(keypoints)
        scores.append(likelihood)
    shape = (len(labels), len(columns.individuals), len(columns.bodyparts))
    return Table(
        columns.scorer,
        columns.individuals,
        columns.bodyparts,
        labels,
        np.array(points).reshape(*shape, 2),
        np.array(scores).reshape(shape),
    )


def open_rows(path: Path) -> tuple[Columns, Iterator[tuple[str, np.ndarray, np.ndarray]]]:
    """The columns of a table, and its rows: label, keypoints (N, K, 2), scores (N, K)."""
    rows = _rows(path)
    columns = next(rows)
    return columns, rows  # type: ignore[return-value]


def _rows(path: Path) -> Iterator[object]:
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.reader(file)
        columns = _columns(path, table)
        yield columns
        shape = (len(columns.individuals), len(columns.bodyparts))
        width = 1 + shape[0] * shape[1] * 3
        for cells in table:
            if len(cells) != width:
                raise DataError(
                    f"{path}: line {table.line_num} has {len(cells)} cells, expected {width}"
                )
            numbers = np.array([float(cell) if cell else np.nan for cell in cells[1:]])
            triples = numbers.reshape(*shape, 3)
            yield cells[0], triples[..., :2], triples[..., 2]


def _columns(path: Path, table: Iterator[list[str]]) -> Columns:
    found: dict[str, list[str]] = {}
    for cells in table:
        if not cells or cells[0] not in ("scorer", "individuals", "bodyparts", "coords"):
            break
        found[cells[0]] = cells[1:]
        if cells[0] == "coords":
            break
    if not {"scorer", "bodyparts", "coords"} <= set(found):
        raise DataError(f"{path}: no table of predictions (scorer, bodyparts, coords on top)")
    individuals = list(dict.fromkeys(found.get("individuals", ["animal"])))
    bodyparts = found["bodyparts"][: len(found["bodyparts"]) // len(individuals) : len(COORDS)]
    return Columns(found["scorer"][0], individuals, bodyparts)


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    # "\r\n": else a cell that holds "\r" is not put in quotes, and no reader finds its row again
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()[:-2] + "\n"


def _label(text: str) -> str:
    """`text` as a cell, in quotes where it needs them."""
    return text if text.isdecimal() else _line([text])[:-1]
