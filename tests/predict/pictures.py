"""Pictures to predict on."""

from pathlib import Path

import cv2
import numpy as np


def write_picture(path: Path, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """Noise of (w, h) = `size`, in large spots."""
    path.parent.mkdir(parents=True, exist_ok=True)
    spots = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    assert cv2.imwrite(str(path), cv2.resize(spots, size))
    return path
