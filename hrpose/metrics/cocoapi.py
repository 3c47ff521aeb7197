"""The one place that knows xtcocotools and pycocotools: AP and AR of poses, from arrays.

The two evaluators differ in how they treat annotation id 0, detections without a visible point,
`num_keypoints` and sigmas. Here all four are settled before either is called, so that both give
the same ten numbers to the last bit.

Legend: D detections, K keypoints; coordinates image px, areas px squared.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from hrpose.errors import RunError
from hrpose.metrics.ap_resampling import Matching
from hrpose.metrics.evaluator_rows import Detections, detection_rows, renumbered, truth_rows

Backend = Literal["xtcocotools", "pycocotools"]

STATS = ("AP", "AP50", "AP75", "AP(M)", "AP(L)", "AR", "AR50", "AR75", "AR(M)", "AR(L)")
"""Names of the ten numbers, in the evaluators' order."""


def evaluate(
    coco: dict[str, Any],
    detections: Detections,
    sigmas: np.ndarray,
    category_ids: Sequence[int],
    backend: Backend | None = None,
) -> tuple[dict[str, float | None], list[str]]:
    """The ten numbers `STATS`, None where there is nothing to average, and notes to the reader.

    Args:
        coco: all ground truth, ids as in the file.
        detections: for any of its images; of each image the 20 with the highest scores count.
        sigmas: (K,).
        category_ids: what to evaluate; annotations of other categories are left out.
        backend: None takes xtcocotools where it runs, else pycocotools.

    Raises:
        DataError: an annotation's or detection's shape or image does not fit.
        RunError: neither evaluator is installed.
    """
    numbers = renumbered(coco)
    truth, notes = truth_rows(coco, len(sigmas), category_ids, numbers)
    found, dropped = detection_rows(detections, numbers)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = _matched(truth, found, len(numbers), sigmas, category_ids, backend)
        evaluator.accumulate()
        evaluator.summarize()
    values = {
        name: None if value < 0 else float(value)
        for name, value in zip(STATS, evaluator.stats, strict=True)
    }
    return values, notes + dropped + _absence_notes(values)


def matchings(
    coco: dict[str, Any],
    detections: Detections,
    sigmas: np.ndarray,
    category_ids: Sequence[int],
    backend: Backend | None = None,
) -> list[list[Matching]]:
    """What `evaluate` makes its numbers of: for each category, all areas, medium and large.

    Images are in the order of their ids.
    """
    numbers = renumbered(coco)
    truth, _ = truth_rows(coco, len(sigmas), category_ids, numbers)
    found, _ = detection_rows(detections, numbers)
    images = len(numbers)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = _matched(truth, found, images, sigmas, category_ids, backend)
    parts = [
        _matching(evaluator.evalImgs[start : start + images], images)
        for start in range(0, len(evaluator.evalImgs), images)
    ]
    return [parts[start : start + 3] for start in range(0, len(parts), 3)]


def _matching(rows: list[dict[str, Any] | None], images: int) -> Matching:
    """The evaluator's rows of one category and range of areas, one an image, as arrays."""
    known = [row for row in rows if row is not None]
    animals = np.zeros(images)
    for row in known:
        animals[row["image_id"] - 1] = np.count_nonzero(np.asarray(row["gtIgnore"]) == 0)
    if not known:
        nothing = np.zeros((10, 0), dtype=bool)
        return Matching(nothing, nothing, np.zeros(0, dtype=np.int64), animals)
    scores = np.concatenate([row["dtScores"] for row in known])
    order = np.argsort(-scores, kind="stable")
    # ids are from 1; unmatched is 0 to one evaluator and -1 to the other
    matched = np.concatenate([row["dtMatches"] for row in known], axis=1)[:, order] > 0
    ignored = np.concatenate([row["dtIgnore"] for row in known], axis=1)[:, order] != 0
    places = np.repeat([row["image_id"] - 1 for row in known], [len(r["dtScores"]) for r in known])
    return Matching(matched & ~ignored, ~matched & ~ignored, places[order], animals)


def _absence_notes(values: dict[str, float | None]) -> list[str]:
    if values["AP"] is None:
        return ["does not exist: no annotation has a labelled point"]
    sizes = {"M": "32^2 to 96^2", "L": "96^2 or more"}
    return [
        f"AP({size}) and AR({size}) do not exist: no labelled animal has an area of {area} px"
        for size, area in sizes.items()
        if values[f"AP({size})"] is None
    ]


def _matched(
    truth: list[dict[str, Any]],
    found: list[dict[str, Any]],
    num_images: int,
    sigmas: np.ndarray,
    category_ids: Sequence[int],
    backend: Backend | None,
) -> Any:
    """The evaluator, after it has matched detections and annotations."""
    package = backend or _default_backend()
    coco_module = importlib.import_module(f"{package}.coco")
    eval_module = importlib.import_module(f"{package}.cocoeval")
    sides = []
    for rows in (truth, found):
        side = coco_module.COCO()
        side.dataset = {
            "images": [{"id": number} for number in range(1, num_images + 1)],
            "categories": [{"id": number} for number in category_ids],
            "annotations": rows,
        }
        side.createIndex()
        sides.append(side)
    evaluator = eval_module.COCOeval(*sides, "keypoints")
    # each of the two reads its own one
    evaluator.sigmas = evaluator.params.kpt_oks_sigmas = np.asarray(sigmas, np.float64)
    evaluator.evaluate()
    return evaluator


def _default_backend() -> Backend:
    # the wheels of xtcocotools are built against NumPy 1 and break at import beside NumPy 2
    if np.__version__.startswith("1.") and importlib.util.find_spec("xtcocotools"):
        return "xtcocotools"
    if importlib.util.find_spec("pycocotools"):
        return "pycocotools"
    raise RunError("COCO AP needs pycocotools: python -m pip install pycocotools")
