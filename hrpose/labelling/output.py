"""What was chosen, where it goes, and the forms in which labelling tools open it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hrpose.environment import require
from hrpose.errors import RunError
from hrpose.keypoints import KeypointMeta
from hrpose.labelling.pictures import Picture
from hrpose.predict.tables.csv_table import Table
from hrpose.storage.whole_file import link

KINDS = ("deeplabcut", "sleap", "coco")
_NEEDS = {
    "deeplabcut": (("pandas", "dlc"), ("tables", "dlc")),
    "sleap": (("sleap_io", "sleap"),),
}
"""Modules that a form needs, and the extra that brings each."""
_NAME = re.compile(r"img(\d+)\.(?:png|jpg)")


@dataclass(frozen=True)
class SuggestedFiles:
    """Where the files of one video go."""

    tables: tuple[Path, ...]
    """The last one is text that names the images, if there are images."""
    sheet: Path
    images: Path | None
    """Folder; None for a tool that opens the video itself."""


@dataclass
class Suggested:
    """The chosen frames of a video, with the table of their predictions.

    Args:
        frames: how many the video has.
    """

    table: Table
    meta: KeypointMeta
    video: Path
    chosen: Sequence[Picture]
    frames: int

    def name(self, index: int) -> str:
        """File name of the image of chosen frame `index`, with zeros as DeepLabCut has them."""
        digits = len(str(self.frames - 1))
        return f"img{self.chosen[index].candidate.number:0{digits}d}.png"

    def names(self) -> list[str]:
        """Of all chosen frames."""
        return [self.name(index) for index in range(len(self.chosen))]

    def image(self, index: int) -> np.ndarray:
        """The image of chosen frame `index`, (H, W, 3) RGB."""
        data = np.frombuffer(self.chosen[index].file.read_bytes(), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def files_of(kind: str, out: Path, stem: str) -> SuggestedFiles:
    """Where the form `kind` has its files for the video called `stem`."""
    sheet = out / f"{stem}.suggested.jpg"
    if kind == "sleap":
        return SuggestedFiles((out / f"{stem}.suggested.slp",), sheet, None)
    if kind == "coco":
        return SuggestedFiles((out / f"{stem}.suggested.json",), sheet, out / stem)
    folder = out / "labeled-data" / stem
    tables = (folder / "machinelabels-iter0.h5", folder / "machinelabels-iter0.csv")
    return SuggestedFiles(tables, sheet, folder)


def require_form(kind: str) -> None:
    """RunError where a package that the form `kind` needs is not there; before any work."""
    for module, extra in _NEEDS.get(kind, ()):
        require(module, extra, f"--as {kind}")


def labelled(where: SuggestedFiles) -> set[int]:
    """Numbers of the frames that a person has labelled, by the csv tables of DeepLabCut."""
    found: set[int] = set()
    for file in where.images.glob("CollectedData_*.csv") if where.images else ():
        found |= {
            int(number)
            for number in _NAME.findall(file.read_text(encoding="utf-8", errors="replace"))
        }
    return found


def write(kind: str, where: SuggestedFiles, found: Suggested) -> list[Path]:
    """Write images and tables; images of an earlier suggestion that are in it no more go.

    Raises:
        RunError: a file cannot be written.
    """
    try:
        before = _named_in(where)
        for table in where.tables:
            table.parent.mkdir(parents=True, exist_ok=True)
        if where.images:
            where.images.mkdir(exist_ok=True)
            for index, picture in enumerate(found.chosen):
                link(picture.file, where.images / found.name(index))
        importlib.import_module(f"hrpose.labelling.{kind}").write(where, found)
        for name in before - set(found.names()):
            (where.tables[-1].parent / name).unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{where.tables[0]}: cannot be written ({error})") from None
    return [*([where.images] if where.images else []), *where.tables]


def _named_in(where: SuggestedFiles) -> set[str]:
    """Images that an earlier suggestion has written; none where a person has labelled some."""
    text = where.tables[-1]
    if where.images is None or not text.is_file() or any(where.images.glob("CollectedData_*")):
        return set()
    return {match[0] for match in _NAME.finditer(text.read_text(encoding="utf-8"))}
