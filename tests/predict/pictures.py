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


def write_video(path: Path, count: int = 12, seed: int = 0) -> Path:
    """Noise of 64 x 48 px at 25 frames a second, each frame another one."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    rng = np.random.default_rng(seed)
    for _ in range(count):
        writer.write(cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (64, 48)))
    writer.release()
    return path
