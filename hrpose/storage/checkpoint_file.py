"""Checkpoint files: written whole or not at all, checked when read, read as data only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hrpose.errors import CheckpointError
from hrpose.storage.seal import check_seal, sealed


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


def read(path: Path) -> Any:
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
