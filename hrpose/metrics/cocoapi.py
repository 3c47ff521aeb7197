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
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hrpose.errors import DataError, RunError

Backend = Literal["xtcocotools", "pycocotools"]

STATS = ("AP", "AP50", "AP75", "AP(M)", "AP(L)", "AR", "AR50", "AR75", "AR(M)", "AR(L)")
"""Names of the ten numbers, in the evaluators' order."""


@dataclass
class Detections:
    """Poses as an evaluator sees them: in an image, with a score, tied to no annotation."""

    keypoints: np.ndarray
    """(D, K, 2) image px."""
    scores: np.ndarray
    """(D, K) of the keypoints; a detection with none above 0 is dropped."""
    instance_scores: np.ndarray
    """(D,) the ranking."""
    image_ids: np.ndarray
    """(D,) int64, as in the annotation file."""
    category_ids: np.ndarray
    """(D,) int64."""

    def __len__(self) -> int:
        return len(self.keypoints)

    def take(self, rows: np.ndarray) -> Detections:
        """The detections `rows`, in that order."""
        return Detections(
            self.keypoints[rows],
            self.scores[rows],
            self.instance_scores[rows],
            self.image_ids[rows],
            self.category_ids[rows],
        )


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
    image_ids = {image["id"] for image in coco["images"]}
    image_ids |= {annotation["image_id"] for annotation in coco["annotations"]}
    renumbered = {number: place for place, number in enumerate(sorted(image_ids), start=1)}
    truth, notes = _truth_rows(coco, len(sigmas), category_ids, renumbered)
    found, dropped = _detection_rows(detections, renumbered)
    stats = _run(truth, found, len(renumbered), sigmas, category_ids, backend)
    values = {
        name: None if value < 0 else float(value) for name, value in zip(STATS, stats, strict=True)
    }
    return values, notes + dropped + _absence_notes(values)


def _absence_notes(values: dict[str, float | None]) -> list[str]:
    if values["AP"] is None:
        return ["does not exist: no annotation has a labelled point"]
    sizes = {"M": "32^2 to 96^2", "L": "96^2 or more"}
    return [
        f"AP({size}) and AR({size}) do not exist: no labelled animal has an area of {area} px"
        for size, area in sizes.items()
        if values[f"AP({size})"] is None
    ]


def _truth_rows(
    coco: dict[str, Any],
    num_keypoints: int,
    category_ids: Sequence[int],
    renumbered: dict[int, int],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Annotations with ids from 1 and every key that the evaluators read."""
    rows: list[dict[str, Any]] = []
    without_area = 0
    for annotation in coco["annotations"]:
        if annotation["category_id"] not in category_ids:
            continue
        points = np.asarray(annotation.get("keypoints") or np.zeros(3 * num_keypoints), np.float64)
        if points.shape != (3 * num_keypoints,):
            raise DataError(
                f"annotation {annotation['id']}: 'keypoints' has {points.size} numbers, expected "
                f"{3 * num_keypoints} (x, y, v of {num_keypoints} keypoints)"
            )
        box = annotation.get("bbox") or _extent(points.reshape(-1, 3))
        without_area += annotation.get("area") is None
        area = box[2] * box[3] if annotation.get("area") is None else annotation["area"]
        rows.append(
            {
                "id": len(rows) + 1,
                "image_id": renumbered[annotation["image_id"]],
                "category_id": annotation["category_id"],
                "keypoints": points,
                "num_keypoints": np.count_nonzero(points[2::3] > 0),
                "bbox": box,
                "area": area,
                "iscrowd": int(annotation.get("iscrowd") or 0),
            }
        )
    notes = []
    if len(rows) < len(coco["annotations"]):
        other = len(coco["annotations"]) - len(rows)
        notes.append(f"{other} annotations of other categories are not evaluated")
    if without_area:
        notes.append(f"{without_area} annotations have no area; that of their box is taken")
    return rows, notes


def _extent(points: np.ndarray) -> list[float]:
    """Box x, y, w, h around the labelled of `points` (K, 3)."""
    labelled = points[points[:, 2] > 0, :2]
    if not len(labelled):
        return [0.0, 0.0, 0.0, 0.0]
    return [*labelled.min(axis=0), *np.ptp(labelled, axis=0)]


def _detection_rows(
    detections: Detections, renumbered: dict[int, int]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Detections with ids from 1, without those that no evaluator should see."""
    visible = (detections.scores > 0).any(axis=1)
    points = np.concatenate([detections.keypoints, detections.scores[..., None]], axis=2)
    points = points.astype(np.float64)
    finite = np.isfinite(points).all(axis=(1, 2)) & np.isfinite(detections.instance_scores)
    areas = np.prod(np.ptp(points[..., :2], axis=1), axis=1)
    rows: list[dict[str, Any]] = []
    for i in np.flatnonzero(visible & finite).tolist():
        image_id = int(detections.image_ids[i])
        if image_id not in renumbered:
            raise DataError(f"detection {i}: image {image_id} is not in the ground truth")
        rows.append(
            {
                "id": len(rows) + 1,
                "image_id": renumbered[image_id],
                "category_id": int(detections.category_ids[i]),
                "keypoints": points[i].reshape(-1),
                "score": float(detections.instance_scores[i]),
                "area": float(areas[i]),
            }
        )
    notes = []
    if not finite.all():
        # an evaluator would match a NaN with anything
        count = np.count_nonzero(~finite)
        notes.append(f"{count} detections have coordinates or scores that are not finite: dropped")
    if (finite & ~visible).any():
        count = np.count_nonzero(finite & ~visible)
        notes.append(f"{count} detections have no keypoint with a score above 0: dropped")
    return rows, notes


def _run(
    truth: list[dict[str, Any]],
    found: list[dict[str, Any]],
    num_images: int,
    sigmas: np.ndarray,
    category_ids: Sequence[int],
    backend: Backend | None,
) -> np.ndarray:
    """The ten numbers as the evaluator gives them, -1 where one does not exist."""
    package = backend or _default_backend()
    with contextlib.redirect_stdout(io.StringIO()):
        coco_module = importlib.import_module(f"{package}.coco")
        eval_module = importlib.import_module(f"{package}.cocoeval")
        sides = []
        for annotations in (truth, found):
            side = coco_module.COCO()
            side.dataset = {
                "images": [{"id": number} for number in range(1, num_images + 1)],
                "categories": [{"id": number} for number in category_ids],
                "annotations": annotations,
            }
            side.createIndex()
            sides.append(side)
        evaluator = eval_module.COCOeval(*sides, "keypoints")
        # each of the two reads its own one
        evaluator.sigmas = evaluator.params.kpt_oks_sigmas = np.asarray(sigmas, np.float64)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator.stats


def _default_backend() -> Backend:
    # the wheels of xtcocotools are built against NumPy 1 and break at import beside NumPy 2
    if np.__version__.startswith("1.") and importlib.util.find_spec("xtcocotools"):
        return "xtcocotools"
    if importlib.util.find_spec("pycocotools"):
        return "pycocotools"
    raise RunError("COCO AP needs pycocotools: python -m pip install pycocotools")
