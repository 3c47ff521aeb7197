"""What their page says, as the top-level names of ours. All of MMPose's spellings meet here."""

from __future__ import annotations

from typing import Any

from hrpose.config.mmpose_names import PAGE
from hrpose.config.page import NAMES
from hrpose.errors import ConfigError
from hrpose.own_page.from_mmpose.codec import codec_of
from hrpose.own_page.from_mmpose.data import Split, read_data
from hrpose.own_page.from_mmpose.keypoints import dataset_info_of, keypoints_of
from hrpose.own_page.from_mmpose.metrics import metrics_of
from hrpose.own_page.from_mmpose.model import read_model
from hrpose.own_page.from_mmpose.part import Ledger, Part
from hrpose.own_page.from_mmpose.pipelines import PADDING, Pipeline, read_pipeline
from hrpose.own_page.from_mmpose.schedule import epochs_of, optimizer_of, put_habits, schedule_of
from hrpose.own_page.from_mmpose.source import Source

_OLD, _NEW = "data", "train_dataloader"
_STAND_ELSEWHERE = (
    *("dataset_info", "channel_cfg", "resume_from", "resume"),
    *("test_cfg", "log_processor"),
)
_PIPELINES = ("train_pipeline", "val_pipeline", "test_pipeline")


def page_of(source: Source) -> tuple[dict[str, Any], list[str]]:
    """Our page, with `$` references, and what could not be carried over, a sentence each.

    Raises:
        ConfigError: it is no page for HRNet with a heatmap head, or does not fit together.
    """
    version_of(source)
    ledger = Ledger(str(source.path), source.lines, list(source.notes))
    page = _page(Part(source.values, "", ledger), source)
    return page, [*ledger.notes, *ledger.not_taken()]


def version_of(source: Source) -> str:
    """'0.x' or '1.x'.

    Raises:
        ConfigError: it is neither.
    """
    names = set(source.values)
    if _NEW in names:
        return "1.x"
    old = {"total_epochs", "runner", "lr_config", "optimizer_config"} & names
    if _OLD in names and old and "keypoints" not in names:
        return "0.x"
    ours = sorted(names & {"keypoints", "metrics", "schedule"} & set(NAMES))
    told = f"; {ours[0]} is a name of hrpose's own pages" if ours else ""
    raise ConfigError(
        f"is no page of MMPose for training: expected `{_OLD}` and `lr_config` (0.x) or `{_NEW}` "
        f"(1.x) on top of it{told}",
        str(source.path),
    )


def _page(root: Part, source: Source) -> dict[str, Any]:
    """The top-level names of our page."""
    data = read_data(root)
    trained = data.splits["train"].dataset
    keypoints = keypoints_of(dataset_info_of(trained, source.path), trained.type())
    train, test = _pipelines(data.splits)
    network = read_model(root, train, len(keypoints["names"]))
    codec = codec_of(network, root, data.splits["train"].settings, train, test)
    metrics, best = metrics_of(root, data.splits["test"].settings, keypoints["names"])
    epochs, interval = epochs_of(root)
    runner: dict[str, Any] = {"epochs": epochs, "val_interval": interval, "save_best": best}
    put_habits(root, runner, data.batch_size)
    optimizer = optimizer_of(root, runner)
    if network.batch_norm != "local":
        runner["batch_norm"] = network.batch_norm
    load_from = root.take("load_from", str | None, None)
    _pass_over(root, source, data.splits)
    return {
        "keypoints": keypoints,
        "codec": codec,
        "model": network.values,
        "pretrained": network.pretrained,
        **({"load_from": load_from} if load_from else {}),
        "train_pipeline": train.steps,
        "test_pipeline": test.steps,
        "data": data.values(),
        "metrics": metrics,
        "optimizer": optimizer,
        "schedule": schedule_of(root, epochs),
        "runner": runner,
    }


def _pipelines(splits: dict[str, Split]) -> tuple[Pipeline, Pipeline]:
    """Those of training, and of validation and test."""
    dataset = splits["train"].dataset
    # 0.x until 0.25 pads in the data set, and those of ATRW not at all
    padding = 1.0 if "ATRW" in dataset.type() else PADDING
    train = read_pipeline(splits["train"].pipeline, padding, train=True)
    test = read_pipeline(splits["test"].pipeline, padding, train=False)
    val, tested = (splits[name].dataset.values.get("pipeline") for name in ("val", "test"))
    if val != tested:
        told = "validation goes through the pipeline of the test here"
        splits["val"].dataset.note("pipeline", told)
    if not train.planned:
        dataset.note(
            "pipeline",
            f"plans no crop: padding {padding:g} and shift .2 with probability .3 are what the "
            "data sets of MMPose did until 0.25",
        )
    return train, test


def _pass_over(root: Part, source: Source, splits: dict[str, Split]) -> None:
    """Take what stands elsewhere too, or needs nothing in its place."""
    root.pass_over(*source.used, *_PIPELINES, *_STAND_ELSEWHERE)
    root.pass_over(*(name for name, ours in PAGE.items() if not ours))
    for split in ("val", "test"):
        splits[split].dataset.pass_over("dataset_info", "metainfo")
    splits["val"].settings.pass_over("soft_nms", "oks_thr", "vis_thr")  # those of the test count
