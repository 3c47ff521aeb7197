"""Painted animals instead of photographs: a data set without a file, with exact ground truth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.base import PoseDataset
from hrpose.datasets.transforms import Transform
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances

if TYPE_CHECKING:
    from hrpose.animals import Scene

_EDITION = 2  # of the animals: one more when what is drawn changes
_BODY, _PAINT = 1, 2  # streams of random numbers; the transforms' own is the plain (seed, epoch, i)


@register
class SyntheticAnimals(PoseDataset):
    """Horses, donkeys, calves and dogs from the side, drawn when they are asked for.

    Animal i is a function of `seed` and i (and of the epoch, if `fresh`); other seeds are other
    animals, so a held-out set is one with another seed. `truth` and `coco` do not draw.
    The keypoints are Horse-10's, Near on the side that faces the camera, whichever way it looks.

    Args:
        length: how many animals.
        seed: of the animals; augmentation has its own.
        keypoints: all or some of Horse-10's, in any order.
        fresh: new animals in every epoch; `truth` and `coco` are then those of epoch 0.
        image_size: width and height of the images in px.
    """

    record_keys = (*PoseDataset.record_keys, "image")

    def __init__(
        self,
        length: int,
        seed: int,
        keypoints: KeypointMeta,
        pipeline: Sequence[Transform],
        fresh: bool = False,
        image_size: tuple[int, int] = (176, 176),
    ) -> None:
        from hrpose.animals import KEYPOINTS, TILE  # only where animals are drawn

        if length < 1:
            raise ValueError(f"length {length}: must be at least 1")
        if seed < 0:
            raise ValueError(f"seed {seed}: must be 0 or more")
        if len(image_size) != 2 or not all(48 <= side <= TILE for side in image_size):
            raise ValueError(f"image_size {tuple(image_size)}: width and height from 48 to {TILE}")
        unknown = [name for name in keypoints.names if name not in KEYPOINTS]
        if unknown:
            raise ValueError(f"keypoints: no {unknown[0]!r} on these animals; {list(KEYPOINTS)}")
        super().__init__(keypoints, pipeline)
        self.length = length
        self.animal_seed = seed
        self.fresh = fresh
        self.image_size = (int(image_size[0]), int(image_size[1]))
        self._order = [KEYPOINTS.index(name) for name in keypoints.names]

    def __len__(self) -> int:
        return self.length

    def record(self, index: int, epoch: int) -> dict[str, Any]:
        """Animal `index` of `epoch`, drawn: `image` (h, w, 3) uint8 RGB, and its ground truth."""
        from hrpose.animals import render

        scene = self._scene(index, epoch)
        keypoints, visibility = self._labels(scene)
        return {
            "image_path": self.describe(index),
            "image": render(scene, self._stream(index, epoch, _PAINT)),
            "box": scene.box,
            "keypoints": keypoints,
            "visible": (visibility > 0).astype(np.float32),
            "index": index,
        }

    def truth(self) -> Instances:
        """The animals of epoch 0; the area is that of the box."""
        keypoints, visibility, boxes = self._layout
        count = np.arange(self.length, dtype=np.int64)
        return Instances(
            keypoints=keypoints,
            visible=(visibility > 0).astype(np.float32),
            boxes=boxes,
            areas=boxes[:, 2] * boxes[:, 3],
            image_ids=count,
            annotation_ids=count + 1,
            box_scores=np.ones(self.length, np.float32),
            category_ids=np.ones(self.length, np.int64),
        )

    def coco(self) -> dict[str, Any]:
        """The animals of epoch 0 as a COCO dict: v is 2 in sight, 1 hidden, 0 outside the image."""
        keypoints, visibility, boxes = self._layout
        width, height = self.image_size
        images, annotations = [], []
        for index in range(self.length):
            name = f"{index:06d}.png"
            images.append({"id": index, "file_name": name, "width": width, "height": height})
            points = np.column_stack([keypoints[index].astype(float), visibility[index]])
            box = boxes[index].astype(float)
            annotations.append(
                {
                    "id": index + 1,
                    "image_id": index,
                    "category_id": 1,
                    "bbox": box.tolist(),
                    "area": float(boxes[index, 2] * boxes[index, 3]),
                    "iscrowd": 0,
                    "num_keypoints": int((visibility[index] > 0).sum()),
                    "keypoints": [value for x, y, v in points.tolist() for value in (x, y, int(v))],
                }
            )
        names = list(self.meta.names)
        skeleton = [[start + 1, end + 1] for start, end in self.meta.skeleton_ids]
        category = {"id": 1, "name": "animal", "keypoints": names, "skeleton": skeleton}
        return {"images": images, "annotations": annotations, "categories": [category]}

    def digest(self) -> str:
        """SHA-256 of the arguments that decide which animals there are."""
        parts = [_EDITION, self.length, self.animal_seed, self.fresh, self.image_size]
        text = json.dumps([*parts, list(self.meta.names)])
        return hashlib.sha256(text.encode()).hexdigest()

    def describe(self, index: int) -> str:
        """The animal's name in a message."""
        return f"synthetic animal {index} of seed {self.animal_seed}"

    @cached_property
    def _layout(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Keypoints (N, K, 2), visibility (N, K) and boxes (N, 4) of epoch 0."""
        scenes = [self._scene(index, 0) for index in range(self.length)]
        labels = [self._labels(scene) for scene in scenes]
        keypoints, visibility = (np.stack(arrays) for arrays in zip(*labels, strict=True))
        return keypoints, visibility, np.stack([scene.box for scene in scenes])

    def _stream(self, index: int, epoch: int, purpose: int) -> np.random.Generator:
        entropy = (self.animal_seed, epoch if self.fresh else 0, index, purpose)
        return np.random.default_rng(entropy)

    def _scene(self, index: int, epoch: int) -> Scene:
        from hrpose.animals import make_scene

        return make_scene(self.image_size, self._stream(index, epoch, _BODY))

    def _labels(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """In the meta's order: keypoints (K, 2), 0 where outside the image; visibility (K,)."""
        visibility = scene.visibility[self._order]
        keypoints = scene.keypoints[self._order] * (visibility > 0)[:, None]
        return keypoints.astype(np.float32), visibility


def write_coco(dataset: SyntheticAnimals, folder: str | Path) -> Path:
    """Writes the animals of epoch 0 as `folder`/images/*.png and `folder`/annotations.json.

    Returns the path of the annotation file.
    """
    folder = Path(folder)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    coco = dataset.coco()
    for index, image in enumerate(coco["images"]):
        path = folder / "images" / image["file_name"]
        pixels = dataset.record(index, 0)["image"]
        if not cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)):
            raise DataError(f"{path}: cannot be written")
    annotations = folder / "annotations.json"
    annotations.write_text(json.dumps(coco))
    return annotations
