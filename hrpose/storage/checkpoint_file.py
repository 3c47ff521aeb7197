"""Checkpoint files: written whole or not at all, checked when read, read as data only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hrpose.errors import CheckpointError
from hrpose.storage.seal import check_seal, sealed
from hrpose.storage.whole_file import draft, flush, link, remove_drafts

LATEST = "latest.pth"
PREVIOUS = "previous.pth"
_EPOCH_FILE = re.compile(r"epoch_(\d+)\.pth")


def save(state: Mapping[str, Any], *paths: Path) -> None:
    """Write `state`, with a digest of its content, under each of the names `paths` of one folder.

    The last of `paths` moves last.

    Raises:
        OSError: disk full, folder gone or read-only; `paths` are then as they were.
    """
    try:
        with draft(paths[-1]) as file:
            torch.save(sealed(state), file)
            flush(file)
            for path in paths[:-1]:
                link(Path(file.name), path)
    except RuntimeError as error:  # what torch makes of a failed write
        raise OSError(_first_line(error)) from error


def read_file(path: Path) -> Any:
    """What a checkpoint file holds, on the CPU, its digest checked; nothing in it is executed.

    Raises:
        CheckpointError: it cannot be read, is damaged, or holds other objects than data.
    """
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # a damaged pickle can end in almost any exception
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused:
            raise CheckpointError(
                f"{path}: holds a Python object ({refused[1]}), and reading one could run code; "
                "save the weights alone, as tensors"
            ) from error
        size = f"{path.stat().st_size:,} bytes"
        raise CheckpointError(
            f"{path}: not a readable checkpoint ({size}): cut off, or another kind of file"
        ) from error
    check_seal(content, path)
    return content


def read(path: Path) -> dict[str, Any]:
    """A training checkpoint of ours, on the CPU; nothing in it is executed.

    Raises:
        CheckpointError: it is missing, cut off, damaged, or holds no training state.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    state = read_file(path)
    if not isinstance(state, dict) or "optimizer" not in state:
        raise CheckpointError(
            f"{path}: holds weights but no training state, so a run cannot resume from it; "
            "start a new run from these weights with --load-from"
        )
    return state


def newest_whole(
    work_dir: Path, warn: Callable[[str], None]
) -> tuple[Path, dict[str, Any]] | tuple[None, None]:
    """The newest training checkpoint of a run directory that can be read; None where there is none.

    Says which damaged ones it passed by.

    Raises:
        CheckpointError: there are checkpoints, but none is whole.
    """
    problems = []
    for path in candidates(work_dir):
        try:
            return path, read(path)
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

    Numbered ones by time: higher numbers may be of a branch that a resume from before them left.
    """
    by_time = sorted(epoch_files(work_dir), key=lambda path: path.stat().st_mtime_ns)
    for path in (work_dir / LATEST, work_dir / PREVIOUS, *reversed(by_time)):
        if path.is_file():
            yield path


def epoch_files(work_dir: Path) -> list[Path]:
    """All `epoch_N.pth` of a run directory, oldest first."""
    found = [
        (int(m[1]), path)
        for path in work_dir.glob("epoch_*.pth")
        if (m := _EPOCH_FILE.fullmatch(path.name))
    ]
    return [path for _, path in sorted(found)]


def remove_leftovers(work_dir: Path) -> None:
    """Remove what processes that were killed while writing left in a run directory of ours."""
    remove_drafts(work_dir, "*.pth")


def _numpy_scalars() -> list[Any]:
    """What NumPy 1 and 2 call when a number is unpickled; MMPose keeps its best score as one."""
    scalar = np.float64().__reduce__()[0]
    codes = "?" + np.typecodes["AllInteger"] + np.typecodes["Float"]
    return [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        *{type(np.dtype(code)) for code in codes},
    ]


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
