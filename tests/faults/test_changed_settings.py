"""Runs that go on with other settings."""

import os
import shutil
import subprocess
import sys

import pytest
import torch
from runs import ROOT, TINY, same_run

from hrpose import config
from hrpose.engine import optim
from hrpose.engine.train import train
from hrpose.rundir import checkpoints
from hrpose.storage import checkpoint_file

PAGE = ("runner.log_interval=1",)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A run of one epoch, which stopped there, and the same run undisturbed, two epochs long."""
    folder = tmp_path_factory.mktemp("settings")
    train(config.load(TINY, [*PAGE, "runner.epochs=1"]), folder / "begun")
    train(config.load(TINY, PAGE), folder / "undisturbed")
    return folder


def resumed(begun, folder, *changes):
    """Go on with a copy of `begun` for its second epoch; what its log says."""
    shutil.copytree(begun, folder)
    train(config.load(TINY, [*PAGE, *changes]), folder, "auto")
    return (folder / "train.log").read_text()


def trained(folder):
    """All trained parameters of a run, in one vector."""
    state = checkpoints.read_training(folder / "latest.pth")
    weights = state["train_state_dict"] or state["state_dict"]
    return torch.cat(
        [weights[name].flatten().double() for name in weights if "running" not in name]
    )


def apart(folder, folders):
    """How far the weights of a run are from the undisturbed ones, as a part of the epoch's way."""
    whole, start = trained(folders / "undisturbed"), trained(folders / "begun")
    return float((trained(folder) - whole).norm() / (whole - start).norm())


@pytest.mark.fault(
    name="resume with a setting that changes no number",
    does="`--resume` with loader workers, other intervals of saving, a moving average that begins",
    expects="trained weights equal those of the undisturbed run, bit for bit",
)
@pytest.mark.parametrize(
    "change",
    ["data.workers=1", "runner.save_steps=1", "runner.val_interval=2", "runner.ema=0.9"],
)
def test_equal_to_the_bit(folders, tmp_path, happened, change):
    resumed(folders / "begun", tmp_path / "run", change)
    assert torch.equal(trained(tmp_path / "run"), trained(folders / "undisturbed"))
    happened("equal to the bit")


@pytest.mark.fault(
    name="resume with other arithmetic",
    does="`--resume` with the other memory layout, plain instead of fused kernels, bf16",
    expects="weights follow the undisturbed run as closely as that arithmetic allows",
)
@pytest.mark.parametrize(
    ("optimizer", "change", "tolerance"),
    # the whole way of the epoch is 1; with the optimizer's memory in a wrong order it is 1.2
    [
        ("Adam", ("runner.channels_last=False",), 0.01),
        ("AdamW", ("runner.channels_last=False",), 0.01),
        ("SGD", ("runner.channels_last=False",), 0.01),
        ("Adam", ("kernels",), 0.01),
        ("Adam", ("runner.precision='bf16'",), 0.2),
    ],
)
def test_close(folders, tmp_path, happened, monkeypatch, optimizer, change, tolerance):
    page = (f"optimizer={{'_delete_': True, 'type': '{optimizer}', 'lr': 5e-4}}",)
    both = folders / optimizer
    if not both.is_dir():
        train(config.load(TINY, [*PAGE, *page, "runner.epochs=1"]), both / "begun")
        train(config.load(TINY, [*PAGE, *page]), both / "undisturbed")
    if change == ("kernels",):
        monkeypatch.setattr(optim, "_fused", lambda params: {})
        change = ()
    resumed(both / "begun", tmp_path / "run", *page, *change)
    assert apart(tmp_path / "run", both) < tolerance
    happened("followed: the optimizer's memory lies as its parameters lie")


@pytest.mark.fault(
    name="moving average switched on or off by a resume",
    does="`--resume` with runner.ema set where it was not, and without where it was",
    expects="trained weights equal to the bit; it is said where the average begins or ends",
)
def test_average_on_and_off(folders, tmp_path, happened):
    said = resumed(folders / "begun", tmp_path / "on", "runner.ema=0.9")
    assert "the moving average of the weights begins here, with the trained weights" in said
    state = checkpoints.read_training(tmp_path / "on" / "latest.pth")
    assert state["ema_updates"] == 4, "one for each step since"
    train(config.load(TINY, [*PAGE, "runner.epochs=1", "runner.ema=0.9"]), tmp_path / "begun")
    said = resumed(tmp_path / "begun", tmp_path / "off")
    assert "the moving average of the weights ends here: from now on the trained weights" in said
    for folder in (tmp_path / "on", tmp_path / "off"):
        assert torch.equal(trained(folder), trained(folders / "undisturbed"))
    happened("both said; trained weights equal to the bit")


@pytest.mark.fault(
    name="resume of a run that cuts its batches",
    does="a run whose batches go through the network in two parts is resumed",
    expects="it goes on with two parts: equal to the undisturbed one, bit for bit",
)
def test_parts_of_batches(folders, tmp_path, happened):
    start = tmp_path / "start"
    shutil.copytree(folders / "begun", start)
    state = checkpoints.read_training(start / "latest.pth")
    state["meta"]["micro_batches"] = 2
    checkpoint_file.save(state, start / "latest.pth")
    resumed(start, tmp_path / "whole", "runner.epochs=3")
    resumed(start, tmp_path / "run")
    train(config.load(TINY, [*PAGE, "runner.epochs=3"]), tmp_path / "run", "auto")
    assert same_run(tmp_path / "run", tmp_path / "whole")
    assert apart(tmp_path / "run", folders) > 0, "the parts made a difference"
    happened("equal to the bit")


@pytest.mark.fault(
    name="resume on another number of processes",
    does="one process with batches of 4 goes on as two with 2 each, and as two with 4 each",
    expects="the first follows the undisturbed run; the second is refused with the reason",
)
def test_processes(folders, tmp_path, happened):
    group = "runner.batch_norm_group=2"  # in one process the batch norm that two have
    begun, whole = tmp_path / "begun", tmp_path / "undisturbed"
    train(config.load(TINY, [*PAGE, group, "runner.epochs=1"]), begun)
    train(config.load(TINY, [*PAGE, group]), whole)
    done = {}
    for name, batch in (("same", 2), ("other", 4)):
        shutil.copytree(begun, tmp_path / name)
        launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        tool = [str(ROOT / "tools" / "train.py"), str(TINY), "--work-dir", str(tmp_path / name)]
        options = ["--resume", "--cfg-options", *PAGE, f"data.batch_size={batch}"]
        done[name] = subprocess.run(
            [sys.executable, "-m", *launcher, *tool, *options], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, timeout=300,
            check=False,
        )  # fmt: skip
    assert done["same"].returncode == 0, done["same"].stderr
    assert apart(tmp_path / "same", tmp_path) < 0.01
    assert done["other"].returncode != 0
    assert "keep processes * data.batch_size * runner.accumulate as they were" in (
        done["other"].stderr
    )
    happened("followed within 1% of the epoch's way; refused")
