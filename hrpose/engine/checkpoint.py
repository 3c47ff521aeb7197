"""Checkpoint files: written whole or not at all, read as data only."""

import os
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hrpose.errors import CheckpointError

LATEST = "latest.pth"
_EPOCH_FILE = re.compile(r"epoch_(\d+)\.pth")


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write `state` to `path`: a temporary file beside it, flushed to disk, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def link(source: Path, path: Path) -> None:
    """Give `source` the second name `path` (a hard link; a copy where links are not to be had)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        try:
            os.link(source, temporary)
        except OSError:
            temporary.write_bytes(source.read_bytes())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """A training checkpoint of ours, on the CPU; nothing in it is executed."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{path}: not a readable checkpoint, perhaps cut off while it was copied ({reason})"
        ) from error
    if not isinstance(state, dict) or "optimizer" not in state:
        raise CheckpointError(
            f"{path}: holds weights but no training state, so a run cannot resume from it; "
            "start a new run from these weights with --load-from"
        )
    return state


def find_latest(work_dir: Path) -> Path | None:
    """The newest training checkpoint of a run directory; None where there is none yet."""
    latest = work_dir / LATEST
    return latest if latest.is_file() else next(reversed(epoch_files(work_dir)), None)


def epoch_files(work_dir: Path) -> list[Path]:
    """All `epoch_N.pth` of a run directory, oldest first."""
    found = [
        (int(m[1]), path)
        for path in work_dir.glob("epoch_*.pth")
        if (m := _EPOCH_FILE.fullmatch(path.name))
    ]
    return [path for _, path in sorted(found)]
