"""Random animals and poses for the tests of properties."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hrpose.keypoints import KeypointMeta
from hrpose.metrics.ap.input import Detections
from hrpose.structures import Instances, Predictions

AREAS = (0.0, 500.0, 1024.0, 4000.0, 9216.0, 30000.0)
"""Below, at the edges of and within COCO's ranges."""


@st.composite
def scenes(draw: Any) -> tuple[dict[str, Any], Detections, np.ndarray, list[int]]:
    """An annotation file, detections in its images, sigmas, and the categories to evaluate.

    Coordinates and scores come from few values, so that OKS and rankings tie; there are empty
    images, missing detections, more than 20 of them, crowds, animals without a label or a box.
    """
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    keypoints, images = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    most_animals, most_found = draw(st.integers(0, 5)), draw(st.sampled_from([0, 1, 3, 8, 30]))
    category_ids = draw(st.sampled_from([[1], [3, 7]]))
    step = draw(st.sampled_from([2, 10, 40]))
    annotations: list[dict[str, Any]] = []
    rows: list[tuple[int, int, np.ndarray, np.ndarray, float]] = []
    for image_id in range(images):
        own = [
            _annotation(random, keypoints, category_ids, image_id, step)
            for _ in range(random.integers(0, most_animals + 1))
        ]
        annotations += own
        for _ in range(random.integers(0, most_found + 1)):
            copied = own[random.integers(len(own))] if own and random.random() < 0.8 else None
            pose = random.integers(0, 10, (keypoints, 2)) * step
            if copied is not None:
                pose = np.reshape(copied["keypoints"], (-1, 3))[:, :2]
                pose = pose + random.integers(-2, 3, (keypoints, 2)) * random.integers(0, step)
            seen = (random.random(keypoints) < 0.9).astype(np.float32)
            score = random.integers(0, 10) / 10
            category = copied["category_id"] if copied else random.choice(category_ids)
            rows.append((image_id, int(category), pose, seen, score))
    random.shuffle(annotations)
    for number, annotation in enumerate(annotations):
        annotation["id"] = number  # from 0
    coco = {"images": [{"id": i} for i in range(images)], "annotations": annotations}
    found = Detections(
        np.array([row[2] for row in rows], np.float32).reshape(len(rows), keypoints, 2),
        np.array([row[3] for row in rows], np.float32).reshape(len(rows), keypoints),
        np.array([row[4] for row in rows], np.float64),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
    )
    sigmas = random.choice([0.025, 0.1, 0.5], keypoints)
    return coco, found.take(random.permutation(len(rows))), sigmas, category_ids


def _annotation(
    random: np.random.Generator, keypoints: int, categories: list[int], image_id: int, step: int
) -> dict[str, Any]:
    labels = random.integers(0, 3, keypoints) * (random.random() < 0.9)
    points = random.integers(0, 10, (keypoints, 2)) * step * (labels > 0)[:, None]
    annotation = {
        "image_id": image_id,
        "category_id": int(random.choice(categories)),
        "keypoints": np.column_stack([points, labels]).astype(float).ravel().tolist(),
        "bbox": (random.integers(0, 10, 4) * float(step)).tolist(),
        "area": float(random.choice(AREAS)),
        "iscrowd": int(random.random() < 0.15),
    }
    for key in ("bbox", "area", "iscrowd"):
        if random.random() < 0.1:
            del annotation[key]
    return annotation


@st.composite
def answered(draw: Any) -> tuple[Predictions, Instances, dict[str, Any], KeypointMeta]:
    """Labelled animals, each in one of a few images, and a prediction of each."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, keypoints = draw(st.integers(1, 12)), draw(st.integers(2, 6))
    error = draw(st.sampled_from([0.0, 3.0, 30.0]))
    meta = KeypointMeta("pet", [f"k{i}" for i in range(keypoints)], sigmas=[0.1] * keypoints)
    visible = (random.random((count, keypoints)) < 0.8).astype(np.float32)
    visible[:, 0] = 1
    points = random.uniform(0, 500, (count, keypoints, 2)).astype(np.float32)
    boxes = random.uniform(40, 300, (count, 4)).astype(np.float32)
    truth = Instances(
        keypoints=points * visible[..., None],
        visible=visible,
        boxes=boxes,
        areas=boxes[:, 2] * boxes[:, 3],
        image_ids=random.integers(0, 4, count),
        annotation_ids=np.arange(count),
        box_scores=np.ones(count, np.float32),
        category_ids=np.ones(count, np.int64),
    )
    predictions = Predictions(
        keypoints=(points + error * random.normal(size=points.shape)).astype(np.float32),
        scores=random.uniform(0.3, 1, (count, keypoints)).astype(np.float32),
        index=np.arange(count),
        areas=2 * truth.areas,
    )
    return predictions, truth, coco_of(truth), meta


def coco_of(truth: Instances) -> dict[str, Any]:
    """The annotation file that `truth` could have come from."""
    triples = np.concatenate([truth.keypoints, 2 * truth.visible[..., None]], axis=2)
    return {
        "images": [{"id": int(number)} for number in np.unique(truth.image_ids)],
        "annotations": [
            {
                "id": int(truth.annotation_ids[i]),
                "image_id": int(truth.image_ids[i]),
                "category_id": int(truth.category_ids[i]),
                "keypoints": triples[i].astype(float).ravel().tolist(),
                "bbox": truth.boxes[i].astype(float).tolist(),
                "area": float(truth.areas[i]),
                "head_size": float(truth.boxes[i, 2]),
            }
            for i in range(len(truth))
        ],
    }


def scaled(
    predictions: Predictions, truth: Instances, factor: float
) -> tuple[Predictions, Instances]:
    """The same animals in images `factor` times as large."""
    return (
        replace(
            predictions,
            keypoints=predictions.keypoints * np.float32(factor),
            areas=predictions.areas * np.float32(factor**2),
        ),
        replace(
            truth,
            keypoints=truth.keypoints * np.float32(factor),
            boxes=truth.boxes * np.float32(factor),
            areas=truth.areas * np.float32(factor**2),
        ),
    )
