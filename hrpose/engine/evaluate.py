"""From a model and a loader to predictions in image px, and from those to numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hrpose import geometry
from hrpose.engine import distributed
from hrpose.errors import RunError
from hrpose.structures import Predictions

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.models import TopDown


@dataclass
class Report:
    """All metrics of one evaluation."""

    predictions: Predictions
    values: dict[str, float | None] = field(default_factory=dict)
    per_keypoint: dict[str, dict[str, float | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@torch.inference_mode()
def predict(
    model: TopDown,
    batches: Iterable[dict[str, Any]],
    device: torch.device,
    autocast: Callable[[], AbstractContextManager],
    warn: Callable[[str], None],
) -> Predictions:
    """Keypoints of every animal: predict `batches` (of this process), gather over processes."""
    model.eval()
    parts: list[Predictions] = []
    for batch in batches:
        for message in batch["bad"]:
            warn(f"left out of the evaluation: {message}")
        if not len(batch["index"]):
            continue
        with autocast():
            keypoints, scores = model.predict(batch["images"].to(device, non_blocking=True))
        matrix = batch["matrix"].numpy()
        back = geometry.invert_affine(matrix)[:, None]
        height, width = batch["images"].shape[-2:]
        parts.append(
            Predictions(
                keypoints=geometry.apply_affine(keypoints.cpu().double().numpy(), back).astype(
                    np.float32
                ),
                scores=scores.float().cpu().numpy(),
                index=batch["index"].numpy(),
                areas=(width * height / abs(np.linalg.det(matrix[:, :, :2]))).astype(np.float32),
            )
        )
    joined = [part for parts in distributed.gather(parts) for part in parts]
    if not joined:
        raise RunError("no animal could be evaluated: every image of the data set was left out")
    return Predictions.join(joined)


def score(predictions: Predictions, dataset: PoseDataset, metrics: Sequence[Any]) -> Report:
    """Every metric of `metrics` for `predictions` on the ground truth of `dataset`."""
    report = Report(predictions)
    truth, coco = dataset.truth(), dataset.coco()
    for metric in metrics:
        scores = metric.compute(predictions, truth, coco, dataset.meta)
        report.values.update(scores.values)
        report.per_keypoint.update(scores.per_keypoint)
        report.notes.extend(scores.notes)
    return report


def metric_table(report: Report) -> str:
    """The numbers, one a line; a number that does not exist is shown as such."""
    width = max((len(name) for name in report.values), default=0)
    lines = [
        f"  {name:<{width}}  {'does not exist' if value is None else f'{value:.4f}'}"
        for name, value in report.values.items()
    ]
    return "\n".join([*lines, *(f"  note: {note}" for note in report.notes)])


def keypoint_table(report: Report) -> str:
    """One line a keypoint, one column a metric."""
    if not report.per_keypoint:
        return ""
    names = list(report.per_keypoint)
    keypoints = list(next(iter(report.per_keypoint.values())))
    width = max(map(len, keypoints))
    columns = [max(8, len(name)) for name in names]
    head = [f"{name:>{column}}" for name, column in zip(names, columns, strict=True)]
    lines = ["  ".join([" " * (width + 2), *head])]
    for keypoint in keypoints:
        values = [report.per_keypoint[name].get(keypoint) for name in names]
        cells = [
            f"{'-' if value is None else f'{value:.4f}':>{column}}"
            for value, column in zip(values, columns, strict=True)
        ]
        lines.append("  ".join([f"  {keypoint:<{width}}", *cells]))
    return "\n".join(lines)
