#!/usr/bin/env python
"""DeepLabCut's labels (CollectedData_*.csv) as COCO files, to train on: train.json and val.json.

python tests/dlc_to_coco.py CollectedData.csv DIR --boxes frame keypoints

Tests and the figures in docs/predict.md use it. `file_name` is the path from the folder of the
table down, so a page's `img_root` is that folder, whatever the first column says above it.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

MARGIN, LEAST = 0.2, 0.1  # of the larger side of the points; of the shorter side of the frame


def read(table: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Names of the points, paths of the images, and points (N, K, 2) px, NaN where not labelled."""
    with table.open(newline="", encoding="utf-8") as file:
        _, parts, _, *rows = csv.reader(file)
    points = [[float(cell or "nan") for cell in row[1:]] for row in rows]
    return parts[1::2], [row[0] for row in rows], np.reshape(points, (len(rows), -1, 2))


def image_of(table: Path, path: str) -> Path:
    """The image that a row of `table` names from the project's folder."""
    for folder in table.resolve().parents[:3]:
        if (folder / path).is_file():
            return folder / path
    raise FileNotFoundError(f"{table}: {path} is not there; expected it in a folder above")


def box_of(points: np.ndarray, size: tuple[int, int]) -> list[float]:
    """x, y, w, h around points (K, 2) in a frame of (W, H) = `size` px, clipped to it."""
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    margin = MARGIN * (high - low).max()
    half = np.maximum((high - low) / 2 + margin, LEAST * min(size) / 2)
    low, high = (low + high) / 2 - half, (low + high) / 2 + half
    low, high = np.clip(low, 0, size), np.clip(high, 0, size)
    return [*low.tolist(), *(high - low).tolist()]


def coco(table: Path, boxes: tuple[str, ...], rows: slice = slice(None)) -> dict[str, Any]:
    """A COCO file of `rows`; with both kinds of boxes each animal is there twice."""
    names, paths, points = read(table)
    root = image_of(table, paths[0]).parents[len(Path(paths[0]).parts) - 1]
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for path, own in zip(paths[rows], points[rows], strict=True):
        high, wide = cv2.imread(str(root / path)).shape[:2]
        images.append({"id": len(images) + 1, "file_name": path, "width": wide, "height": high})
        there = np.isfinite(own).all(axis=1)
        if not there.any():
            continue
        triples = np.where(there[:, None], np.column_stack([own, np.full(len(own), 2)]), 0)
        for kind in boxes:
            box = [0, 0, wide, high] if kind == "frame" else box_of(own[there], (wide, high))
            one = {"id": len(annotations) + 1, "image_id": len(images), "category_id": 1}
            annotations.append(
                one
                | {"keypoints": triples.ravel().tolist(), "num_keypoints": int(there.sum())}
                | {"bbox": box, "box_from": kind, "area": box[2] * box[3], "iscrowd": 0}
            )
    category = {"id": 1, "name": "animal", "keypoints": names, "skeleton": []}
    return {"images": images, "annotations": annotations, "categories": [category]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("table", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--boxes", nargs="+", choices=("frame", "keypoints"), default=["frame"])
    parser.add_argument("--val", type=float, default=0.2, help="share at the end (default: 0.2)")
    args = parser.parse_args()
    count = len(read(args.table)[1])
    first = count - round(args.val * count)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", slice(first)), ("val", slice(first, None))):
        content = coco(args.table, tuple(args.boxes), rows)
        (args.out / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        print(f"{name}.json: {len(content['images'])} images")


if __name__ == "__main__":
    main()
