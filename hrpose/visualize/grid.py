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
from hrpose.visualize.colours import LEFT, MIDDLE, RIGHT, WHITE, Colour
from hrpose.visualize.drawing import draw_animals

PAPER, TEXT, FAINT = (24, 26, 31), (236, 236, 240), (150, 154, 162)


def _write(image: np.ndarray, text: str, at: tuple[int, int], colour: Colour, size: float) -> int:
    """Writes `text` with its left end on the base line at `at`; returns where it ends, px."""
    cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
    return at[0] + cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0]


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
    right = large.copy()
    for k in np.flatnonzero(labelled > 0):
        strokes.line(right, true[k], found[k], WHITE, 1)
    right = draw_animals(right, found[None], scores[None], meta, threshold=0.2)
    for k in np.flatnonzero(labelled > 0):
        strokes.dot(right, true[k], height / 46, WHITE, width=1)
    return np.hstack([left, np.full((height, 2, 3), PAPER, np.uint8), right])


def _header(width: int, title: str) -> np.ndarray:
    """The title, and what the colours and rings mean."""
    head = np.full((64, width, 3), PAPER, np.uint8)
    _write(head, title, (14, 26), TEXT, 0.62)
    x = (
        _write(head, "in each pair: left ground truth, right prediction", (14, 51), FAINT, 0.44)
        + 22
    )
    for colour, name in ((LEFT, "left / near"), (RIGHT, "right / off"), (MIDDLE, "middle")):
        strokes.dot(head, np.array([x, 47.0]), 5, colour)
        x = _write(head, name, (x + 12, 51), FAINT, 0.44) + 22
    strokes.dot(head, np.array([x, 47.0]), 6, WHITE, width=1)
    _write(head, "where the truth is, and the way to it", (x + 12, 51), FAINT, 0.44)
    return head


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
        ok, data = cv2.imencode(
            ".png",
            _sheet(pairs, captions, columns, title)[..., ::-1],
            [cv2.IMWRITE_PNG_COMPRESSION, 9],
        )
        if not ok:
            raise RunError(f"{path}: OpenCV cannot encode the picture")
        if len(data) < limit or height < 64:
            break
        height = int(height * min(0.9, (limit / len(data)) ** 0.5))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())
    return path


def _sheet(
    pairs: list[np.ndarray], captions: Sequence[str] | None, columns: int, title: str
) -> np.ndarray:
    """The pairs in `columns`, each over its caption, below the title."""
    gap, foot = 10, 24 if captions else 0
    high, wide = pairs[0].shape[:2]
    columns = min(columns, len(pairs))
    rows = -(-len(pairs) // columns)
    width = max(columns * (wide + gap) + gap, 900)
    sheet = np.full((rows * (high + foot + gap) + gap, width, 3), PAPER, np.uint8)
    for index, pair in enumerate(pairs):
        y = gap + (index // columns) * (high + foot + gap)
        x = gap + (index % columns) * (wide + gap)
        sheet[y : y + high, x : x + wide] = pair
        if captions:
            _write(sheet, captions[index], (x + 2, y + high + 16), FAINT, 0.42)
    return np.vstack([_header(width, title), sheet])
