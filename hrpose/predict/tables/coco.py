"""COCO results, as `hrpose test` writes them, and the images that they speak of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.metrics.results.write import result_rows
from hrpose.predict.tables import csv_table, frames_jsonl
from hrpose.predict.tables.formats import Finished
from hrpose.storage.whole_file import draft
from hrpose.structures import Instances, Predictions

_CHUNK = 256  # frames at a time


def write(finished: Finished) -> list[Path]:
    """`<stem>.predictions.json`, one row an animal that was looked for, and `<stem>.images.json`.

    Ids of images are those of the COCO file that named them, else the numbers of frames, or of
    images from 0.
    """
    results = finished.places.file(".predictions.json")
    images = finished.places.file(".images.json")
    with draft(results) as file, draft(images) as names:
        glue, between = b"[\n", b'{"images": [\n'
        for entries, rows in _chunks(finished):
            for row in rows:
                file.write(glue + json.dumps(row, allow_nan=False).encode())
                glue = b",\n"
            for entry in entries:
                names.write(between + json.dumps(entry, ensure_ascii=False).encode())
                between = b",\n"
        file.write(b"[]\n" if glue == b"[\n" else b"\n]\n")
        names.write(b'{"images": []}\n' if between != b",\n" else b"\n]}\n")
    return [results, images]


def _chunks(
    finished: Finished,
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Entries of images and rows of results, some frames at a time."""
    _, rows = csv_table.open_rows(finished.table)
    found: list[tuple[str | int, np.ndarray, np.ndarray, float]] = []
    entries: list[dict[str, Any]] = []
    for number, ((label, keypoints, scores), where) in enumerate(
        zip(rows, frames_jsonl.read(finished.where), strict=True)
    ):
        image_id = _image_id(finished, label, number)
        entries.append(_image(finished, image_id, label, where[0]["time_s"]))
        boxes = iter(entry["box"] for entry in where if entry["box"])
        for points, score in zip(keypoints, scores, strict=True):
            if np.isfinite(points).any():
                found.append((image_id, points, score, finished.cropper.area(next(boxes))))
        if len(entries) == _CHUNK:
            yield entries, _results(found)
            entries, found = [], []
    yield entries, _results(found)


def _results(found: list[tuple[str | int, np.ndarray, np.ndarray, float]]) -> list[dict[str, Any]]:
    if not found:
        return []
    ids = dict(enumerate(image_id for image_id, *_ in found))
    columns = zip(*(rest for _, *rest in found), strict=True)
    points, scores, areas = (np.array(part) for part in columns)
    count = len(ids)
    predictions = Predictions(points, scores, np.arange(count), areas)
    none = np.zeros(0)
    truth = Instances(
        keypoints=none,
        visible=none,
        boxes=none,
        areas=none,
        image_ids=np.arange(count),
        annotation_ids=np.full(count, -1),
        box_scores=np.ones(count, np.float32),
        category_ids=np.ones(count, np.int64),
    )
    return result_rows(predictions, truth, ids)


def _image_id(finished: Finished, label: str, number: int) -> str | int:
    if finished.job.kind == "video":
        return int(label)
    return finished.job.image_ids[number] if finished.job.image_ids else number


def _image(
    finished: Finished, image_id: str | int, label: str, time_s: float | None
) -> dict[str, Any]:
    if finished.job.kind == "images":
        return {"id": image_id, "file_name": label}
    name = finished.job.paths[0].name
    return {"id": image_id, "file_name": name, "frame": image_id, "time_s": time_s}
