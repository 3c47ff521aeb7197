"""Pictures of what a tested model sees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrpose.geometry import apply_affine
from hrpose.visualize import prediction_grid

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.structures import Predictions


def draw_predictions(
    dataset: PoseDataset, predictions: Predictions, path: Path, count: int = 12
) -> None:
    """Draw `count` animals, evenly spread over the data set, with ground truth and prediction."""
    rows = np.unique(np.linspace(0, len(predictions) - 1, count).round().astype(int))
    samples = [dataset[(0, int(predictions.index[row]))] for row in rows]
    prediction_grid(
        crops=[sample["image"] for sample in samples],
        truth_keypoints=np.stack([sample["keypoints"] for sample in samples]),
        truth_visible=np.stack([sample["visible"] for sample in samples]),
        predicted_keypoints=apply_affine(
            predictions.keypoints[rows].astype(np.float64),
            np.stack([sample["matrix"] for sample in samples])[:, None],
        ),
        scores=predictions.scores[rows],
        meta=dataset.meta,
        path=path,
    )
