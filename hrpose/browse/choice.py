"""Which animals of a data set are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from hrpose.config.typecheck import did_you_mean
from hrpose.datasets.base import PoseDataset
from hrpose.errors import DataError


def choose(dataset: PoseDataset, count: int, seed: int) -> list[int]:
    """`count` animals drawn with `seed`, or all; indices in the order of the data set."""
    drawn = np.random.default_rng(seed).permutation(len(dataset))[:count]
    return sorted(int(index) for index in drawn)


def find(dataset: PoseDataset, ids: Sequence[str]) -> list[int]:
    """The animals that `ids` name: ids of annotations, or file names of images or their stems.

    Raises:
        DataError: one names nothing; the others may.
    """
    names = _names(dataset)
    unknown = [name for name in ids if name not in names]
    if unknown:
        left_out = {str(name): reason for name, reason in dataset.left_out}
        why = [
            f"{name!r} is left out: {left_out[name]}"
            if name in left_out
            else f"{name!r} is no annotation id, file name or stem of the animals used"
            + did_you_mean(name, names)
            for name in unknown
        ]
        raise DataError("--ids: " + "; ".join(why))
    return list(dict.fromkeys(index for name in ids for index in names[name]))


def _names(dataset: PoseDataset) -> dict[str, list[int]]:
    """All that an animal can be called, and the animals of that name; ids come first."""
    by_id: dict[str, list[int]] = {}
    by_file: dict[str, list[int]] = {}
    for index in range(len(dataset)):
        place = dataset.place(index)
        if place.annotation_id is not None:
            by_id.setdefault(str(place.annotation_id), []).append(index)
        path = PurePath(place.file_name)
        for called in {place.file_name, path.name, path.stem} - {""}:
            by_file.setdefault(called, []).append(index)
    return {**by_file, **by_id}
