"""Crops to compare an exported model on: of images, or of drawn animals."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from hrpose.animals import make_scene, render
from hrpose.errors import DataError
from hrpose.predict.crops import Cropper
from hrpose.predict.sources import read_picture

BATCHES = (1, 5, 24)
_KINDS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_SIZE = (176, 176)
_SEED = 15


def crops_for(cropper: Cropper, folder: Path | None) -> tuple[np.ndarray, str]:
    """As many crops as `BATCHES` hold together, (N, h, w, 3) uint8 RGB, and what they are of.

    Args:
        folder: with images, which are taken whole, by turns where they are few.

    Raises:
        DataError: there is no image in it, or one cannot be read.
    """
    count = sum(BATCHES)
    if folder is None:
        return np.stack([_drawn(cropper, number) for number in range(count)]), (
            f"{count} drawn animals"
        )
    if not folder.is_dir():
        raise DataError(f"--check {folder}: is no folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _KINDS)[:count]
    if not paths:
        raise DataError(f"--check {folder}: holds no images ({', '.join(_KINDS)})")
    pictures = [read_picture(path) for path in paths]
    crops = [cropper(picture, _whole(picture))[0] for picture in pictures]
    crops = list(itertools.islice(itertools.cycle(crops), count))
    return np.stack(crops), f"{len(paths)} images of {folder}"


def _drawn(cropper: Cropper, number: int) -> np.ndarray:
    scene = make_scene(_SIZE, np.random.default_rng((_SEED, number, 0)))
    image = render(scene, np.random.default_rng((_SEED, number, 1)))
    return cropper(image, scene.box)[0]


def _whole(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    return np.array([0, 0, width, height], np.float64)
