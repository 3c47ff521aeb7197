"""The checkpoints of a run directory: their names, and which of them is the newest whole one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from hrpose.errors import CheckpointError
from hrpose.rundir.snapshot import fault_of, progress_of
from hrpose.storage import checkpoint_file
from hrpose.storage.whole_file import remove_drafts

LATEST = "latest.pth"
PREVIOUS = "previous.pth"
Misfit = Callable[[dict[str, Any]], str]
_EPOCH_FILE = re.compile(r"epoch_(\d+)\.pth")


def _no_misfit(_: dict[str, Any]) -> str:
    return ""


def read_training(path: Path, misfit: Misfit = _no_misfit) -> dict[str, Any]:
    """A training checkpoint of ours, on the CPU; nothing in it is executed.

    Args:
        misfit: says what of it does not fit the run that is to go on; empty if all does.

    Raises:
        CheckpointError: it is missing, cut off, damaged, does not fit, or holds no training state.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    state = checkpoint_file.read(path)
    if not isinstance(state, dict) or "optimizer" not in state:
        raise CheckpointError(
            f"{path}: holds weights but no training state, so a run cannot resume from it; "
            "start a new run from these weights with --load-from"
        )
    problem = fault_of(state) or misfit(state)
    if problem:
        raise CheckpointError(
            f"{path}: damaged, or not written by hrpose: {problem}; take an older checkpoint"
        )
    return state


def newest_whole(
    work_dir: Path, warn: Callable[[str], None], misfit: Misfit = _no_misfit
) -> tuple[Path, dict[str, Any]] | tuple[None, None]:
    """The newest training checkpoint of a run directory that can be read; None where there is none.

    Says which damaged ones it passed by; `misfit` as for `read_training`.

    Raises:
        CheckpointError: there are checkpoints, but none is whole.
    """
    problems = []
    for path in candidates(work_dir):
        try:
            return path, read_training(path, misfit)
        except CheckpointError as error:
            problems.append(str(error))
            warn(f"{error}; trying the one before")
    if problems:
        raise CheckpointError(
            "\n  - ".join([f"{work_dir}: none of its checkpoints can be read", *problems])
        )
    return None, None


def candidates(work_dir: Path) -> Iterator[Path]:
    """The training checkpoints of a run directory, newest first.

    Of numbered ones the content decides: a later attempt comes before an earlier one, whose epochs
    may have higher numbers where a run went on from before them; then a later step. No clock does.
    """
    yield from _newest(work_dir)
    numbered = sorted(epoch_files(work_dir), key=place_in_run)
    for path in reversed(numbered):
        if path.is_file():
            yield path


def _newest(work_dir: Path) -> list[Path]:
    """The two that are written at every save, as far as they are there."""
    return [path for name in (LATEST, PREVIOUS) if (path := work_dir / name).is_file()]


def place_in_run(path: Path) -> tuple[int, int]:
    """Attempt and optimizer step of the checkpoint `path`, without reading its weights; (-1, -1)
    where it does not tell.
    """
    try:
        meta = torch.load(path, map_location="cpu", weights_only=True, mmap=True)["meta"]
        progress = progress_of(meta)
        return progress.attempt, progress.iteration
    except Exception:  # a damaged file can end in almost any exception; `read_training` says which
        return -1, -1


def last_attempt(work_dir: Path) -> int:
    """The highest attempt of all checkpoints of a run directory, 0 where there are none."""
    paths = [*_newest(work_dir), *epoch_files(work_dir)]
    return max((place_in_run(path)[0] for path in paths), default=0)


def epoch_files(work_dir: Path) -> list[Path]:
    """All `epoch_N.pth` of a run directory, oldest first."""
    found = [
        (int(m[1]), path)
        for path in work_dir.glob("epoch_*.pth")
        if (m := _EPOCH_FILE.fullmatch(path.name))
    ]
    return [path for _, path in sorted(found)]


def best_files(work_dir: Path, metric: str) -> list[Path]:
    """The best weights by `metric` of a run directory, without copies under names like theirs."""
    name = re.compile(rf"best_{re.escape(metric)}_epoch_\d+\.pth")
    return [path for path in work_dir.glob("best_*.pth") if name.fullmatch(path.name)]


def remove_leftovers(work_dir: Path) -> None:
    """Remove what processes that were killed while writing left in a run directory of ours."""
    remove_drafts(work_dir, "*.pth")
