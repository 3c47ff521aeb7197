"""From the entries of an annotation file to animals, or to the reason why one cannot be used.

Legend: N animals, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.datasets.coco.entry import (
    AreaFrom,
    BoxFrom,
    CleanUp,
    Entry,
    box_around,
    box_of,
    clean_box,
    coco_annotation,
    keypoints_of,
    why_not,
)
from hrpose.datasets.coco.file import CocoFile, check_category, hashable, image_size
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.storage.json_file import read_json
from hrpose.structures import Instances

LeftOut = list[tuple[Hashable, str]]


@dataclass
class Rows:
    """Animals as columns of one table, filled row by row."""

    num_keypoints: int
    boxes: list[np.ndarray] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)
    numbers: list[tuple[int, int, int]] = field(default_factory=list)
    """Image id, annotation id, category id."""
    scores: list[float] = field(default_factory=list)

    def add(
        self,
        box: np.ndarray,
        points: np.ndarray,
        area: float,
        numbers: tuple[int, int, int],
        score: float,
    ) -> None:
        """One more animal."""
        self.boxes.append(box)
        self.points.append(points)
        self.areas.append(area)
        self.numbers.append(numbers)
        self.scores.append(score)

    def exact_boxes(self) -> np.ndarray:
        """(N, 4) float64: the crop of the reference is cut around boxes that were not rounded."""
        return np.array(self.boxes, dtype=np.float64).reshape(-1, 4)

    def instances(self) -> Instances:
        """All rows; coordinates are (0, 0) where there is no label."""
        points = np.array(self.points, dtype=np.float64).reshape(-1, self.num_keypoints, 3)
        visible = points[..., 2] > 0
        numbers = np.array(self.numbers, dtype=np.int64).reshape(-1, 3)
        return Instances(
            keypoints=np.where(visible[..., None], points[..., :2], 0).astype(np.float32),
            visible=visible.astype(np.float32),
            boxes=self.exact_boxes().astype(np.float32),
            areas=np.array(self.areas, dtype=np.float32),
            image_ids=numbers[:, 0],
            annotation_ids=numbers[:, 1],
            box_scores=np.array(self.scores, dtype=np.float32),
            category_ids=numbers[:, 2],
        )


def used_categories(file: CocoFile, meta: KeypointMeta, wanted: str | None) -> list[int]:
    """Ids of the category called `wanted`, or else of all that have annotations; checked."""
    if wanted is not None:
        ids = [i for i, category in file.categories.items() if category.get("name") == wanted]
        if not ids:
            names = ", ".join(repr(category.get("name")) for category in file.categories.values())
            raise DataError(f"{file.paths[0]}: no category is called {wanted!r}; there are {names}")
    else:
        ids = sorted({_category(file, entry) for entry in file.entries})
    for category_id in ids:
        check_category(file.paths, file.categories[category_id], meta)
    return ids


def read_animals(
    file: CocoFile,
    meta: KeypointMeta,
    category_ids: Sequence[int],
    clean_up: CleanUp,
    box_from: BoxFrom = "file",
    area_from: AreaFrom = "file",
) -> tuple[Rows, list[dict[str, Any]], LeftOut]:
    """Animals that can be used, in the order of the images; the COCO annotations of all animals of
    these categories; and the annotations that are left out, each with the reason.
    """
    rows, coco, left_out = Rows(len(meta)), [], LeftOut()
    for entry in _by_image(file):
        if _category(file, entry) not in category_ids:
            left_out.append((entry.name, "of another category"))
            continue
        points = keypoints_of(str(entry), entry.content, len(meta))
        filled = np.zeros((len(meta), 3)) if points is None else points
        size = image_size(file.images[entry.image_id])
        if box_from == "keypoints":
            box = box_around(filled, size)
        else:
            box = box_of(str(entry), entry.content)
        coco.append(coco_annotation(entry, filled, box, area_from))
        area = coco[-1]["area"]
        reason = why_not(entry.content, points)
        if reason is None:
            box, reason = clean_box(box, size, clean_up, str(entry))
        if reason is None and clean_up == "mmpose" and area <= 0:
            reason = "of area 0"
        if reason is None:
            numbers = (entry.image_id, entry.id, entry.content["category_id"])
            rows.add(box, filled, area, numbers, 1.0)
        else:
            left_out.append((entry.name, reason))
    return rows, coco, left_out


def read_detections(
    path: Path, file: CocoFile, meta: KeypointMeta, category_ids: Sequence[int], least: float
) -> tuple[Rows, str, LeftOut]:
    """Boxes of a detector for the images of `file`, as listed; the SHA-256 of the list; and the
    boxes that are left out, each with the reason. Image ids are those of the first file.
    """
    detections, digest = read_json(path, "box file")
    if not (isinstance(detections, list) and all(isinstance(entry, dict) for entry in detections)):
        raise DataError(
            f"box file {path}: expected a list of detections "
            "{'image_id', 'category_id', 'bbox', 'score'}, as COCO results are"
        )
    rows, left_out = Rows(len(meta)), LeftOut()
    for place, entry in enumerate(detections):
        where = f"{path}: detection {place}"
        score = entry.get("score")
        if not isinstance(score, int | float) or abs(score) > 1e30:
            raise DataError(f"{where}: score is {score!r:.80}, expected a number")
        image_id = file.image_ids.get((0, hashable(entry.get("image_id"))))
        box, reason = clean_box(box_of(where, entry), None, "none", where)
        if not score >= least:
            reason = f"with a score below {least}"
        elif entry.get("category_id") not in category_ids:
            reason = "of another category"
        elif image_id is None or image_id not in file.images:
            reason = "on an image that the annotation file does not have"
        if reason is None and image_id is not None:
            numbers = (image_id, -1, entry["category_id"])
            area = float(box[2] * box[3])
            rows.add(box, np.zeros((len(meta), 3)), area, numbers, float(score))
        else:
            left_out.append((f"detection {place}", str(reason)))
    return rows, digest, left_out


def _category(file: CocoFile, entry: Entry) -> int:
    """Category id of an annotation; DataError where there is no such category."""
    category_id: Any = entry.content.get("category_id")
    if hashable(category_id) not in file.categories:
        known = ", ".join(f"{i} ({c.get('name')})" for i, c in file.categories.items())
        raise DataError(
            f"{entry}: category_id {category_id!r} is not among 'categories', which are {known}; "
            "give it the id of its category"
        )
    return category_id


def _by_image(file: CocoFile) -> list[Entry]:
    """The annotations in the order of the images, then of the file, as MMPose feeds them."""
    order = {image_id: place for place, image_id in enumerate(file.images)}
    return sorted(file.entries, key=lambda entry: order[entry.image_id])
