"""All that a data set takes from its annotation files: plain data, which other processes can map.

Legend: N animals, K keypoints; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.datasets.cache.mapped import by_file, once_a_machine
from hrpose.datasets.coco.columns import CocoAnnotations, read_columns
from hrpose.datasets.coco.entry import AreaFrom, BoxFrom, CleanUp
from hrpose.datasets.coco.file import CocoFile, read_coco
from hrpose.datasets.coco.rows import LeftOut, animals_of, read_detections, used_categories
from hrpose.datasets.faults.fault import Fault
from hrpose.datasets.faults.labels import faults_of
from hrpose.datasets.faults.table import label_table
from hrpose.keypoints import KeypointMeta
from hrpose.storage.json_file import check_folder
from hrpose.structures import Instances


@dataclass(frozen=True)
class Choice:
    """What is taken from the files, as `CocoPoseDataset` names it; paths as they are opened."""

    files: Sequence[Path]
    folders: Sequence[Path]
    """Which must be there."""
    meta: KeypointMeta
    file_names: str | None
    category: str | None
    box: BoxFrom
    area: AreaFrom
    box_clean_up: CleanUp
    max_left_out: float
    box_file: Path | None
    box_score_thr: float
    crop: str


@dataclass(eq=False)
class CocoLabels:
    """The animals of a data set and where they come from."""

    file: CocoFile
    annotations: CocoAnnotations
    animals: Instances
    boxes: np.ndarray
    """(N, 4) float64"""
    rows: np.ndarray | None
    """(N,) rows of the animals in the file; None of a detector's boxes."""
    left_out: LeftOut
    faults: list[Fault]
    categories: list[dict[str, Any]]
    digest: str
    """SHA-256, in hex, of all that decides which animals there are."""


ForkingPickler.register(CocoLabels, by_file)


def labels_of(owner: object, choice: Choice) -> CocoLabels:
    """What is chosen; of the processes of a run on this machine only the first reads the files.

    Args:
        owner: the labels are kept for the other processes as long as it lives.

    Raises:
        DataError: a file or folder is missing or broken, or does not fit the keypoints.
    """
    files = [*choice.files, *([choice.box_file] if choice.box_file else [])]
    try:
        states = [path.stat() for path in files]
    except OSError:
        return read_labels(choice)  # which says what is wrong
    # a file that changes as the run begins is read anew, and the processes say that they differ
    name = [(path.absolute(), state.st_size, state.st_mtime_ns)
            for path, state in zip(files, states, strict=True)]  # fmt: skip
    size = 2 * sum(state.st_size for state in states)
    return once_a_machine(owner, repr((name, choice)), size, lambda: read_labels(choice))


def read_labels(choice: Choice) -> CocoLabels:
    """As `labels_of`, for this process alone."""
    file = read_coco(choice.files, choice.file_names)
    for folder in choice.folders:
        check_folder(folder, "image folder")
    category_ids = used_categories(file, choice.meta, choice.category)
    columns = read_columns(file, choice.meta, category_ids, choice.box, choice.area)
    rows, annotations, left_out = animals_of(columns, choice.box_clean_up, choice.area)
    table = label_table(columns, choice.meta)
    faults = faults_of(table, file, category_ids, left_out, choice.max_left_out)
    made_from: list[object] = [
        *file.digests, choice.file_names, choice.box_clean_up, choice.category
    ]  # fmt: skip
    made_from += [name for name in (choice.box, choice.area) if name != "file"]
    made_from += ["frame"] if choice.crop == "frame" else []
    if choice.box_file is not None:
        rows, digest, unused = read_detections(
            choice.box_file, file, choice.meta, category_ids, choice.box_score_thr
        )
        left_out += unused
        made_from += [digest, choice.box_score_thr]
    file.annotations.contents = {}  # of what is odd, which nobody asks for now
    return CocoLabels(
        file=file,
        annotations=annotations,
        animals=rows.instances(),
        boxes=rows.boxes,
        rows=columns.rows[rows.places] if choice.box_file is None else None,
        left_out=left_out,
        faults=faults,
        categories=[file.categories[category_id] for category_id in category_ids],
        digest=hashlib.sha256(repr(made_from).encode()).hexdigest(),
    )
