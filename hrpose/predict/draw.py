"""Poses drawn on the input, from its finished table: pictures of images, an MP4 of a video.

The input is read a second time. So what is drawn is what stands in the table, also where a run was
cut off and went on, and drawing keeps no batch waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any

import cv2
import numpy as np

from hrpose.errors import RunError
from hrpose.predict.sources import frames_of
from hrpose.predict.tables import csv_table, frames_jsonl
from hrpose.predict.tables.formats import Finished
from hrpose.video.writer import write_video
from hrpose.visualize.drawing import draw_animals

_DARKEST = 24  # grey of a frame that could not be read


def draw(finished: Finished, order: dict[str, Any], min_score: float) -> list[Path]:
    """Write `<stem>.drawn.mp4`, or the folder `<stem>.drawn` with a JPEG of each image.

    Args:
        order: start, stop and stride, as the table was made with them.
        min_score: points below are not drawn.

    Raises:
        RunError: they cannot be written.
    """
    pictures = _pictures(finished, order, min_score)
    if finished.job.kind == "images":
        folder = finished.places.file(".drawn")
        folder.mkdir(exist_ok=True)
        for label, _, image in pictures:
            name = PurePath(label.replace("\\", "/")).name
            jpeg = name.lower().endswith((".jpg", ".jpeg"))
            _write_jpeg(folder / (name if jpeg else f"{name}.jpg"), image)
        return [folder]
    path = finished.places.file(".drawn.mp4")
    with write_video(path, _rate(finished.rate, order["stride"])) as video:
        for _, seconds, image in pictures:
            video.write(image, seconds)
    return [path]


def _pictures(
    finished: Finished, order: dict[str, Any], min_score: float
) -> Iterator[tuple[str, float | None, np.ndarray]]:
    """Label, time and drawn image of each frame; a video's lost frames are dark."""
    columns, rows = csv_table.open_rows(finished.table)
    frames = frames_of(finished.job, **order)
    first: float | None = None
    with closing(frames):
        for frame, row, where in zip(frames, rows, frames_jsonl.read(finished.where), strict=True):
            image = frame.image
            if image is None and finished.size is None:
                continue  # an image file that cannot be read
            if image is None:
                width, height = finished.size or (0, 0)
                image = np.full((height, width, 3), _DARKEST, np.uint8)
            first = frame.time_s if first is None else first
            seconds = None if frame.time_s is None or first is None else frame.time_s - first
            shown = draw_animals(
                image,
                row[1],
                row[2],
                finished.cropper.meta,
                boxes=_boxes(row[1], where),
                ids=columns.individuals if len(columns.individuals) > 1 else None,
                threshold=float(np.nextafter(min_score, -np.inf)),  # points at it are left out
                show_scores=True,
            )
            yield frame.label, seconds, shown


def _boxes(keypoints: np.ndarray, where: list[dict[str, Any]]) -> np.ndarray:
    """The box (N, 4) of each animal; NaN where it has none, or the frame itself is the box.

    Args:
        keypoints: (N, K, 2), NaN for an animal without a box.
    """
    boxes = np.full((len(keypoints), 4), np.nan)
    there = np.flatnonzero(np.isfinite(keypoints).any(axis=(1, 2)))
    for animal, entry in zip(there, (entry for entry in where if entry["box"]), strict=False):
        if entry["source"] != "full":
            boxes[animal] = entry["box"]
    return boxes


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    ok, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not ok:
        raise RunError(f"{path}: OpenCV cannot encode the picture")
    path.write_bytes(data.tobytes())


def _rate(rate: float | None, stride: int) -> float | None:
    return rate / stride if rate else None
