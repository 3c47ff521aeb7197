"""Checkpoint files: written whole or not at all, checked when read, read as data only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from hrpose.errors import CheckpointError
from hrpose.models.weights import read_file
from hrpose.storage.seal import sealed

LATEST = "latest.pth"
PREVIOUS = "previous.pth"
_EPOCH_FILE = re.compile(r"epoch_(\d+)\.pth")


def save(state: Mapping[str, Any], *paths: Path) -> None:
    """Write `state`, with a digest of its content, under each of the names `paths` of one folder.

    A temporary file beside them, flushed to disk, then renamed; the last of `paths` moves last.

    Raises:
        OSError: disk full, folder gone or read-only; `paths` are then as they were.
    """
    temporary = _beside(paths[-1])
    try:
        with temporary.open("wb") as file:
            torch.save(sealed(state), file)
            file.flush()
            os.fsync(file.fileno())
        for path in paths[:-1]:
            link(temporary, path)
        temporary.replace(paths[-1])
        _flush_folder(paths[-1].parent)
    except RuntimeError as error:  # what torch makes of a failed write
        raise OSError(_first_line(error)) from error
    finally:
        _remove(temporary)


def link(source: Path, path: Path) -> None:
    """Give `source` the second name `path` (a hard link; a copy where links are not to be had)."""
    temporary = _beside(path)
    _remove(temporary)
    try:
        try:
            os.link(source, temporary)
        except OSError:
            temporary.write_bytes(source.read_bytes())
        temporary.replace(path)
    finally:
        _remove(temporary)


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
    for path in work_dir.glob(".*.pth.*.tmp"):
        _remove(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # the folder is gone or read-only: the first error says more
        return


def _flush_folder(folder: Path) -> None:
    """Make the renames of `folder` last through a power cut, where folders can be flushed."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
