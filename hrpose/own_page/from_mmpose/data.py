"""Data sets and loaders: labels, images, boxes and batches of the three splits."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Any

from hrpose.own_page.from_mmpose.known import DATASETS, NOT_COCO, PLAIN_COCO
from hrpose.own_page.from_mmpose.part import Part

_BOXES_AS_THEY_ARE = {f"Animal{name}Dataset" for name in ("Horse10", "Fly", "Locust", "Zebra")}
"""Data sets of 0.x that do not clip boxes to the image."""
_CHANNELS = ("num_output_channels", "num_joints", "dataset_channel", "inference_channel")
_OF_TESTS: tuple[str, ...] = (
    "soft_nms",
    "nms_thr",
    "oks_thr",
    "vis_thr",
    "use_gt_bbox",
    "bbox_file",
    "bbox_thr",
)
_OF_TESTS += ("det_bbox_thr", "image_thr")


@dataclass
class Split:
    """One data set of theirs.

    Args:
        dataset: what stands in the page.
        ann_file: with its root; `images` likewise.
        pipeline: its steps.
        box_file: a detector's boxes, '' for the annotated ones.
        settings: 0.x's `data_cfg`.
        clean_up: what that release does to boxes, as `box_clean_up`.
    """

    dataset: Part
    ann_file: str
    images: str
    pipeline: list[Part]
    settings: Part
    clean_up: str
    box_file: str = ""
    box_score_thr: float = 0.0

    def values(self, root: str) -> dict[str, Any]:
        """As it stands on our page, where paths start from `root`."""
        values: dict[str, Any] = {
            "type": "CocoPoseDataset",
            "ann_file": _below(self.ann_file, root),
            "img_root": _below(self.images, root),
        }
        if self.clean_up != "none":
            values["box_clean_up"] = self.clean_up
        if self.box_file:
            values["box_file"] = _below(self.box_file, root)
            values |= {"box_score_thr": self.box_score_thr} if self.box_score_thr else {}
        return values


@dataclass
class Data:
    """All data of their page."""

    splits: dict[str, Split]
    batch_size: int
    val_batch_size: int
    workers: int
    root: str

    def values(self) -> dict[str, Any]:
        """The `data` of our page; a test set that is the validation set is a reference to it."""
        splits: dict[str, Any] = {name: one.values(self.root) for name, one in self.splits.items()}
        if splits["test"] == splits["val"]:
            splits["test"] = "$data.val"
        return {
            "root": self.root,
            "batch_size": self.batch_size,
            "val_batch_size": self.val_batch_size,
            "workers": self.workers,
            **splits,
        }


def read_data(root: Part) -> Data:
    """The data sets and loaders of their page.

    Raises:
        ConfigError: one is missing, or is no COCO keypoint file.
    """
    return _new(root) if "train_dataloader" in root else _old(root)


def _old(root: Part) -> Data:
    data = root.part("data")
    splits = {
        name: _old_split(data.part(name), name != "train") for name in ("train", "val", "test")
    }
    batch = data.take("samples_per_gpu", int)
    sizes = [
        data.part(f"{name}_dataloader").take("samples_per_gpu", int, batch)
        for name in ("val", "test")
    ]
    workers = data.take("workers_per_gpu", int, 2)
    return Data(splits, batch, sizes[0], workers, _root(root, splits))


def _old_split(dataset: Part, tests: bool) -> Split:
    _require_coco(dataset)
    settings = dataset.part("data_cfg")
    settings.pass_over(*_CHANNELS, "image_size", "heatmap_size")
    box_file, score = "", 0.0
    if not tests:
        settings.pass_over(*_OF_TESTS)
    elif not settings.take("use_gt_bbox", bool, True):
        box_file = settings.take("bbox_file", str, "")
        score = settings.take("det_bbox_thr", float, 0.0)
    settings.pass_over("bbox_file", "det_bbox_thr", "nms_thr", "bbox_thr", "image_thr")
    dataset.pass_over("test_mode")
    steps = dataset.parts("pipeline")
    # from 0.27 on boxes are no longer made a px smaller; the step that plans the crop came in 0.26
    is_late = any(step.type() == "TopDownGetBboxCenterScale" for step in steps)
    return Split(
        dataset,
        dataset.take("ann_file", str),
        dataset.take("img_prefix", str, ""),
        steps,
        settings,
        "none" if dataset.type() in _BOXES_AS_THEY_ARE else "mmpose-1.x" if is_late else "mmpose",
        box_file,
        score,
    )


def _new(root: Part) -> Data:
    loaders = {name: root.part(f"{name}_dataloader") for name in ("train", "val", "test")}
    if not loaders["test"]:
        loaders["test"] = loaders["val"]
    splits = {name: _new_split(loader.part("dataset")) for name, loader in loaders.items()}
    for loader in loaders.values():
        loader.pass_over("persistent_workers", "drop_last", "sampler", "pin_memory", "collate_fn")
        loader.take("batch_size", int)
        loader.take("num_workers", int, 0)
    train, val = loaders["train"], loaders["val"]
    return Data(
        splits,
        train.take("batch_size", int),
        val.take("batch_size", int),
        train.take("num_workers", int, 0),
        _root(root, splits),
    )


def _new_split(dataset: Part) -> Split:
    _require_coco(dataset)
    root = dataset.take("data_root", str, "")
    images = dataset.part("data_prefix").take("img", str, "")
    box_file = dataset.take("bbox_file", str | None, None) or ""
    dataset.expect("data_mode", "topdown")
    dataset.pass_over("test_mode", "serialize_data", "lazy_init", "max_refetch", "backend_args")
    return Split(
        dataset,
        posixpath.join(root, dataset.take("ann_file", str)),
        posixpath.join(root, images),
        dataset.parts("pipeline"),
        Part({}, dataset.at("data_cfg"), dataset.ledger),
        "mmpose-1.x",
        box_file,
        dataset.part("filter_cfg").take("bbox_score_thr", float, 0.0),
    )


def _require_coco(dataset: Part) -> None:
    if not dataset:
        raise dataset.ledger.refusal(dataset.path, "is missing")
    kind = dataset.type()
    if kind in NOT_COCO or "datasets" in dataset:
        told = NOT_COCO.get(kind, "several data sets as one")
        raise dataset.refusal("type", f"{kind}, {told}, cannot be carried over")
    if kind not in DATASETS and kind not in PLAIN_COCO:
        told = f"{kind} is taken for a COCO keypoint file, read as it is"
        if not any(told in note for note in dataset.ledger.notes):
            dataset.note("type", told)


def _root(root: Part, splits: dict[str, Split]) -> str:
    """The folder that all paths start from: `data_root` where it is one, else what they share."""
    told = root.take("data_root", str, "") or ""
    paths = [
        path
        for split in splits.values()
        for path in (posixpath.dirname(split.ann_file), split.images, split.box_file)
        if path
    ]
    paths = [posixpath.normpath(path) for path in paths]
    for folder in (told, _shared(paths)):
        folder = posixpath.normpath(folder) if folder else ""
        if folder and all(f"{path}/".startswith(f"{folder}/") for path in paths):
            return folder
    return ""


def _shared(paths: list[str]) -> str:
    try:
        return posixpath.commonpath(paths)
    except ValueError:  # some absolute, some not
        return ""


def _below(path: str, root: str) -> str:
    """`path` from `root` on; '' for `root` itself."""
    path = posixpath.normpath(path) if path else ""
    below = posixpath.relpath(path, root) if root and path else path
    return "" if below == "." else below
