"""Which animals are shown, the worst and some at random, and their pictures.

Legend: N animals that every run has predictions for, R runs, K keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.images import read_image
from hrpose.report.numbers.measured import Measured, plain
from hrpose.visualize.grid import draw_with_truth
from hrpose.visualize.window import around

MOST = 50
"""Animals of each of the two lists."""


@dataclass(frozen=True)
class Chosen:
    """Rows of the predictions: the worst first, and some drawn at random in their order."""

    worst: list[int]
    random: list[int]


def choose(runs: Sequence[Measured], seed: int, most: int = MOST) -> Chosen:
    """The animals with the largest mean error, averaged over the runs, and as many at random."""
    errors = np.mean([errors_of(measured) for measured in runs], axis=0)
    known = np.flatnonzero(~np.isnan(errors))
    worst = known[np.argsort(-errors[known], kind="stable")][:most]
    drawn = np.random.default_rng(seed).permutation(len(errors))[:most]
    return Chosen(worst.tolist(), sorted(drawn.tolist()))


def errors_of(measured: Measured) -> np.ndarray:
    """(N,) mean distance of each animal's points, NaN where none counts."""
    table = measured.distances.astype(np.float64)
    points = (~np.isnan(table)).sum(axis=1)
    return np.where(points > 0, np.nansum(table, axis=1) / np.maximum(points, 1), np.nan)


def described(
    dataset: PoseDataset, names: Sequence[str], runs: Sequence[Measured], row: int
) -> dict[str, Any]:
    """An animal in numbers: what it is called, and of each run its error and what is wrong."""
    place = dataset.place(int(runs[0].predictions.index[row]))
    answers = []
    for name, measured in zip(names, runs, strict=True):
        right = measured.right[row]
        answers.append(
            {
                "run": name,
                "error": plain(errors_of(measured)[row]),
                "points": int((~np.isnan(right)).sum()),
                "wrong": [measured.names[k] for k in np.flatnonzero(right == 0)],
                "score": plain(measured.predictions.scores[row].mean()),
            }
        )
    return {
        "image": place.file_name or f"image {place.image_id}",
        "annotation": place.annotation_id,
        "runs": answers,
    }


def pictures_of(
    dataset: PoseDataset, runs: Sequence[Measured], row: int, height: int
) -> list[np.ndarray]:
    """An animal as each run sees it, with its labels: R pictures (`height`, W, 3) uint8 RGB.

    Raises:
        DataError: the image cannot be read.
    """
    record = dataset.record(int(runs[0].predictions.index[row]), 0)
    image = record["image"] if "image" in record else read_image(record["image_path"])
    truth, labelled = record["keypoints"].astype(np.float64), record["visible"]
    box = np.asarray(record["box"], np.float64)
    photo = image.shape[1], image.shape[0]
    window = around(box[None], truth[labelled > 0], photo, height)
    part = window.picture(image)
    return [
        draw_with_truth(
            part,
            window.shown(truth),
            labelled,
            window.shown(measured.predictions.keypoints[row].astype(np.float64)),
            measured.predictions.scores[row],
            dataset.meta,
        )
        for measured in runs
    ]
