"""A sheet of predictions beside the ground truth.

Legend: N animals, K keypoints; h, w the image. Images are RGB uint8; points in px of that image,
pixel centres at integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from hrpose.errors import RunError
from hrpose.keypoints import KeypointMeta
from hrpose.visualize import strokes
from hrpose.visualize.colours import WHITE
from hrpose.visualize.drawing import draw_animals
from hrpose.visualize.sheet import PAPER, contact_sheet

_LEGEND = "in each pair: left ground truth, right prediction"
_RINGS = "where the truth is, and the way to it"


def _panels(
    crop: np.ndarray,
    truth: np.ndarray,
    labelled: np.ndarray,
    predicted: np.ndarray,
    scores: np.ndarray,
    meta: KeypointMeta,
    height: int,
) -> np.ndarray:
    """Ground truth (left) and prediction (right) on `crop`, enlarged to `height` px."""
    scale = height / crop.shape[0]
    size = (round(crop.shape[1] * scale), height)
    large = cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    large = cv2.convertScaleAbs(large, alpha=0.82)  # a little darker, so that the lines stand out
    true, found = ((points + 0.5) * scale - 0.5 for points in (truth, predicted))
    left = draw_animals(large, true[None], labelled[None], meta)
    right = draw_with_truth(large, true, labelled, found, scores, meta, threshold=0.2)
    return np.hstack([left, np.full((height, 2, 3), PAPER, np.uint8), right])


def draw_with_truth(
    image: np.ndarray,
    truth: np.ndarray,
    labelled: np.ndarray,
    predicted: np.ndarray,
    scores: np.ndarray,
    meta: KeypointMeta,
    threshold: float = 0.0,
) -> np.ndarray:
    """A copy of `image` with a prediction, rings where the truth is, and the way from one to other.

    Args:
        truth: (K, 2) px of the image; `labelled` (K,) above 0 where there is one.
        predicted: (K, 2); `scores` (K,), those up to `threshold` are not drawn.
    """
    drawn = np.array(image, np.uint8, order="C")
    for k in np.flatnonzero(labelled > 0):
        strokes.line(drawn, truth[k], predicted[k], WHITE, 1)
    drawn = draw_animals(drawn, predicted[None], scores[None], meta, threshold=threshold)
    for k in np.flatnonzero(labelled > 0):
        strokes.dot(drawn, truth[k], image.shape[0] / 46, WHITE, width=1)
    return drawn


def prediction_grid(
    crops: Sequence[np.ndarray] | np.ndarray,
    truth_keypoints: np.ndarray,
    truth_visible: np.ndarray,
    predicted_keypoints: np.ndarray,
    scores: np.ndarray,
    meta: KeypointMeta,
    path: str | Path,
    columns: int = 4,
    captions: Sequence[str] | None = None,
    title: str = "Predictions",
) -> Path:
    """Writes a PNG below 1.5 MB: for each animal its ground truth and, beside it, the prediction.

    Args:
        crops: N images (h, w, 3) of one size.
        truth_keypoints: (N, K, 2) px of the crop; `truth_visible` (N, K) above 0 where labelled.
        predicted_keypoints: (N, K, 2) px of the crop; `scores` (N, K), those up to 0.2 not drawn.
        captions: N lines, one under each pair.

    Returns `path`.
    """
    if len(crops) == 0:
        raise ValueError("prediction_grid: no crops to show")
    path, height, limit = Path(path), 216, 1_500_000
    rows = zip(crops, truth_keypoints, truth_visible, predicted_keypoints, scores, strict=True)
    animals = list(rows)
    while True:
        pairs = [_panels(*animal, meta, height) for animal in animals]
        sheet = contact_sheet(pairs, captions, columns, title, _LEGEND, _RINGS)
        ok, data = cv2.imencode(".png", sheet[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        if not ok:
            raise RunError(f"{path}: OpenCV cannot encode the picture")
        if len(data) < limit or height < 64:
            break
        height = int(height * min(0.9, (limit / len(data)) ** 0.5))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())
    return path
