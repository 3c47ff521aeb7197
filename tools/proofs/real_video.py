#!/usr/bin/env python
"""What a table of a real video is worth, of which no truth is known: figures of docs/predict.md.

python tools/proofs/real_video.py TABLE.csv ... [--frames 600]

The steps from one frame to the next that are above 60 px, by point, which are not all errors; the
mean likelihood; where a `.frames.jsonl` is beside the table, in how many frames no more than the
whole was seen.
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, help="only the first so many of a video")
    args = parser.parse_args()
    for path in args.tables:
        print(f"{path}: {steps(path, args.frames)}")


if __name__ == "__main__":
    main()
