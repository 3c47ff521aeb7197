"""Checkpoint files: written whole or not at all, checked when read, read as data only.

Files that end in .safetensors are read too; they never hold more than data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch

from hrpose.errors import CheckpointError
from hrpose.storage import safetensors_file
from hrpose.storage.plain_arrays import STAND_INS, NotPlainError, passing_over, with_arrays
from hrpose.storage.seal import check_seal, sealed
from hrpose.storage.whole_file import draft, flush, link


def save(state: Mapping[str, Any], *paths: Path) -> None:
    """Write `state`, with a digest of its content, under each of the names `paths` of one folder.

    The last of `paths` moves last.

    Raises:
        OSError: disk full, folder gone or read-only; `paths` are then as they were.
    """
    try:
        with draft(paths[-1]) as file:
            _save(sealed(state), file)
            flush(file)
            for path in paths[:-1]:
                link(Path(file.name), path)
    except RuntimeError as error:  # of torch, which could not write
        raise OSError(_first_line(error)) from error


class _Writer:
    """A file that remembers why it could not be written: torch makes a riddle of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """As a file does."""
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """As a file does."""
        try:
            self._file.flush()
        except OSError as error:
            self.error = error
            raise


def _save(content: dict[str, Any], file: IO[bytes]) -> None:
    """`torch.save`; OSError as the system gave it, where `file` could not be written."""
    writer = _Writer(file)
    try:
        torch.save(content, writer)  # type: ignore[arg-type]
    except RuntimeError as error:
        raise writer.error or error from None


def read(path: Path) -> Any:
    """What a checkpoint file holds, on the CPU, its digest checked; nothing in it is executed.

    Raises:
        CheckpointError: it cannot be read, is damaged, or holds other objects than data.
    """
    named = path.suffix.lower() == safetensors_file.SUFFIX
    content = safetensors_file.read(path) if named else _unpickled(path)
    try:
        check_seal(content, path)
    except RecursionError as error:
        raise CheckpointError(f"{path}: damaged: it holds itself") from error
    except (RuntimeError, TypeError, MemoryError, NotImplementedError) as error:
        raise CheckpointError(
            f"{path}: damaged: it holds a tensor of which no digest can be made: sparse, without "
            "its numbers, or of more than the file can hold"
        ) from error
    return content


def carried_page(content: Any) -> dict[str, Any] | None:
    """The page in a checkpoint of ours, as JSON gives it; None where it holds none.

    Args:
        content: what `read` gave.
    """
    try:
        page = json.loads(content["meta"]["page"])
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return page if isinstance(page, dict) else None


def _named(path: Path) -> list[str]:
    """The classes and functions that a checkpoint names, as far as torch knows no better."""
    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # an older format, or damaged: reading it says what is wrong
        return []


def _unpickled(path: Path) -> Any:
    """What torch has written to `path`, on the CPU; nothing in it is executed."""
    try:
        with torch.serialization.safe_globals([*STAND_INS, *passing_over(_named(path))]):
            return with_arrays(torch.load(path, map_location="cpu", weights_only=True))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    except NotPlainError as error:
        raise CheckpointError(
            f"{path}: holds more than numbers ({error}), and reading that could run code; save the "
            "weights alone, as tensors"
        ) from error
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


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
