"""Predictions as a COCO results file, which evaluators of any origin read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.metrics.ap.coco_ap import VIS_THR
from hrpose.metrics.ap.oks import instance_scores
from hrpose.metrics.results.ids import source_ids
from hrpose.storage.whole_file import write_whole
from hrpose.structures import Instances, Predictions


def write_predictions(
    predictions: Predictions, truth: Instances, path: str | Path, coco: dict[str, Any] | None = None
) -> None:
    """Write one row an instance, in the order of the data set; `path` is replaced as a whole.

    A row has image_id, category_id, annotation_id (not for a detector's box), keypoints
    [x, y, score] * K in image px, score, as `CocoAP` has it by default before suppression, and
    area, that of the crop, which suppression needs.
    Numbers have the fewest digits that give the same float32 again; null stands for one that is not
    finite. There is no bbox: COCO's evaluators would take an instance's area from it instead of
    from its keypoints, and find other AP(M) and AP(L) than we do.

    Args:
        coco: the ground truth, for the ids as its files have them; see `source_ids`.
    """
    names = [source_ids((coco or {}).get(part, ())) for part in ("images", "annotations")]
    content = result_rows(predictions, truth, *names)
    rows = ",\n".join(json.dumps(row, allow_nan=False) for row in content)
    write_whole(Path(path), f"[\n{rows}\n]\n")


def result_rows(
    predictions: Predictions,
    truth: Instances,
    images: Mapping[int, Any] | None = None,
    annotations: Mapping[int, Any] | None = None,
) -> list[dict[str, Any]]:
    """The rows that `write_predictions` writes, with the ids that numbers of `images` and
    `annotations` stand for.
    """
    images, annotations = images or {}, annotations or {}
    order = np.argsort(predictions.index, kind="stable")
    index = predictions.index[order]
    scores = predictions.scores[order]
    triples = np.concatenate([predictions.keypoints[order], scores[..., None]], axis=2)
    totals = instance_scores(scores, truth.box_scores[index], VIS_THR)
    rows = []
    for place, points, total, area in zip(
        index.tolist(),
        _shortest(triples.reshape(len(index), 3 * triples.shape[1])),
        _shortest(totals),
        _shortest(predictions.areas[order]),
        strict=True,
    ):
        image_id, number = int(truth.image_ids[place]), int(truth.annotation_ids[place])
        row = {
            "image_id": images.get(image_id, image_id),
            "category_id": int(truth.category_ids[place]),
            "annotation_id": annotations.get(number, number),
            "score": total,
            "area": area,
            "keypoints": points,
        }
        if number < 0:
            del row["annotation_id"]
        rows.append(row)
    return rows


def _shortest(values: np.ndarray) -> list[Any]:
    """`values` as nested lists of floats that print short and round to the same float32."""
    exact = values.astype(np.float32)
    short = exact.astype(str).astype(np.float64)
    nested = short.astype(object)
    nested[~np.isfinite(exact)] = None
    return nested.tolist()
