"""The formats that are made of a finished table, by name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hrpose.environment import require

if TYPE_CHECKING:
    from hrpose.predict.crops import Cropper
    from hrpose.predict.inputs import Job
    from hrpose.predict.record import JobFiles

FORMATS = ("csv", "h5", "dlc", "slp", "coco", "jsonl")
_NEEDS = {
    "h5": (("pandas", "dlc"), ("tables", "dlc")),
    "dlc": (("pandas", "dlc"), ("tables", "dlc")),
    "slp": (("sleap_io", "sleap"), ("h5py", "sleap")),
}
"""Modules that a format needs, and the extra that brings each."""


@dataclass
class Finished:
    """A table with all its rows, and what it was made of.

    Args:
        table: the csv file.
        where: the lines of `frames_jsonl`.
        rate: frames per second of a video, where it has one.
        size: (W, H) px of a video.
    """

    places: JobFiles
    job: Job
    table: Path
    where: Path
    cropper: Cropper
    rate: float | None
    size: tuple[int, int] | None
    dlc_project: tuple[Path, int] | None = None


def require_formats(formats: Sequence[str]) -> None:
    """RunError where a package that a format needs is not there; before any work."""
    for name in formats:
        for module, extra in _NEEDS.get(name, ()):
            require(module, extra, f"--formats {name}")


def write_formats(finished: Finished, formats: Sequence[str]) -> list[Path]:
    """Write each of `formats` but csv and jsonl, which are there; returns the files.

    Raises:
        OSError: one cannot be written.
    """
    written: list[Path] = []
    for name in formats:
        if name not in ("csv", "jsonl"):
            module = importlib.import_module(f"hrpose.predict.tables.{name}")
            written += module.write(finished)
    return written
