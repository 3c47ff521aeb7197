"""From a frame and a box to the crop that the network sees, as the page's test pipeline cuts it.

Legend: K keypoints; h, w the crop; box x, y, w, h image px.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hrpose.datasets.transforms import Transform
    from hrpose.keypoints import KeypointMeta


class Cropper:
    """Cuts crops by the transforms of a page, so that the same box gives the crop of `hrpose test`.

    Args:
        pipeline: the page's `test_pipeline`.
    """

    def __init__(self, pipeline: Sequence[Transform], meta: KeypointMeta) -> None:
        self.pipeline, self.meta = tuple(pipeline), meta
        self._rng = np.random.default_rng(0)  # a test pipeline draws nothing

    def __call__(self, image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The crop (h, w, 3) uint8 and its matrix (2, 3) float64 from image px to input px.

        Args:
            image: (H, W, 3) uint8 RGB.
            box: (4,) float64; its width and height must be above 0.
        """
        count = len(self.meta)
        sample: dict[str, Any] = {
            "image_path": "",
            "image": image,
            "image_size": None,
            "region": None,
            "out": None,
            "meta": self.meta,
            "box": np.asarray(box, np.float64),
            "keypoints": np.zeros((count, 2), np.float32),
            "visible": np.zeros(count, np.float32),
            "index": 0,
        }
        for transform in self.pipeline:
            sample = transform(sample, self._rng)
        return sample["image"], sample["matrix"]

    def area(self, box: np.ndarray) -> float:
        """The area of the crop around `box`, in image px squared."""
        crop, matrix = self(np.zeros((1, 1, 3), np.uint8), box)
        return crop.shape[0] * crop.shape[1] / abs(float(np.linalg.det(matrix[:, :2])))

    def enlarges(self, box: np.ndarray) -> bool:
        """Whether the crop around `box` has more pixels than the image has there."""
        _, matrix = self(np.zeros((1, 1, 3), np.uint8), box)
        return abs(float(np.linalg.det(matrix[:, :2]))) > 1
