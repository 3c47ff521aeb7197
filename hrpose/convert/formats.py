"""What `hrpose convert` reads and writes: one line a format, and the module that knows it.

A module is imported only when its format is named. That of a format to read has
`read(source: Path, options: ReadOptions) -> LabelSet`; that of a program to go back to has
`write(back: Back) -> list[Path]` (hrpose/convert/back/files.py).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from hrpose.config.typecheck import did_you_mean
from hrpose.environment import require
from hrpose.errors import DataError, RunError


@dataclass(frozen=True)
class Format:
    """A format.

    Args:
        module: where it is read or written, below hrpose.convert.
        what: what the source is, in one line.
        needs: modules that it needs, with the extra that brings each.
    """

    module: str
    what: str
    needs: tuple[tuple[str, str], ...] = ()


FORMATS = {
    "deeplabcut": Format(
        "programs.deeplabcut",
        "a DeepLabCut project, its config.yaml, a folder of labels, or one CollectedData_*.csv",
    ),
    "sleap": Format(
        "programs.sleap",
        "a SLEAP file: .slp, or .pkg.slp with its images inside",
        (("sleap_io", "sleap"), ("h5py", "sleap")),
    ),
    "labelstudio": Format("programs.labelstudio", "the JSON export of a Label Studio project"),
    "labelme": Format("programs.labelme", "a folder of labelme's (or X-AnyLabeling's) .json files"),
    "cvat": Format("programs.cvat", "CVAT for images 1.1 (XML), or its COCO Keypoints 1.0"),
    "ultralytics": Format("programs.ultralytics", "a YOLO pose data set: its .yaml, or its folder"),
    "horse10": Format(
        "official.horse10", "the Horse-10 release, and its TrainTestInfo_shuffle*.csv within"
    ),
    "macaque": Format("official.macaque", "the MacaquePose release: annotations.csv and images"),
    "atrw": Format("official.atrw", "ATRW's keypoint_train.json, keypoint_val.json and images"),
    "ap10k": Format("official.ap10k", "the AP-10K release"),
    "animalpose": Format(
        "official.animalpose", "the Animal-Pose release: its XML files, or keypoints.json"
    ),
    "ak": Format("official.ak", "the pose estimation part of Animal Kingdom"),
}
"""What is read, in the order of the help."""

BACK = {
    "to-deeplabcut": Format(
        "back.deeplabcut", "labels of hrpose convert, or COCO keypoints: to a DeepLabCut project"
    ),
    "to-sleap": Format(
        "back.sleap",
        "the same: to a SLEAP file (.slp)",
        (("sleap_io", "sleap"), ("h5py", "sleap")),
    ),
    "to-coco": Format(
        "back.coco",
        "the same: to one plain COCO file, with the ids of the original where it had any",
    ),
}
"""What is written."""


@dataclass(frozen=True)
class ReadOptions:
    """What the command line says about how to read.

    Args:
        images: folder of the images, where they are not beside the labels.
        category: what the animal is called where the format has no name for it.
        predicted: whether what a program predicted counts as a label, too.
    """

    images: Path | None = None
    category: str = "animal"
    predicted: bool = False


def load_format(name: str, table: dict[str, Format]) -> ModuleType:
    """The module of the format `name`.

    Raises:
        RunError: there is no such format, or a package that it needs is not there.
    """
    if name not in table:
        names = [*FORMATS, *BACK]
        hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise RunError(f"no format '{name}'{hint}")
    for module, extra in table[name].needs:
        require(module, extra, f"hrpose convert {name}")
    return importlib.import_module(f"hrpose.convert.{table[name].module}")


def not_it(path: Path, found: str, expected: str, advice: str) -> DataError:
    """The one line about a file that is not what it should be.

    Args:
        advice: which export to choose in the program that the file is from.
    """
    return DataError(f"{path}: found {found}; expected {expected}; {advice}")


def shown(value: Any) -> str:
    """`value` for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
