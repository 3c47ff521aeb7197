"""Batches that nothing can be learned from."""

import json

import numpy as np
import pytest
from herds import META
from runs import TINY, rows

from hrpose import config
from hrpose.engine.train import train
from hrpose.errors import ConfigError, DataError
from hrpose.rundir import checkpoints

SMALL = ["codec.input_size=(32, 32)", "codec.heatmap_size=(8, 8)", "codec.blur_kernel=7"]
SMALL += ["runner.epochs=1", "runner.val_interval=0"]


@pytest.mark.fault(
    name="batch norm on a single value",
    does="crops of 32 x 32 px, of which the coarsest branch keeps one cell: a batch of one; a data "
    "set of one animal; groups of three in batches of four",
    expects="ConfigError that says what to do, before the first step; with frozen statistics, and "
    "with two animals or larger crops, it trains",
)
@pytest.mark.parametrize(
    "change", ["data.batch_size=1", "data.train.length=1", "runner.batch_norm_group=3"]
)
def test_one_value(tmp_path, happened, change):
    with pytest.raises(ConfigError) as caught:
        train(config.load(TINY, [*SMALL, change]), tmp_path / "a")
    said = str(caught.value)
    assert "data.batch_size: in a batch of" in said and "runner.batch_norm='frozen'" in said
    assert not list((tmp_path / "a").glob("*.pth"))
    frozen = [] if "group" in change else ["runner.batch_norm='frozen'"]
    enough = "runner.batch_norm_group=2" if "group" in change else change
    assert train(config.load(TINY, [*SMALL, enough, *frozen]), tmp_path / "b").epoch == 1
    larger = ["runner.epochs=1", "runner.val_interval=0", "data.train.length=4", change]
    assert train(config.load(TINY, larger), tmp_path / "c").epoch == 1
    happened("ConfigError at data.batch_size, with three ways out; each of them trains")


def page(herd, *changes):
    """The tiny page on the data of `herd`."""
    (herd.root / "horses.json").write_text(json.dumps(herd.content))
    files = {
        "type": "CocoPoseDataset", "_delete_": True, "root": str(herd.root),
        "ann_file": "horses.json", "img_root": "images",
    }  # fmt: skip
    meta = {"_delete_": True, "type": "KeypointMeta", "dataset": "herd", "names": list(META.names)}
    meta["flip_pairs"] = [list(pair) for pair in META.flip_pairs]
    for split in ("train", "val", "test"):
        changes = (*changes, f"data.{split}={files!r}")
    common = [
        f"keypoints={meta!r}",
        "runner.epochs=1",
        "runner.val_interval=0",
        "data.batch_size=2",
    ]
    common += ["runner.log_interval=1", "metrics=[dict(type='EPE')]", "runner.save_best=None"]
    common += ["model.head.out_channels=4"]
    parts = [{"type": "LoadImage"}, {"type": "CropBox", "input_size": (64, 64)}]
    parts += [{"type": "Warp", "size": (64, 64)}]
    return config.load(TINY, [*common, f"train_pipeline={parts!r}", *changes])


def elsewhere(annotation):
    annotation["keypoints"] = [v for x in (41, 42, 43, 44) for v in (x, 2, 2)]
    annotation["bbox"] = [80, 50, 10, 8]


@pytest.mark.fault(
    name="no target inside any crop",
    does="the boxes of all animals lie beside their keypoints",
    expects="DataError with the first animal, before the first step; not a loss of 0",
)
def test_every_animal(herd, tmp_path, happened):
    for annotation in herd.content["annotations"]:
        elsewhere(annotation)
    with pytest.raises(DataError) as caught:
        train(page(herd), tmp_path / "run")
    said = str(caught.value)
    assert "no labelled keypoint of all 4 animals lies inside its crop" in said
    assert "annotation 7" in said and "bbox" in said
    assert rows(tmp_path / "run") == []
    happened("DataError: no labelled keypoint of all 4 animals lies inside its crop: ...; the "
             "first is ... annotation 7")  # fmt: skip


@pytest.mark.fault(
    name="no target for a whole log interval",
    does="the boxes of two of four animals lie beside their keypoints; one log line has only those",
    expects="a warning that names one of them; the run goes on",
)
def test_some_animals(herd, tmp_path, happened):
    order = np.random.default_rng((0, 0)).permutation(4)  # of EpochSampler, seed 0, epoch 0
    for index in order[:2]:
        elsewhere(herd.content["annotations"][index])
    train(page(herd, "runner.seed=0"), tmp_path / "run")
    said = (tmp_path / "run/train.log").read_text()
    assert said.count("no point of the last steps had a target") == 1
    assert f"annotation {order[0] + 7}" in said
    assert checkpoints.read_training(tmp_path / "run/latest.pth")["meta"]["epoch"] == 1
    losses = [row["loss"] for row in rows(tmp_path / "run")]
    assert losses[0] == 0 and losses[1] > 0
    happened("warned, the animal named; trained to the end")
