"""What MMPose's base pages and data sets say, by name: for pages that came without them."""

from __future__ import annotations

from functools import cache
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

SCHEDULE: dict[str, Any] = {
    "train_cfg": {"max_epochs": 210, "val_interval": 10},
    "optim_wrapper": {"optimizer": {"type": "Adam", "lr": 5e-4}},
    "param_scheduler": [
        {"type": "LinearLR", "begin": 0, "end": 500, "start_factor": 0.001, "by_epoch": False},
        {"type": "MultiStepLR", "begin": 0, "end": 210, "milestones": [170, 200], "gamma": 0.1},
    ],
    "auto_scale_lr": {"base_batch_size": 512},
}
"""What `schedule_bs512_ep210.py` of 1.0's first days says."""

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
    if path.name == "schedule_bs512_ep210.py":
        return dict(SCHEDULE), "Adam, 210 epochs and steps at 170 and 200, as MMPose's"
    if path.parent.name == "datasets":
        info = known_dataset_info(path.stem)
        if info is not None:
            return {"dataset_info": info}, "its keypoints are taken from the pages of hrpose"
    return None


@cache
def known_keypoints(name: str) -> dict[str, Any] | None:
    """The `keypoints` of hrpose's own pages for MMPose's base page `datasets/<name>.py`."""
    page = pages_folder() / "_base_" / "keypoints" / f"{_OUR_NAMES.get(name, name)}.py"
    return read(page)[0]["keypoints"] if page.is_file() else None


def known_dataset_info(name: str) -> dict[str, Any] | None:
    """The same as MMPose's `dataset_info`."""
    meta = known_keypoints(name)
    if meta is None:
        return None
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
