"""From the entries of an annotation file to animals, or to the reason why one cannot be used.

Legend: N animals, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hrpose.datasets.coco.columns import CocoAnnotations, Columns, category_of, coco_annotations
from hrpose.datasets.coco.entry import (
    AreaFrom,
    CleanUp,
    box_of,
    clean_boxes,
    first_reasons,
    sound,
)
from hrpose.datasets.coco.file import CocoFile, check_category, hashable
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
    """(N, K, 3) float64 x, y, v."""
    areas: Sequence[float]
    numbers: Sequence[tuple[int, int, int]]
    """Image id, annotation id, category id."""
    scores: np.ndarray
    """(N,)"""

    def instances(self) -> Instances:
        """All rows; coordinates are (0, 0) where there is no label."""
        visible = self.points[..., 2] > 0
        numbers = np.array(self.numbers, dtype=np.int64).reshape(-1, 3)
        return Instances(
            keypoints=np.where(visible[..., None], self.points[..., :2], 0).astype(np.float32),
            visible=visible.astype(np.float32),
            boxes=self.boxes.astype(np.float32),
            areas=np.array(self.areas, dtype=np.float32),
            image_ids=numbers[:, 0],
            annotation_ids=numbers[:, 1],
            box_scores=self.scores.astype(np.float32),
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
        ids = sorted({category_of(file, entry) for entry in file.entries})
    for category_id in ids:
        check_category(file.paths, file.categories[category_id], meta)
    return ids


def animals_of(
    columns: Columns, clean_up: CleanUp, area_from: AreaFrom = "file"
) -> tuple[Rows, CocoAnnotations, LeftOut]:
    """Animals that can be used, in the order of the images and then of the file, as MMPose feeds
    them; the COCO annotations of all; and the annotations that are left out, each with the reason.
    """
    entries, file = columns.entries, columns.file
    place = {image_id: number for number, image_id in enumerate(file.images)}
    order = np.argsort([place[entry.image_id] for entry in entries], kind="stable").astype(np.intp)
    coco = coco_annotations(columns, order, area_from)
    points, boxes, sizes = columns.points[order], columns.boxes[order], columns.sizes[order]
    reasons = _why_not(points, columns.bare[order], columns.crowd[order])
    kept = np.array([row for row, reason in enumerate(reasons) if reason is None], np.intp)
    boxes[kept], why = clean_boxes(
        boxes[kept], sizes[kept], clean_up, lambda row: str(entries[order[kept[row]]])
    )
    for row, reason in zip(kept.tolist(), why, strict=True):
        if reason is None and clean_up == "mmpose" and coco.areas[row] <= 0:
            reason = "of area 0"
        reasons[row] = reason
    dropped = [(entries[order[row]], why) for row, why in enumerate(reasons) if why is not None]
    dropped += [(entry, "of another category") for entry in columns.others]
    dropped.sort(key=lambda one: (place[one[0].image_id], one[0].number))
    kept = np.array([row for row, reason in enumerate(reasons) if reason is None], np.intp)
    numbers = [(coco.ids[row][1], coco.ids[row][0], coco.ids[row][2]) for row in kept.tolist()]
    areas = [coco.areas[row] for row in kept.tolist()]
    rows = Rows(boxes[kept], points[kept], areas, numbers, np.ones(len(kept)))
    return rows, coco, [(entry.name, why) for entry, why in dropped]


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
        image_id = file.image_ids.get((0, hashable(entry.get("image_id"))))
        if not score >= least:
            reason = f"with a score below {least}"
        elif entry.get("category_id") not in category_ids:
            reason = "of another category"
        elif image_id is None or image_id not in file.images:
            reason = "on an image that the annotation file does not have"
        if reason is None and image_id is not None:
            boxes.append(box)
            areas.append(float(box[2] * box[3]))
            numbers.append((image_id, -1, entry["category_id"]))
            scores.append(float(score))
        else:
            left_out.append((f"detection {place}", str(reason)))
    points = np.zeros((len(boxes), len(meta), 3))
    crops = np.array(boxes, np.float64).reshape(-1, 4)
    return Rows(crops, points, areas, numbers, np.array(scores)), digest, left_out
