"""The labels of a data set, or of some of its images, without any image."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset


@dataclass
class Labels:
    """What predictions are compared with."""

    truth: Instances
    coco: dict[str, Any]
    meta: KeypointMeta

    @classmethod
    def of(cls, dataset: PoseDataset) -> Labels:
        """All labels of a data set."""
        return cls(dataset.truth(), dataset.coco(), dataset.meta)

    def image_ids(self) -> set[int]:
        """Ids of all images."""
        return {part["id"] for part in self.coco["images"]}

    def only(self, image_ids: set[int]) -> Labels:
        """The labels of some images."""
        rows = np.flatnonzero(np.isin(self.truth.image_ids, sorted(image_ids)))
        coco = {
            **self.coco,
            "images": [part for part in self.coco["images"] if part["id"] in image_ids],
            "annotations": [
                part for part in self.coco["annotations"] if part["image_id"] in image_ids
            ],
        }
        return Labels(self.truth.take(rows), coco, self.meta)


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
