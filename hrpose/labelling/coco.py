"""`<video>.suggested.json`: images and annotations of a COCO file, to correct and to train with."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from hrpose.geometry import box_around
from hrpose.labelling.output import Suggested, SuggestedFiles
from hrpose.storage.whole_file import write_whole

SURE = 0.3
"""Points with this likelihood or more are visible (v 2); others have v 0, and x and y 0."""


def write(where: SuggestedFiles, found: Suggested) -> None:
    """The file; an animal of which no point is sure has no annotation."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index, picture in enumerate(found.chosen):
        row, (wide, high) = picture.candidate.row, picture.size
        name = f"{found.video.stem}/{found.name(index)}"
        entry: dict[str, Any] = {"id": index + 1, "file_name": name, "width": wide, "height": high}
        images.append({**entry, "frame": picture.candidate.number, "why": picture.candidate.why})
        for points, scores in zip(found.table.keypoints[row], found.table.scores[row], strict=True):
            sure = (scores >= SURE) & np.isfinite(points).all(axis=1)
            if sure.any():
                own = _annotation(points, scores, sure, picture.size)
                number = {"id": len(annotations) + 1, "image_id": index + 1, "category_id": 1}
                annotations.append({**number, **own})
    category = {
        "id": 1,
        "name": found.meta.dataset,
        "keypoints": list(found.meta.names),
        "skeleton": [[start + 1, end + 1] for start, end in found.meta.skeleton_ids],
    }
    content = {"images": images, "annotations": annotations, "categories": [category]}
    write_whole(where.tables[0], json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _annotation(
    points: np.ndarray, scores: np.ndarray, sure: np.ndarray, size: tuple[int, int]
) -> dict[str, Any]:
    """Of points (K, 2) with scores (K,), in an image of size (W, H)."""
    triples = np.where(sure[:, None], np.column_stack([points, np.full(len(points), 2)]), 0)
    box = box_around(points[sure], size)
    return {
        "keypoints": triples.round(4).ravel().tolist(),
        "num_keypoints": int(sure.sum()),
        "bbox": box.round(2).tolist(),
        "box_from": "keypoints",
        "area": round(float(box[2] * box[3]), 2),
        "iscrowd": 0,
        "score": round(float(scores.mean()), 4),
    }
