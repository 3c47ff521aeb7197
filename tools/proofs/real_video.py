#!/usr/bin/env python
"""What tables of a real video, or of labelled images, are worth: the figures of docs/predict.md.

python tools/proofs/real_video.py TABLE.csv ... [--labels CollectedData.csv] [--frames 600]

Of a video: the steps from one frame to the next that are above 60 px, by point, which are not all
errors; the mean likelihood; where a `.frames.jsonl` is beside the table, in how many frames no more
than the whole was seen. With labels: px from the labelled points.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from hrpose.predict.tables import csv_table, frames_jsonl

JUMP = 60.0  # px


def steps(path: Path, count: int | None) -> str:
    """In a line, what is told of the table of a video, or of its first `count` rows."""
    table = csv_table.read(path)
    points, scores = table.keypoints[:count, 0], table.scores[:count, 0]
    jumps = np.linalg.norm(np.diff(points, axis=0), axis=2) > JUMP
    said = f"{len(points)} frames, steps above {JUMP:g} px {jumps.sum(axis=0).tolist()}, of any "
    said += f"point {jumps.any(axis=1).sum()}, mean likelihood {scores.mean():.2f}"
    where = path.with_suffix(".frames.jsonl")
    if where.exists():
        looked = [entries[0]["source"] for entries in frames_jsonl.read(where)][:count]
        said += f", seen whole {looked.count('full')}"
    return said


def errors(path: Path, labels: Path) -> str:
    """In a line, how far the points of a table of images are from those of a DeepLabCut table."""
    with labels.open(newline="", encoding="utf-8") as file:
        _, _, _, *rows = csv.reader(file)
    truth = {row[0]: np.reshape([float(c or "nan") for c in row[1:]], (-1, 2)) for row in rows}
    table = csv_table.read(path)
    found = []
    for label, points in zip(table.labels, table.keypoints[:, 0], strict=True):
        (name,) = [name for name in truth if label.endswith(name)]
        found.append(np.linalg.norm(points - truth[name], axis=1))
    px = np.array(found)
    return (
        f"{len(px)} images, px: mean {np.nanmean(px):.1f}, median {np.nanmedian(px):.1f}, "
        f"90% below {np.nanpercentile(px, 90):.1f}, the worst image {np.nanmean(px, 1).max():.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--labels", type=Path, help="DeepLabCut's table of the images")
    parser.add_argument("--frames", type=int, help="only the first so many of a video")
    args = parser.parse_args()
    for path in args.tables:
        said = errors(path, args.labels) if args.labels else steps(path, args.frames)
        print(f"{path}: {said}")


if __name__ == "__main__":
    main()
