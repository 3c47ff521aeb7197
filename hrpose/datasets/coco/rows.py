"""From the entries of an annotation file to animals, or to the reason why one cannot be used.

Legend: N animals, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hrpose.datasets.coco.category import check_category
from hrpose.datasets.coco.columns import CocoAnnotations, Columns, coco_annotations
from hrpose.datasets.coco.entry import (
    AreaFrom,
    CleanUp,
    box_of,
    clean_boxes,
    first_reasons,
    in_parts,
    sound,
)
from hrpose.datasets.coco.file import CocoFile
from hrpose.datasets.coco.ids import hashable
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.storage.json_file import read_json
from hrpose.structures import Instances

LeftOut = list[tuple[Hashable, str]]


@dataclass
class Rows:
    """Animals as columns of one table."""

    boxes: np.ndarray
    """(N, 4) float64: the crop of the reference is cut around boxes that were not rounded."""
    points: np.ndarray
    """(M, K, 3) float64 x, y, v; of these and others."""
    places: np.ndarray
    """(N,) rows of `points`."""
    areas: np.ndarray
    """(N,)"""
    numbers: np.ndarray
    """(N, 3) int64 image id, annotation id, category id."""
    scores: np.ndarray
    """(N,)"""

    def instances(self) -> Instances:
        """All rows; coordinates are (0, 0) where there is no label."""
        count, keypoints = len(self.places), self.points.shape[1]
        xy = np.empty((count, keypoints, 2), np.float32)
        visible = np.empty((count, keypoints), np.float32)
        for rows in in_parts(np.arange(count)):
            points = self.points[self.places[rows]]
            seen = points[..., 2] > 0
            xy[rows] = np.where(seen[..., None], points[..., :2], 0)
            visible[rows] = seen
        return Instances(
            keypoints=xy,
            visible=visible,
            boxes=self.boxes.astype(np.float32),
            areas=self.areas.astype(np.float32),
            image_ids=self.numbers[:, 0].copy(),
            annotation_ids=self.numbers[:, 1].copy(),
            box_scores=self.scores.astype(np.float32),
            category_ids=self.numbers[:, 2].copy(),
        )


def used_categories(file: CocoFile, meta: KeypointMeta, wanted: str | None) -> list[int]:
    """Ids of the category called `wanted`, or else of all that have annotations; checked."""
    if wanted is not None:
        ids = [i for i, category in file.categories.items() if category.get("name") == wanted]
        if not ids:
            names = ", ".join(repr(category.get("name")) for category in file.categories.values())
            raise DataError(f"{file.paths[0]}: no category is called {wanted!r}; there are {names}")
    else:
        ids = np.unique(file.category_ids).tolist()
    for category_id in ids:
        check_category(file.paths, file.categories[category_id], meta)
    return ids


def animals_of(
    columns: Columns, clean_up: CleanUp, area_from: AreaFrom = "file"
) -> tuple[Rows, CocoAnnotations, LeftOut]:
    """Animals that can be used, in the order of the images and then of the file, as MMPose feeds
    them; the COCO annotations of all; and the annotations that are left out, each with the reason.
    """
    file, coco = columns.file, coco_annotations(columns, area_from)
    order, boxes = coco.order, columns.boxes[coco.order]
    reasons: list[str | None] = []
    for part in in_parts(order):
        reasons += _why_not(columns.points[part], columns.bare[part], columns.crowd[part])
    kept = _without(reasons)
    boxes[kept], why = clean_boxes(
        boxes[kept],
        columns.sizes[order[kept]],
        clean_up,
        lambda row: str(columns.entry(int(order[kept[row]]))),
    )
    for row, reason in zip(kept.tolist(), why, strict=True):
        if reason is None and clean_up == "mmpose" and coco.areas[order[row]] <= 0:
            reason = "of area 0"
        reasons[row] = reason
    dropped = [(int(columns.rows[order[row]]), why) for row, why in enumerate(reasons) if why]
    dropped += [(row, "of another category") for row in columns.others.tolist()]
    place, number = file.image_rows, file.annotations.numbers
    dropped.sort(key=lambda one: (place[one[0]], number[one[0]]))
    kept = _without(reasons)
    places = order[kept]
    used = columns.rows[places]
    numbers = (file.images.ids[file.image_rows[used]], file.ids[used], file.category_ids[used])
    rows = Rows(
        boxes[kept],
        columns.points,
        places,
        coco.areas[places],
        np.stack(numbers, axis=1),
        np.ones(len(kept)),
    )
    return rows, coco, [(file.entry(row).name, why) for row, why in dropped]


def _without(reasons: list[str | None]) -> np.ndarray:
    """Rows of those that can be used."""
    return np.array([row for row, reason in enumerate(reasons) if reason is None], np.intp)


def _why_not(points: np.ndarray, bare: np.ndarray, crowd: np.ndarray) -> list[str | None]:
    """Why the keypoints (N, K, 3) of annotations cannot be used, None where they can."""
    labelled = points[..., 2] > 0
    return first_reasons(
        {
            "marked iscrowd": crowd,
            "without keypoints": bare,
            "with a labelled keypoint that is not finite": ~(
                sound(points) | (points[..., 2] == 0)
            ).all(axis=1),
            "without a labelled keypoint": ~labelled.any(axis=1),
        }
    )


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
    boxes, areas, numbers, scores, left_out = [], [], [], [], LeftOut()
    found = [box_of(f"{path}: detection {place}", entry) for place, entry in enumerate(detections)]
    unknown = np.full((len(found), 2), np.nan)
    _, reasons = clean_boxes(np.array(found).reshape(-1, 4), unknown, "none", str)
    for place, (entry, box, reason) in enumerate(zip(detections, found, reasons, strict=True)):
        score = entry.get("score")
        if not isinstance(score, int | float) or abs(score) > 1e30:
            raise DataError(f"{path}: detection {place}: score is {score!r:.80}, expected a number")
        image_id = file.images.find(0, hashable(entry.get("image_id")))
        if not score >= least:
            reason = f"with a score below {least}"
        elif entry.get("category_id") not in category_ids:
            reason = "of another category"
        elif image_id is None:
            reason = "on an image that the annotation file does not have"
        if reason is None and image_id is not None:
            boxes.append(box)
            areas.append(float(box[2] * box[3]))
            numbers.append((image_id, -1, entry["category_id"]))
            scores.append(float(score))
        else:
            left_out.append((f"detection {place}", str(reason)))
    rows = Rows(
        np.array(boxes, np.float64).reshape(-1, 4),
        np.zeros((1, len(meta), 3)),
        np.zeros(len(boxes), np.intp),
        np.array(areas, np.float64),
        np.array(numbers, np.int64).reshape(-1, 3),
        np.array(scores, np.float64),
    )
    return rows, digest, left_out
