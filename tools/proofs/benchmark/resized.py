"""A data set made longer or shorter, so that a measurement takes the time that it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hrpose.datasets.base import PoseDataset
from hrpose.structures import Instances, Labels


class Resized:
    """`length` animals: evenly spread ones of a data set, or all of them several times over.

    A copy is an animal of its own in an image of its own, read as in another epoch, so that it is
    moved at random in its own way. All else is the data set's own.
    """

    def __init__(self, dataset: PoseDataset, length: int) -> None:
        count = len(dataset)
        places = np.arange(length)
        self._dataset = dataset
        self._rows = places % count if length > count else places * count // length
        self._copies = places // count

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_dataset" not in self.__dict__:  # while it is unpickled
            raise AttributeError(name)
        return getattr(self._dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        own = name in ("_dataset", "_rows", "_copies")
        object.__setattr__(self if own else self._dataset, name, value)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Any]:
        return self.__getitems__([key if isinstance(key, tuple) else (0, int(key))])[0]

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """The samples of one batch; `index` is that among the `length` animals."""
        epochs = int(self._copies[-1]) + 1
        inner = [(epoch * epochs + int(self._copies[i]), int(self._rows[i])) for epoch, i in keys]
        samples = self._dataset.__getitems__(inner)
        for sample, (_, index) in zip(samples, keys, strict=False):
            if "error" not in sample:
                sample["index"] = index
        return samples

    def record(self, index: int, epoch: int) -> dict[str, Any]:
        """See `PoseDataset.record`."""
        return {**self._dataset.record(int(self._rows[index]), epoch), "index": index}

    def describe(self, index: int) -> str:
        """See `PoseDataset.describe`."""
        return self._dataset.describe(int(self._rows[index]))

    def truth(self) -> Instances:
        """All animals; those of a copy have ids of their own."""
        images, annotations = self._strides()
        truth = self._dataset.truth().take(self._rows)
        truth.image_ids = truth.image_ids + self._copies * images
        moved = truth.annotation_ids + self._copies * annotations
        truth.annotation_ids = np.where(truth.annotation_ids < 0, -1, moved)
        return truth

    def labels(self) -> Labels:
        """See `PoseDataset.labels`."""
        return Labels(self.truth(), self.coco(), self._dataset.meta)

    def coco(self) -> dict[str, Any]:
        """The images of all copies with all their annotations."""
        coco, truth = self._dataset.coco(), self._dataset.truth()
        image_step, annotation_step = self._strides()
        whole: dict[str, Any] = {**coco, "images": [], "annotations": []}
        for copy in range(int(self._copies[-1]) + 1):
            shown = set(truth.image_ids[self._rows[self._copies == copy]].tolist())
            for image in coco["images"]:
                if image["id"] in shown:
                    whole["images"].append({**image, "id": image["id"] + copy * image_step})
            for row in coco["annotations"]:
                if row["image_id"] in shown:
                    moved = {
                        "id": row["id"] + copy * annotation_step,
                        "image_id": row["image_id"] + copy * image_step,
                    }
                    whole["annotations"].append({**row, **moved})
        return whole

    def _strides(self) -> tuple[int, int]:
        """How far apart the ids of two copies lie, of images and of annotations."""
        coco = self._dataset.coco()
        images, annotations = (
            max((row["id"] for row in coco[name]), default=0) + 1
            for name in ("images", "annotations")
        )
        return images, annotations
