"""Crops to calibrate and to compare an exported model on: of images, or of animals."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.animals import make_scene, render
from hrpose.engine.experiment import read_dataset
from hrpose.errors import DataError
from hrpose.predict.crops import Cropper
from hrpose.predict.sources import read_picture

BATCHES = (1, 5, 24)
_KINDS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_SIZE = (176, 176)
_SEED = 15
_MOST = 64
"""Crops of one kind."""


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
    found = images_of(cropper, folder, count)
    crops = list(itertools.islice(itertools.cycle(found), count))
    return np.stack(crops), f"{len(found)} images of {folder}"


@dataclass(frozen=True)
class Int8Crops:
    """Crops (N, h, w, 3) uint8 RGB to calibrate on, others to check on, and what both are of."""

    calibration: np.ndarray
    check: np.ndarray
    said: str


def crops_for_int8(page: dict[str, Any], cropper: Cropper, folder: Path | None) -> Int8Crops:
    """Training animals of `page` to calibrate on, and to check on the images of `folder`, or else
    animals of `data.val`. Without training data half of the images are calibrated on.

    Raises:
        HrposeError: neither the page's animals nor images can be used.
    """
    images = [] if folder is None else images_of(cropper, folder, 2 * _MOST)
    try:
        calibration, source = animals_of(page, "train"), "data.train"
    except DataError as error:
        if folder is None:
            raise DataError(
                f"--int8 is calibrated on animals of data.train: {error}; "
                "name a folder of images instead with --check DIR"
            ) from error
        if len(images) < 2:
            raise DataError(f"--check {folder}: one image; --int8 needs two or more") from error
        calibration, images, source = np.stack(images[::2]), images[1::2], "the others"
    check = np.stack(images) if images else animals_of(page, "val")
    of = f"images of {folder}" if images else "animals of data.val"
    return Int8Crops(
        calibration, check, f"{len(check)} {of} (calibrated on {len(calibration)} of {source})"
    )


def animals_of(page: dict[str, Any], split: str) -> np.ndarray:
    """Crops (N, h, w, 3) uint8 RGB of animals of `page`, drawn at random and cut as in testing.

    Raises:
        DataError: they cannot be read.
    """
    dataset = read_dataset({**page, "train_pipeline": page["test_pipeline"]}, split)
    drawn = np.random.default_rng(_SEED).permutation(len(dataset))[:_MOST]
    samples = [dataset[int(index)] for index in sorted(drawn)]
    crops = [sample["image"] for sample in samples if "image" in sample]  # others: see on_bad_image
    if not crops:
        raise DataError(f"data.{split}: none of its images can be read")
    return np.stack(crops)


def images_of(cropper: Cropper, folder: Path, count: int) -> list[np.ndarray]:
    """Crops (h, w, 3) uint8 RGB of the first `count` images below `folder`, each taken whole.

    Raises:
        DataError: there is no image in it, or one cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"--check {folder}: is no folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _KINDS)[:count]
    if not paths:
        raise DataError(f"--check {folder}: holds no images ({', '.join(_KINDS)})")
    pictures = [read_picture(path) for path in paths]
    return [cropper(picture, _whole(picture))[0] for picture in pictures]


def _drawn(cropper: Cropper, number: int) -> np.ndarray:
    scene = make_scene(_SIZE, np.random.default_rng((_SEED, number, 0)))
    image = render(scene, np.random.default_rng((_SEED, number, 1)))
    return cropper(image, scene.box)[0]


def _whole(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    return np.array([0, 0, width, height], np.float64)
