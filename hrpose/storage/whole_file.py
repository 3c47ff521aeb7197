"""Files that are there whole or not at all: written as a draft, flushed, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def draft(path: Path) -> Iterator[IO[bytes]]:
    """A new file to write to; it becomes `path` when the block ends, and is gone if it fails.

    Raises:
        OSError: it cannot be written; what stood at `path` still stands there.
    """
    beside = _beside(path)
    _remove(beside)  # what a process of this number left, or somebody has put there
    try:
        with beside.open("xb") as file:  # x: follows no link
            yield file
            flush(file)
        beside.replace(path)
        _flush_folder(path.parent)
    finally:
        _remove(beside)


@contextmanager
def draft_for_library(path: Path) -> Iterator[Path]:
    """As `draft`, for a library that opens its file itself: the name of the new file.

    The name ends as that of `path` does, for libraries that choose a format by it.

    Raises:
        OSError: there is no file to put in place, or no place; what stood there still does.
    """
    beside = _beside(path)
    beside = beside.with_name(beside.name + path.suffix)
    _remove(beside)
    try:
        yield beside
        with beside.open("rb+") as file:
            flush(file)
        beside.replace(path)
        _flush_folder(path.parent)
    finally:
        _remove(beside)


def write_whole(path: Path, text: str) -> None:
    """Give the file `path` the content `text`, in UTF-8 and with line ends as they are.

    Raises:
        OSError: it cannot be written; what stood at `path` still stands there.
    """
    with draft(path) as file:
        file.write(text.encode())


def link(source: Path, path: Path) -> None:
    """Give `source` the second name `path` (a hard link; a copy where links are not to be had)."""
    beside = _beside(path)
    _remove(beside)
    try:
        os.link(source, beside)
        beside.replace(path)
    except OSError:
        with draft(path) as file:
            file.write(source.read_bytes())
    finally:
        _remove(beside)


def flush(file: IO[bytes]) -> None:
    """Bring what was written to `file` to the disk."""
    file.flush()
    os.fsync(file.fileno())


def remove_drafts(folder: Path, pattern: str) -> None:
    """Remove drafts, of files in `folder` named like `pattern`, of processes that were killed."""
    for path in folder.glob(f".{pattern}.*.tmp*"):
        _remove(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _remove(path: Path) -> None:
    with suppress(OSError):  # the folder is gone or read-only: the first error says more
        path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make the renames of `folder` last through a power cut, where folders can be flushed."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
