"""An exported model beside torch: what it must give on the same crops before it is handed on.

Legend: N crops, h/w px, points in input px.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from hrpose.errors import RunError
from hrpose.export.crops import BATCHES
from hrpose.export.exported import read_exported
from hrpose.predict.look.search import SURE

LARGEST_ERROR = 0.01
"""Between ONNX Runtime and torch, in input px."""
LARGEST_SCORE_ERROR = 0.001
_BATCH = 8


def compare(model: nn.Module, file: Path, crops: np.ndarray) -> str:
    """How far ONNX Runtime with `file` is from torch with `model`, in a line.

    Args:
        crops: (N, h, w, 3) uint8 RGB, as many as `BATCHES` hold together.

    Raises:
        RunError: a batch fails, or a point or a score is too far off.
    """
    batches = np.split(crops, np.cumsum(BATCHES)[:-1])
    errors, score_errors = [], []
    for keypoints, scores, want, want_scores in _both(model, file, batches):
        errors.append(np.abs(keypoints - want).max())
        score_errors.append(np.abs(scores - want_scores).max())
    far, score_error = np.max(errors), np.max(score_errors)  # NaN where one is
    # not >: what is no number is too far off, too
    if not (far <= LARGEST_ERROR and score_error <= LARGEST_SCORE_ERROR):
        raise RunError(
            f"the exported model differs from torch: points by up to {far:.3g} px "
            f"(at most {LARGEST_ERROR}), scores by up to {score_error:.3g} (at most "
            f"{LARGEST_SCORE_ERROR}); it was not written. Where scores agree, points are "
            "of flat heatmaps, whose highest cell is chance: the network has not learned them"
        )
    told = ", ".join(map(str, BATCHES))
    return (
        f"in batches of {told}: points differ by up to "
        f"{far:.2g} px, scores by up to {score_error:.2g}"
    )


def compare_int8(model: nn.Module, file: Path, crops: np.ndarray, limit: float) -> str:
    """How far `file` in int8 moves the points of torch with `model` in fp32, in a line.

    Args:
        crops: (N, h, w, 3) uint8 RGB, none of which it was calibrated on.
        limit: of the 95th percentile, px.

    Raises:
        RunError: it moves them further, or torch is sure of none (`SURE`).
    """
    batches = [crops[at : at + _BATCH] for at in range(0, len(crops), _BATCH)]
    answers = [np.concatenate(parts) for parts in zip(*_both(model, file, batches), strict=True)]
    keypoints, scores, want, want_scores = answers
    sure = want_scores >= SURE  # of others the highest cell may be chance
    if not sure.any():
        raise RunError(
            f"--int8: torch gives none of {sure.size} points a score of {SURE}, so that none can "
            "be compared; it was not written"
        )
    moved = np.linalg.norm(keypoints - want, axis=-1)[sure]
    told = (
        f"{len(moved)} of {sure.size} points with a score from {SURE} on move by "
        f"{moved_in_words(moved)}"
    )
    beyond = np.quantile(moved, 0.95) - limit
    if not beyond <= 0:
        raise RunError(
            f"--int8: {told}: {beyond:.2g} px beyond --int8-limit {limit:g} at 95%; it was not "
            "written. Export without --int8, or allow more"
        )
    return f"{told}, scores by up to {np.abs(scores - want_scores)[sure].max():.2g}"


def moved_in_words(moved: np.ndarray) -> str:
    """Median, 95th percentile and largest of the distances `moved` (N,), input px."""
    middle, most, largest = np.quantile(moved, (0.5, 0.95, 1))
    return f"{middle:.2g} px (median), {most:.2g} px (95%), {largest:.2g} px at most"


@torch.inference_mode()
def _both(
    model: nn.Module, file: Path, batches: Sequence[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Keypoints and scores of each batch: of ONNX Runtime with `file`, then of torch."""
    exported = read_exported(file)
    for batch in batches:
        try:
            answer = exported.estimate(batch.transpose(0, 3, 1, 2))()
        except Exception as error:  # of kinds that the library does not name
            raise RunError(f"the exported model fails on {len(batch)} crops: {error}") from error
        want, want_scores = (part.numpy() for part in model(torch.from_numpy(batch)))
        yield (*answer, want, want_scores)
