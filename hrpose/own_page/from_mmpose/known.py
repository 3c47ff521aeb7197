"""What MMPose's base pages and data sets say, by name: for pages that came without them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from hrpose.config import read
from hrpose.config.pages import pages_folder

DATASETS = {
    "AnimalHorse10Dataset": "horse10",
    "Horse10Dataset": "horse10",
    "AnimalMacaqueDataset": "macaque",
    "MacaqueDataset": "macaque",
    "AnimalATRWDataset": "atrw",
    "ATRWDataset": "atrw",
    "AnimalAP10KDataset": "ap10k",
    "AP10KDataset": "ap10k",
    "AnimalPoseDataset": "animalpose",
    "AnimalKingdomDataset": "ak",
}
"""Data sets of MMPose, and the base page that names their keypoints."""

NOT_COCO = {
    "TopDownMpiiDataset": "MPII's own files",
    "MpiiDataset": "MPII's own files",
    "CombinedDataset": "several data sets as one",
    "ConcatDataset": "several data sets as one",
    "RepeatDataset": "a data set several times over",
    "TopDownCocoWholeBodyDataset": "keypoints in five fields of an annotation",
    "CocoWholeBodyDataset": "keypoints in five fields of an annotation",
}
"""Data sets that are no COCO keypoint file, and what they are."""

PLAIN_COCO = ("TopDownCocoDataset", "CocoDataset")

_OUR_NAMES = {"ak": "animalkingdom"}
"""Files of ours where a name is not that of the base page."""

RUNTIME: dict[str, Any] = {
    "checkpoint_config": {"interval": 10},
    "log_config": {"interval": 50},
    "default_hooks": {"checkpoint": {"interval": 10}, "logger": {"interval": 50}},
}
"""What `default_runtime.py` says that a page here can say too, as 0.x and as 1.x."""


def known_base(base: str) -> tuple[dict[str, Any], str] | None:
    """What the base page `base` says and a sentence on it; None where its name tells nothing."""
    path = PurePosixPath(base.replace("\\", "/").split("::")[-1])
    if path.name == "default_runtime.py":
        return dict(
            RUNTIME
        ), "a checkpoint every 10 epochs and a log line every 50 steps, as MMPose's"
    if path.parent.name == "datasets":
        info = known_dataset_info(path.stem)
        if info is not None:
            return {"dataset_info": info}, "its keypoints are taken from the pages of hrpose"
    return None


def known_dataset_info(name: str) -> dict[str, Any] | None:
    """The `dataset_info` of MMPose's base page `datasets/<name>.py`, from the pages of hrpose."""
    folder = pages_folder() / "_base_" / "keypoints"
    page = folder / f"{_OUR_NAMES.get(name, name)}.py"
    if not page.is_file():
        return None
    meta = read(page)[0]["keypoints"]
    partner = {a: b for pair in meta["flip_pairs"] for a, b in (pair, pair[::-1])}
    halves = {name: kind for kind in ("upper", "lower") for name in meta.get(f"{kind}_body", ())}
    return {
        "dataset_name": meta["dataset"],
        "keypoint_info": {
            number: {
                "name": name,
                "id": number,
                "type": halves.get(name, ""),
                "swap": partner.get(name, ""),
            }
            for number, name in enumerate(meta["names"])
        },
        "skeleton_info": {
            number: {"link": tuple(link), "id": number}
            for number, link in enumerate(meta.get("skeleton", ()))
        },
        "sigmas": meta.get("sigmas"),
    }


def base_page_name(dataset: str) -> str:
    """The base page that names the keypoints of MMPose's class `dataset`, as far as can be told."""
    return DATASETS.get(dataset, dataset.removesuffix("Dataset").removeprefix("TopDown").lower())


def find_base_page(page: Path, name: str) -> Path | None:
    """`configs/<name>`, looked for in the folders above `page`, as where MMPose is checked out."""
    for folder in page.resolve().parents:
        for path in (folder / name, folder / "configs" / name):
            if path.is_file():
                return path
    return None
