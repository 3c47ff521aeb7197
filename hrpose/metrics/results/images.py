"""Which images to score: those that a list names."""

from __future__ import annotations

import csv
from pathlib import Path

from hrpose.errors import DataError
from hrpose.structures import Labels


def image_list(source: str, labels: Labels) -> set[int]:
    """Ids of the images named in a text file, one a line, or in a column, `FILE.csv:COLUMN`.

    Raises:
        DataError: the file cannot be read, or names no image of the data set.
    """
    names = set(_names(source))
    ids = {part["id"] for part in labels.coco["images"] if part["file_name"] in names}
    if not ids:
        example = labels.coco["images"][0]["file_name"]
        raise DataError(
            f"{source}: none of its {len(names)} names is a file_name of the annotations; one of "
            f"those is {example!r}"
        )
    return ids


def _names(source: str) -> list[str]:
    file, _, column = source.rpartition(":") if ".csv:" in source else (source, "", "")
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"list of images {file}: cannot be read: {problem}") from None
    if not column:
        return [line.strip() for line in text.splitlines() if line.strip()]
    rows = csv.DictReader(text.splitlines())
    if column not in (rows.fieldnames or ()):
        raise DataError(f"{file}: has no column {column!r}; there are {rows.fieldnames}")
    return [row[column] for row in rows if row[column]]
