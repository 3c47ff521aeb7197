"""`init_model` and `inference_topdown`, as users of MMPose 1.x know them.

Legend: N boxes, K keypoints; coordinates in image px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hrpose.api.load import load_model
from hrpose.predict.pose import Pose
from hrpose.predict.sources import read_picture


@dataclass
class PredInstances:
    """What is found in one box."""

    keypoints: np.ndarray
    """(1, K, 2) float64."""
    keypoint_scores: np.ndarray
    """(1, K) float64."""
    bboxes: np.ndarray
    """(1, 4) float64 x1, y1, x2, y2."""
    bbox_scores: np.ndarray
    """(1,) ones."""


@dataclass
class PoseDataSample:
    """The result for one box."""

    pred_instances: PredInstances


def init_model(
    config: str | Path,
    checkpoint: str | Path,
    device: str | None = None,
    cfg_options: dict[str, Any] | None = None,
) -> Pose:
    """A trained model for `inference_topdown`; see `load_model`."""
    return load_model(config, checkpoint, device, cfg_options)


def inference_topdown(
    model: Pose,
    img: np.ndarray | str | Path,
    bboxes: np.ndarray | Sequence[Sequence[float]] | None = None,
    bbox_format: Literal["xyxy", "xywh"] = "xyxy",
) -> list[PoseDataSample]:
    """One result a box; one for the whole image where there are no boxes.

    Args:
        img: path of an image file, or (H, W, 3) uint8 in the order **BGR**, as cv2.imread gives
            it and MMPose takes it (`Pose` itself takes RGB).
        bboxes: (N, 4).

    Raises:
        DataError: the image cannot be read.
        ValueError: `img` or `bboxes` have another shape, or a box no area.
    """
    if isinstance(img, str | Path):
        picture = read_picture(Path(img))
    else:
        picture = np.ascontiguousarray(img[..., ::-1])
    if bboxes is None or len(bboxes) == 0:
        boxes = np.array([[0.0, 0.0, picture.shape[1], picture.shape[0]]])
    else:
        boxes = np.array(bboxes, dtype=np.float64)[:, :4]
        if bbox_format == "xyxy":
            boxes[:, 2:] -= boxes[:, :2]
    keypoints, scores = model(picture, boxes)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return [
        PoseDataSample(
            PredInstances(keypoints[n : n + 1], scores[n : n + 1], corners[n : n + 1], np.ones(1))
        )
        for n in range(len(boxes))
    ]
