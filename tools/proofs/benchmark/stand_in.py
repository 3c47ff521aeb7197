"""Animals made from a seed, for what needs no photographs: resident crops, and scoring.

Legend: N animals, K keypoints; coordinates are image px.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.transforms import Transform
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances, Predictions

_WIDTH, _HEIGHT = 640, 480
_IN_AN_IMAGE = (0.7, 0.2, 0.1)
"""Share of images with 1, 2 and 3 animals."""
_LABELLED = 0.9
_ERRORS = (0.005, 0.05)
"""Standard deviation of a prediction, in sizes of the animal (root of its area): of the best and of
the worst animal; between the two it grows evenly in its logarithm."""
_LOST, _LOST_ERROR = 0.05, 0.3
"""Share of points that are found somewhere else on the animal, and their standard deviation."""


def random_animals(count: int, num_keypoints: int, seed: int = 0) -> Instances:
    """`count` animals of 100 to 240 px in images of 640 x 480 px, nine of ten points labelled."""
    rng = np.random.default_rng(seed)
    sizes = rng.uniform(100, 240, (count, 2))
    corners = rng.uniform(0, 1, (count, 2)) * ((_WIDTH, _HEIGHT) - sizes)
    within = rng.uniform(0, 1, (count, num_keypoints, 2))
    visible = rng.uniform(size=(count, num_keypoints)) < _LABELLED
    visible[:, 0] = True
    keypoints = np.where(visible[..., None], corners[:, None] + within * sizes[:, None], 0)
    per_image = rng.choice(np.arange(1, 4), size=count, p=_IN_AN_IMAGE)
    return Instances(
        keypoints=keypoints.astype(np.float32),
        visible=visible.astype(np.float32),
        boxes=np.concatenate([corners, sizes], axis=1).astype(np.float32),
        areas=sizes.prod(axis=1).astype(np.float32),
        image_ids=np.repeat(np.arange(1, count + 1), per_image)[:count],
        annotation_ids=np.arange(1, count + 1),
        box_scores=np.ones(count, np.float32),
        category_ids=np.ones(count, np.int64),
    )


def random_predictions(truth: Instances, seed: int = 0) -> Predictions:
    """One answer an animal, from close to the truth to far from it; worse ones score lower."""
    rng = np.random.default_rng(seed)
    count, num_keypoints = truth.visible.shape
    quality = rng.uniform(0, 1, count)
    spread = _ERRORS[0] * (_ERRORS[1] / _ERRORS[0]) ** quality * np.sqrt(truth.areas)
    lost = rng.uniform(size=(count, num_keypoints)) < _LOST
    spread = np.where(lost, _LOST_ERROR * np.sqrt(truth.areas)[:, None], spread[:, None])
    moved = rng.standard_normal((count, num_keypoints, 2)) * spread[..., None]
    scores = 1 - 0.7 * quality[:, None] + rng.normal(0, 0.1, (count, num_keypoints))
    return Predictions(
        keypoints=(truth.keypoints + moved).astype(np.float32),
        scores=np.clip(scores, 0.01, 1).astype(np.float32),
        index=np.arange(count),
        areas=(truth.areas * 1.5).astype(np.float32),
    )


def coco_of(truth: Instances) -> dict[str, Any]:
    """The annotation file that `truth` could have come from."""
    triples = np.concatenate([truth.keypoints, 2 * truth.visible[..., None]], axis=2)
    annotations = [
        {
            "id": int(truth.annotation_ids[row]),
            "image_id": int(truth.image_ids[row]),
            "category_id": 1,
            "keypoints": triples[row].reshape(-1).tolist(),
            "num_keypoints": int(truth.visible[row].sum()),
            "bbox": truth.boxes[row].tolist(),
            "area": float(truth.areas[row]),
            "iscrowd": 0,
        }
        for row in range(len(truth))
    ]
    images = [
        {"id": int(number), "width": _WIDTH, "height": _HEIGHT}
        for number in np.unique(truth.image_ids)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1}]}


class RandomAnimals(PoseDataset):
    """`random_animals` on one photograph of noise: crops of the right kind without any file."""

    record_keys = (*PoseDataset.record_keys, "image")

    def __init__(
        self, length: int, keypoints: KeypointMeta, pipeline: Sequence[Transform], seed: int = 0
    ) -> None:
        super().__init__(keypoints, pipeline)
        self._animals = random_animals(length, len(keypoints), seed)
        noise = np.random.default_rng(seed).integers(0, 256, (_HEIGHT, _WIDTH, 3), dtype=np.uint8)
        self._image = noise

    def __len__(self) -> int:
        return len(self._animals)

    def record(self, index: int, epoch: int) -> dict[str, Any]:
        """See `PoseDataset.record`."""
        return {
            "image_path": "",
            "image": self._image,
            "box": self._animals.boxes[index],
            "keypoints": self._animals.keypoints[index],
            "visible": self._animals.visible[index],
            "index": index,
        }

    def truth(self) -> Instances:
        """All animals."""
        return self._animals

    def coco(self) -> dict[str, Any]:
        """See `coco_of`."""
        return coco_of(self._animals)

    def digest(self) -> str:
        """The length decides everything."""
        return f"{len(self)} random animals"
