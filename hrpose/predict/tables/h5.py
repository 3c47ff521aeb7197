"""The table for pandas: `<stem>.h5`, read by `pandas.read_hdf(path)`.

Key `df_with_missing`, float64, columns scorer[, individuals], bodyparts, coords, as DeepLabCut and
`movement` expect them. The format is pandas' fixed one: the appendable one keeps all names of
columns in one attribute of 64 KiB, which 30 animals of 39 points are too many for.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrpose.predict.tables import csv_table
from hrpose.predict.tables.formats import Finished
from hrpose.storage.whole_file import draft_for_library

if TYPE_CHECKING:
    import pandas as pd

KEY = "df_with_missing"


def write(finished: Finished) -> list[Path]:
    """`<stem>.h5`: the csv table with its row labels; NaN, and likelihood 0, for nothing found."""
    table = csv_table.read(finished.table)
    path = finished.places.file(".h5")
    save(frame_of(table, len(table.individuals) > 1), path)
    return [path]


def frame_of(table: csv_table.Table, individuals: bool) -> pd.DataFrame:
    """`table` as pandas has it.

    Args:
        individuals: whether the columns have a level for the animals.
    """
    import pandas as pd

    names = ["scorer", "individuals", "bodyparts", "coords"]
    levels = [[table.scorer], table.individuals, table.bodyparts, csv_table.COORDS]
    if not individuals:
        del names[1], levels[1]
    values = np.concatenate([table.keypoints, table.scores[..., None]], axis=-1)
    labels = table.labels
    numbered = all(label.isdecimal() for label in labels)
    return pd.DataFrame(
        values.reshape(len(labels), -1),
        index=[int(label) for label in labels] if numbered else labels,
        columns=pd.MultiIndex.from_product(levels, names=names),
    )


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write `frame` to the HDF5 file `path`, which is there whole or not at all."""
    with draft_for_library(path) as draft, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names of columns are pickled, as DeepLabCut's are
        frame.to_hdf(draft, key=KEY, mode="w", format="fixed")
