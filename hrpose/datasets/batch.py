"""Samples as one batch.

Legend: B animals, K keypoints; h, w the crop in px.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import get_worker_info

from hrpose.datasets.shipping import let_go


class Samples(list[dict[str, Any]]):
    """The samples of one batch, and the memory that their crops are written into in the first place
    instead of being copied there: `images` (B, h, w, 3) uint8, its parts as `rows`.

    In a worker it is shared memory, as the batch is going to another process.
    """

    def __init__(self, count: int, size: tuple[int, int]) -> None:
        super().__init__()
        shape = (count, size[1], size[0], 3)
        if get_worker_info() is None:
            # NumPy asks for large pages, torch does not: a third of the time
            self.images = torch.from_numpy(np.empty(shape, dtype=np.uint8))
        else:
            let_go()
            storage = torch.UntypedStorage._new_shared(count * size[1] * size[0] * 3)
            self.images = torch.empty(0, dtype=torch.uint8).set_(storage).view(shape)
        self.rows = list(self.images.numpy())


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Samples as one batch; those without an image are left out, all messages kept.

    Returns: images (B, 3, h, w) uint8, channels_last in memory; keypoints (B, K, 2) and visible
    (B, K) float32; matrix (B, 2, 3) float64; index (B,) int64; bad, a list of messages. Where
    nothing could be used, B is 0 (h, w and K too). Only `error` where a sample holds one.
    """
    for sample in samples:
        if "error" in sample:
            return {"error": sample["error"]}
    good = [sample for sample in samples if "image" in sample]
    bad = [message for sample in samples for message in sample.get("bad", ())]
    return {
        "images": _images(samples, good).permute(0, 3, 1, 2),
        "keypoints": _stack([sample["keypoints"] for sample in good], (0, 0, 2), np.float32),
        "visible": _stack([sample["visible"] for sample in good], (0, 0), np.float32),
        "matrix": _stack([sample["matrix"] for sample in good], (0, 2, 3), np.float64),
        "index": _stack([sample["index"] for sample in good], (0,), np.int64),
        "bad": bad,
    }


def _images(samples: Sequence[dict[str, Any]], good: list[dict[str, Any]]) -> torch.Tensor:
    images = [sample["image"] for sample in good]
    rows = samples.rows if isinstance(samples, Samples) else []
    if rows and len(rows) == len(images) and all(map(operator.is_, images, rows)):
        return samples.images  # type: ignore[attr-defined]
    return _stack(images, (0, 0, 0, 3), np.uint8)


def _stack(arrays: Sequence[np.ndarray | int], empty: tuple[int, ...], dtype: Any) -> torch.Tensor:
    stacked = np.array(arrays) if arrays else np.zeros(empty)  # np.stack takes twice as long
    return torch.from_numpy(stacked.astype(dtype, copy=False))
