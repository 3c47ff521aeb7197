"""From a model and a loader to predictions in image px, and from those to numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hrpose import geometry
from hrpose.errors import RunError
from hrpose.models.folding import fold_batch_norm
from hrpose.processes import distributed
from hrpose.structures import Predictions

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.models import TopDown

_COLUMNS = 100
"""Width of a table on the screen."""


@dataclass
class Report:
    """All metrics of one evaluation."""

    predictions: Predictions
    values: dict[str, float | None] = field(default_factory=dict)
    per_keypoint: dict[str, dict[str, float | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    intervals: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    """Of each number, where they were asked for; see `metrics.bootstrap`."""


@torch.inference_mode()
def predict(
    model: TopDown,
    batches: Iterable[dict[str, Any]],
    device: torch.device,
    autocast: Callable[[], AbstractContextManager],
    warn: Callable[[str], None],
) -> Predictions:
    """Keypoints of every animal: predict `batches` (of this process), gather over processes.

    The model that answers is a copy of `model` with batch norm folded into the convolutions. The
    answers stay on the device until the last batch is on its way, so no batch waits for another.
    """
    folded = fold_batch_norm(model)
    answers, parts = [], []
    for batch in batches:
        for message in batch["bad"]:
            warn(f"left out of the evaluation: {message}")
        if not len(batch["index"]):
            continue
        with autocast():
            answers.append(folded.predict(batch["images"].to(device, non_blocking=True)))
        matrix, (height, width) = batch["matrix"].numpy(), batch["images"].shape[-2:]
        areas = width * height / abs(np.linalg.det(matrix[:, :, :2]))
        parts.append((geometry.invert_affine(matrix), batch["index"].numpy(), areas))
    here = []
    for (keypoints, scores), (back, index, areas) in zip(answers, parts, strict=True):
        placed = geometry.apply_affine(keypoints.cpu().double().numpy(), back[:, None])
        numbers = scores.float().cpu().numpy()
        here.append(
            Predictions(placed.astype(np.float32), numbers, index, areas.astype(np.float32))
        )
    joined = [part for parts in distributed.gather(here) for part in parts]
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
    """The numbers, one a line; a number that does not exist is shown as such.

    With the interval of each, where there is one, and the notes, those that several share once.
    """
    width = max((len(name) for name in report.values), default=0)
    lines = []
    for name, value in report.values.items():
        line = f"  {name:<{width}}  {'does not exist' if value is None else f'{value:.4f}'}"
        ends = report.intervals.get(name)
        lines.append(line + (f"  ({ends[0]:.4f} to {ends[1]:.4f})" if ends else ""))
    return "\n".join([*lines, *(f"  note: {note}" for note in _shared_notes(report.notes))])


def _shared_notes(notes: Sequence[str]) -> list[str]:
    """Notes "name: text", each text once and before all the names that it goes with."""
    names: dict[str, list[str]] = {}
    for note in notes:
        name, _, text = note.partition(": ")
        names.setdefault(text, []).append(name)
    return [f"{text} [{', '.join(dict.fromkeys(group))}]" for text, group in names.items()]


def keypoint_table(report: Report) -> str:
    """One line a keypoint, one column a metric; in several blocks where the columns are many."""
    names = list(report.per_keypoint)
    if not names:
        return ""
    width = max(map(len, report.per_keypoint[names[0]]))
    blocks: list[list[str]] = [[]]
    for name in names:
        used = sum(max(8, len(other)) + 2 for other in [*blocks[-1], name])
        if blocks[-1] and width + 2 + used > _COLUMNS:
            blocks.append([])
        blocks[-1].append(name)
    return "\n".join(_keypoint_block(report, block, width) for block in blocks)


def _keypoint_block(report: Report, names: Sequence[str], width: int) -> str:
    columns = [max(8, len(name)) for name in names]
    head = [f"{name:>{column}}" for name, column in zip(names, columns, strict=True)]
    lines = ["  ".join([" " * (width + 2), *head])]
    for keypoint in report.per_keypoint[names[0]]:
        values = [report.per_keypoint[name].get(keypoint) for name in names]
        cells = [
            f"{'-' if value is None else f'{value:.4f}':>{column}}"
            for value, column in zip(values, columns, strict=True)
        ]
        lines.append("  ".join([f"  {keypoint:<{width}}", *cells]))
    return "\n".join(lines)
