"""From crops to keypoints in image px: the one loop of training, testing and prediction.

Legend: B animals of a batch, K keypoints, h/w the crop in px. Knows arrays, and not what runs the
network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from hrpose import geometry
from hrpose.structures import Predictions

Answer: TypeAlias = Callable[[], tuple[np.ndarray, np.ndarray]]
"""Waits for a batch: keypoints (B, K, 2) float64 in input px, scores (B, K) float32."""
Estimate: TypeAlias = Callable[[Any], Answer]
"""Takes crops (B, 3, h, w) uint8, channels last in memory, and sets the network to work."""


def predict(batches: Iterable[dict[str, Any]], estimate: Estimate) -> Iterator[Predictions]:
    """Keypoints of the animals of each batch, in the order of the batches.

    While the network is at work on one batch, the next one is fetched: one is in flight.

    Args:
        batches: as `datasets.collate` makes them; of each, images, matrix and index are used.
    """
    waiting: tuple[Answer, dict[str, Any]] | None = None
    for batch in batches:
        begun = estimate(batch["images"]), batch
        if waiting:
            yield _placed(*waiting)
        waiting = begun
    if waiting:
        yield _placed(*waiting)


def _placed(answer: Answer, batch: dict[str, Any]) -> Predictions:
    """The answer to `batch` in image px, by the inverse of the crops' own matrices."""
    matrix = np.asarray(batch["matrix"])
    height, width = batch["images"].shape[-2:]
    areas = width * height / abs(np.linalg.det(matrix[:, :, :2]))
    keypoints, scores = answer()
    placed = geometry.apply_affine(keypoints, geometry.invert_affine(matrix)[:, None])
    return Predictions(
        placed.astype(np.float32), scores, np.asarray(batch["index"]), areas.astype(np.float32)
    )
