"""The one place that knows xtcocotools and pycocotools: AP and AR of poses, from arrays.

The two evaluators differ in how they treat annotation id 0, detections without a visible point,
`num_keypoints` and sigmas. Here all four are settled before either is called, so that both give
the same ten numbers to the last bit, and those of `ap_matching`, which this is the referee of.

Legend: K keypoints; coordinates image px, areas px squared.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from hrpose.environment import require
from hrpose.errors import RunError
from hrpose.metrics.ap.input import Animals, Detections
from hrpose.metrics.ap.numbers import STATS


def ten_numbers_of(
    animals: Animals,
    detections: Detections,
    sigmas: np.ndarray,
    category_ids: Sequence[int],
    images: np.ndarray,
    package: str,
) -> np.ndarray:
    """(10,) `STATS`, NaN where there is nothing to average.

    Args:
        detections: as `ap_input.usable` leaves them.
        sigmas: (K,).
        category_ids: those of the animals.
        images: (I,) sorted ids of all images.
        package: 'xtcocotools' or 'pycocotools'.
    """
    coco_module, eval_module = modules(package)
    sides = []
    with contextlib.redirect_stdout(io.StringIO()):
        for rows in (_truth_rows(animals, images), _detection_rows(detections, images)):
            side = coco_module.COCO()
            side.dataset = {
                "images": [{"id": number} for number in range(1, len(images) + 1)],
                "categories": [{"id": number} for number in category_ids],
                "annotations": rows,
            }
            side.createIndex()
            sides.append(side)
        evaluator = eval_module.COCOeval(*sides, "keypoints")
        # each of the two reads its own one
        evaluator.sigmas = evaluator.params.kpt_oks_sigmas = np.asarray(sigmas, np.float64)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    numbers = np.array(evaluator.stats[: len(STATS)], dtype=np.float64)
    return np.where(numbers < 0, np.nan, numbers)


def modules(package: str) -> tuple[ModuleType, ModuleType]:
    """The two modules of the evaluator `package`; ValueError where it cannot be used."""
    try:
        coco, cocoeval = (
            require(f"{package}.{name}", "coco", f"evaluator {package!r}")
            for name in ("coco", "cocoeval")
        )
    except RunError as problem:
        raise ValueError(f"{problem}, or leave 'evaluator' out: its numbers are the same") from None
    return coco, cocoeval


def _truth_rows(animals: Animals, images: np.ndarray) -> list[dict[str, Any]]:
    """Annotations with ids from 1 and every key that the evaluators read."""
    points = np.concatenate([animals.keypoints, animals.labelled[..., None]], axis=2)
    return [
        {
            "id": i + 1,
            "image_id": image_id + 1,
            "category_id": category_id,
            "keypoints": points[i].reshape(-1),
            "num_keypoints": np.count_nonzero(animals.labelled[i]),
            "bbox": animals.boxes[i].tolist(),
            "area": area,
            "iscrowd": int(crowd),
        }
        for i, (image_id, category_id, area, crowd) in enumerate(
            zip(
                np.searchsorted(images, animals.image_ids).tolist(),
                animals.category_ids.tolist(),
                animals.areas.tolist(),
                animals.crowd.tolist(),
                strict=True,
            )
        )
    ]


def _detection_rows(detections: Detections, images: np.ndarray) -> list[dict[str, Any]]:
    """Detections with ids from 1."""
    points = np.concatenate([detections.keypoints, detections.scores[..., None]], axis=2)
    points = points.astype(np.float64)
    return [
        {
            "id": i + 1,
            "image_id": image_id + 1,
            "category_id": category_id,
            "keypoints": points[i].reshape(-1),
            "score": score,
            "area": area,
        }
        for i, (image_id, category_id, score, area) in enumerate(
            zip(
                np.searchsorted(images, detections.image_ids).tolist(),
                detections.category_ids.tolist(),
                detections.instance_scores.tolist(),
                detections.areas().tolist(),
                strict=True,
            )
        )
    ]
