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
from hrpose.keypoints import KeypointMeta
from hrpose.predict.sources import frames_of
from hrpose.predict.tables import csv_table, frames_jsonl
from hrpose.predict.tables.formats import Finished
from hrpose.video.writer import write_video
from hrpose.visualize import draw_pose

_BOX = (210, 210, 215)
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
    _, rows = csv_table.open_rows(finished.table)
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
            boxes = [entry["box"] for entry in where if entry["box"]]
            shown = draw_animals(image, row[1], row[2], boxes, finished.cropper.meta, min_score)
            yield frame.label, seconds, shown


def draw_animals(
    image: np.ndarray,
    keypoints: np.ndarray,
    scores: np.ndarray,
    boxes: list[list[float]],
    meta: KeypointMeta,
    min_score: float,
) -> np.ndarray:
    """A copy of `image` (h, w, 3) with all animals of a frame, their boxes and mean scores.

    Args:
        keypoints: (N, K, 2) image px, NaN where there is no animal; `scores` (N, K).
        boxes: x, y, w, h image px of those that are there, in their order.
        min_score: points below are not drawn.
    """
    image = np.ascontiguousarray(image).copy()
    high, wide = image.shape[:2]
    there = np.isfinite(keypoints).all(axis=(1, 2))
    line = max(1, round(min(high, wide) / 400))
    for box, animal in zip(boxes, np.flatnonzero(there), strict=False):
        x, y, width, height = (round(value) for value in box)
        if (width, height) != (wide, high):  # the frame itself needs no line
            cv2.rectangle(image, (x, y), (x + width - 1, y + height - 1), _BOX, line)
        # just below the smallest score that is drawn, for what is drawn lies above the threshold
        image = draw_pose(
            image, keypoints[animal], scores[animal], meta, threshold=np.nextafter(min_score, -1)
        )
        _write(image, f"{scores[animal].mean():.2f}", (max(x, 0) + 4, max(y, 0)))
    return image


def _write(image: np.ndarray, text: str, corner: tuple[int, int]) -> None:
    """`text` below `corner` (x, y), to be read on any ground."""
    size = max(0.4, min(image.shape[:2]) / 900)
    place = corner[0], corner[1] + round(26 * size)
    for colour, width in (((16, 16, 20), 3), ((236, 236, 240), 1)):
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, width, cv2.LINE_AA)


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    ok, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not ok:
        raise RunError(f"{path}: OpenCV cannot encode the picture")
    path.write_bytes(data.tobytes())


def _rate(rate: float | None, stride: int) -> float | None:
    return rate / stride if rate else None
