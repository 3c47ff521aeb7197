"""Small instances made by hand, and the reference's cases, for the tests of the metrics."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances, Labels, Predictions

META = KeypointMeta("pet", ["nose", "eye", "paw"], sigmas=[0.1, 0.1, 0.2])


def instances(keypoints: Any, visible: Any = None, boxes: Any = None, **changes: Any) -> Instances:
    """One image an animal, 1000 px wide boxes of area 10^4, ids from 0, all labelled."""
    keypoints = np.asarray(keypoints, np.float32)
    count, num_keypoints = keypoints.shape[:2]
    if boxes is None:
        boxes = np.tile([0, 0, 1000, 10], (count, 1))
    boxes = np.asarray(boxes, np.float32)
    shown = np.ones((count, num_keypoints)) if visible is None else visible
    fields = {
        "keypoints": keypoints,
        "visible": np.asarray(shown, np.float32),
        "boxes": boxes,
        "areas": boxes[:, 2] * boxes[:, 3],
        "image_ids": np.arange(count),
        "annotation_ids": np.arange(count),
        "box_scores": np.ones(count, np.float32),
        "category_ids": np.ones(count, np.int64),
    }
    return Instances(**{**fields, **changes})


def predictions(keypoints: Any, scores: Any = 1.0, index: Any = None) -> Predictions:
    keypoints = np.asarray(keypoints, np.float32)
    count, num_keypoints = keypoints.shape[:2]
    return Predictions(
        keypoints=keypoints,
        scores=np.broadcast_to(np.asarray(scores, np.float32), (count, num_keypoints)).copy(),
        index=np.arange(count) if index is None else np.asarray(index),
        areas=np.full(count, 1e4, np.float32),
    )


def coco_of(truth: Instances) -> dict[str, Any]:
    """The annotation file that `truth` could have come from."""
    triples = np.concatenate([truth.keypoints, 2 * truth.visible[..., None]], axis=2)
    return {
        "images": [{"id": int(number)} for number in np.unique(truth.image_ids)],
        "categories": [{"id": int(number)} for number in np.unique(truth.category_ids)],
        "annotations": [
            {
                "id": int(truth.annotation_ids[i]),
                "image_id": int(truth.image_ids[i]),
                "category_id": int(truth.category_ids[i]),
                "keypoints": triples[i].reshape(-1).tolist(),
                "bbox": truth.boxes[i].tolist(),
                "area": float(truth.areas[i]),
                "iscrowd": 0,
            }
            for i in range(len(truth))
        ],
    }


def read_json(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def truth_of(coco: dict[str, Any]) -> Instances:
    """All annotations with a labelled point, as the data sets of the reference take them."""
    rows = [a for a in coco["annotations"] if max(a["keypoints"]) > 0]
    triples = np.array([a["keypoints"] for a in rows], np.float32).reshape(len(rows), -1, 3)
    return instances(
        triples[..., :2],
        triples[..., 2] > 0,
        [a["bbox"] for a in rows],
        areas=np.array([a["area"] for a in rows], np.float32),
        image_ids=np.array([a["image_id"] for a in rows]),
        annotation_ids=np.array([a["id"] for a in rows]),
        category_ids=np.array([a["category_id"] for a in rows]),
    )


def golden_case(folder: Path, name: str) -> tuple[Predictions, Instances, dict, KeypointMeta]:
    """Predictions, truth, annotation file and keypoints of one of the reference's cases.

    Horse-10 answers annotations; the others answer boxes of a detector, which have none.
    """
    coco = read_json(folder / f"truth_{name}.json.gz")
    meta = read_json(folder / "results.json.gz")["meta"][name]
    file = np.load(folder / f"pred_{name}.npz")
    count = len(file["keypoints"])
    answers = Predictions(file["keypoints"], file["scores"], np.arange(count), file["areas"])
    if name == "horse10":
        truth = truth_of(coco)
    else:
        truth = instances(
            np.zeros_like(file["keypoints"]),
            np.zeros_like(file["scores"]),
            np.zeros((count, 4)),
            image_ids=file["image_ids"].astype(np.int64),
            annotation_ids=np.full(count, -1),
            box_scores=file["box_scores"],
        )
    return answers, truth, coco, KeypointMeta(name, meta["names"], sigmas=meta["sigmas"])


def labels(truth: Instances, coco: dict[str, Any] | None = None) -> Labels:
    """`truth` with the keypoints of `META`; without `coco` for metrics that do not look at it."""
    return Labels(truth, coco or {}, META)
