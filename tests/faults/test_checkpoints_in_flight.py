"""A checkpoint that is being written."""

import errno
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import torch
from runs import ROOT, TINY, Ranks, rows

from hrpose import config
from hrpose.engine.train import train
from hrpose.errors import RunError, RunStopped
from hrpose.rundir import checkpoints
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.lock import Lock
from hrpose.rundir.log import RunLog
from hrpose.storage import checkpoint_file

SAVE = checkpoint_file.save


@pytest.fixture
def keeper(tmp_path):
    """Of a run directory with a log."""
    folder = tmp_path / "run"
    with closing(Lock(folder)) as lock, closing(RunLog(folder, lock=lock)) as log:
        yield Keeper(folder, None, "AP", log)


@pytest.fixture
def gate(monkeypatch):
    """The disk: a write begins and ends only where it is open; how many wrote at once."""
    gate = threading.Event()
    gate.begun, gate.at_once, gate.most = threading.Event(), 0, 0

    def save(state, *paths):
        gate.at_once += 1
        gate.most = max(gate.most, gate.at_once)
        gate.begun.set()
        assert gate.wait(60)
        gate.at_once -= 1
        SAVE(state, *paths)

    monkeypatch.setattr(checkpoint_file, "save", save)
    return gate


def state_of(number):
    return {"optimizer": {}, "meta": {}, "number": number, "w": torch.full((2000,), float(number))}


def number_on(path):
    """The number of a checkpoint, all of which is that number."""
    state = checkpoint_file.read(path)
    assert torch.equal(state["w"], torch.full_like(state["w"], state["number"]))
    return state["number"]


def _save_for_ever(folder, reported):
    """`reported`: the newest checkpoint that was said to be saved."""
    keeper = Keeper(Path(folder), 2, None, RunLog(None))
    weights = torch.zeros(200_000)
    number = 0
    while True:
        number += 1
        weights.fill_(number)
        keeper.save({"optimizer": {}, "meta": {}, "number": number, "w": weights}, "", number % 5)
        weights.fill_(-1)  # the training goes on
        if number % 2:
            keeper.wait()
            reported.value = number


@pytest.mark.fault(
    name="kill -9 while the thread writes",
    does="a process whose weights change while they are written is killed at 30 random moments",
    expects="the newest checkpoint is whole, of one moment, and none is lost that was reported",
)
def test_kill(tmp_path, happened):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hrpose.rundir.keeper"])
    draws, found, passed_by = random.Random(0), [], []
    for turn in range(30):
        folder = tmp_path / str(turn)
        folder.mkdir()
        reported = context.Value("i", 0)
        process = context.Process(target=_save_for_ever, args=(str(folder), reported))
        process.start()
        while not reported.value and process.is_alive():
            process.join(0.001)
        process.join(draws.uniform(0, 0.02))
        process.kill()
        process.join()
        path, _ = checkpoints.newest_whole(folder, passed_by.append)
        assert number_on(path) >= reported.value >= 1
        found.append(len(list(folder.glob(".*.tmp"))))
        shutil.rmtree(folder)
    assert passed_by == []
    assert any(found), "none of the kills fell into a write"
    happened("30 of 30 whole and no older than what was reported; some of the kills fell into a "
             "write")  # fmt: skip


@pytest.mark.fault(
    name="the next save comes before the last is done",
    does="the disk hangs in the first of three saves, while the training goes on",
    expects="the training waits at the second save, not at the first; one write at a time; each "
    "file holds the weights of its own moment",
)
def test_next_save(keeper, gate, happened):
    state = state_of(1)
    keeper.save(state, "", 1)
    state["w"].fill_(-1)
    assert gate.begun.wait(60) and not list(keeper.folder.glob("*.pth"))
    others = threading.Thread(
        target=lambda: (keeper.save(state_of(2), "", 2), keeper.save(state_of(3), "", 3))
    )
    others.start()
    others.join(0.2)
    assert others.is_alive() and not list(keeper.folder.glob("*.pth"))
    gate.set()
    others.join(60)
    keeper.finish()
    assert [number_on(keeper.folder / f"epoch_{n}.pth") for n in (1, 2, 3)] == [1, 2, 3]
    assert number_on(keeper.folder / "latest.pth") == 3
    assert number_on(keeper.folder / "previous.pth") == 2
    assert gate.most == 1
    happened("waited at the second; 1, 2 and 3 are in their files")


@pytest.mark.fault(
    name="a full disk while the thread writes",
    does="no room for the second checkpoint, which is found while the training goes on",
    expects="said with the file and the last good one; latest.pth stays; the end is an error",
)
def test_full(keeper, gate, happened, monkeypatch):
    gate.set()
    keeper.save(state_of(1), "", None)
    keeper.wait()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint_file, "draft", full)
    latest = keeper.folder / "latest.pth"
    keeper.save(state_of(2), "", 2)
    assert keeper.last_good() == f"the last good checkpoint is {latest}, and --resume goes on " \
                                 "from it"  # fmt: skip
    said = (keeper.folder / "train.log").read_text()
    assert f"could not write {latest}: No space left on device; training goes on and tries" in said
    assert f"the last good one is {latest}" in said
    with pytest.raises(RunError, match=r"its end could not be saved: .*No space left on device"):
        keeper.finish()
    assert number_on(latest) == number_on(keeper.folder / "previous.pth") == 1
    happened("could not write latest.pth: No space left on device; the first is as it was")


@pytest.mark.fault(
    name="a signal while a checkpoint is written",
    does="SIGTERM to a run, from within the thread that writes its first checkpoint",
    expects="status 143; the step is finished, saved, and saved before the run ends",
)
def test_signal(tmp_path, happened, monkeypatch):
    def save(state, *paths):
        if not signals:
            signals.append(os.kill(os.getpid(), signal.SIGTERM))
        threading.Event().wait(0.2)  # a slow disk
        SAVE(state, *paths)

    signals = []
    monkeypatch.setattr(checkpoint_file, "save", save)
    changes = ["runner.log_interval=1", "runner.save_steps=1", "runner.epochs=9"]
    with pytest.raises(RunStopped) as stopped:
        train(config.load(TINY, changes), tmp_path)
    assert stopped.value.status == 143
    steps = rows(tmp_path)[-1]["iteration"]
    saved = checkpoints.read_training(tmp_path / "latest.pth")["meta"]["iteration"]
    assert saved == steps <= 3
    happened(f"status 143; saved after step {steps}, the last one")


@pytest.mark.fault(
    name="the run directory vanishes while a checkpoint is written",
    does="the directory is removed in the middle of the last write",
    expects="the directory is made anew, which is said, and the checkpoint is in it",
)
def test_vanished(keeper, happened, monkeypatch):
    turns = []

    def save(state, *paths):
        if not turns:
            turns.append(shutil.rmtree(keeper.folder))
        SAVE(state, *paths)

    monkeypatch.setattr(checkpoint_file, "save", save)
    keeper.save(state_of(1), "", 1)
    keeper.finish()
    assert number_on(keeper.folder / "latest.pth") == number_on(keeper.folder / "epoch_1.pth") == 1
    said = (keeper.folder / "train.log").read_text()
    assert "had vanished" in said and "could not write" not in said
    happened("said; latest.pth and epoch_1.pth are in the new directory")


@pytest.mark.fault(
    name="another run takes the directory while a checkpoint is written",
    does="the directory is removed in the middle of a write, and another run makes it anew",
    expects="the next step of this run ends with RunError; nothing of the other one is touched",
)
def test_another_run(keeper, happened, monkeypatch):
    def save(state, *paths):
        shutil.rmtree(keeper.folder)
        keeper.folder.mkdir()
        (keeper.folder / ".lock").write_text("process 1 on another machine")
        (keeper.folder / "latest.pth").write_bytes(b"theirs")
        SAVE(state, keeper.folder.parent / "gone" / paths[-1].name)

    monkeypatch.setattr(checkpoint_file, "save", save)
    keeper.save(state_of(1), "", 1)
    with pytest.raises(RunError, match=r"process 1 on another machine has begun another run"):
        while True:
            keeper.is_due()
    files = {path.name: path.read_bytes() for path in keeper.folder.iterdir()}
    assert files == {".lock": b"process 1 on another machine", "latest.pth": b"theirs"}
    happened("RunError at the next step; their files are as they were")


LEAVES = """
import sys, time, torch
from pathlib import Path
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.log import RunLog
from hrpose.storage import checkpoint_file

save = checkpoint_file.save
checkpoint_file.save = lambda *args: (time.sleep(0.5), save(*args))
Keeper(Path(sys.argv[1]), None, None, RunLog(None)).save({"w": torch.ones(9)}, "", None)
sys.exit("an error of another kind")
"""


@pytest.mark.fault(
    name="the program ends while a checkpoint is written",
    does="Python is left half a second before the write is done",
    expects="it waits: the checkpoint is whole",
)
def test_exit(tmp_path, happened):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", LEAVES, tmp_path], env=env, timeout=240)
    assert done.returncode == 1
    assert torch.equal(checkpoint_file.read(tmp_path / "latest.pth")["w"], torch.ones(9))
    happened("latest.pth is whole")


@pytest.mark.fault(
    name="no memory for the copy of a checkpoint",
    does="the host has no room for one more copy of the run's state",
    expects="said; that checkpoint is written at once from the state itself",
)
def test_no_memory(keeper, happened, monkeypatch):
    def none(value):
        if value is not None:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory\nlong story")

    monkeypatch.setattr("hrpose.rundir.keeper.host_copy", none)
    state = state_of(1)
    keeper.save_best({"w": state["w"]}, "best_AP_epoch_1.pth")
    keeper.save(state, "best_AP_epoch_1.pth", None)
    state["w"].fill_(-1)
    keeper.finish()
    assert number_on(keeper.folder / "latest.pth") == 1
    assert checkpoint_file.read(keeper.folder / "best_AP_epoch_1.pth")["w"][0] == 1
    said = (keeper.folder / "train.log").read_text()
    assert "no memory for a copy of the state (DefaultCPUAllocator: can't allocate memory)" in said
    happened("said; latest.pth and the best weights are of that moment")


STANDS_STILL = """
import os
from types import SimpleNamespace
from hrpose.rundir import keeper

if os.environ["RANK"] == "1":
    keeper.time = SimpleNamespace(monotonic=lambda: 0.0)
"""


@pytest.mark.slow
@pytest.mark.fault(
    name="clocks of two processes that differ",
    does="a run with save_minutes on two processes; the clock of the second one stands still",
    expects="the first decides: both save at each step, and nobody waits for ever",
)
def test_clocks(tmp_path, happened):
    (tmp_path / "stands_still.py").write_text(STANDS_STILL)
    changes = ["runner.save_minutes=1e-9", "runner.epochs=1", "runner.val_interval=0"]
    ranks = Ranks(tmp_path / "run", "custom_imports=['stands_still']", *changes)
    assert ranks.wait(400) == [0, 0], ranks.said()
    meta = checkpoints.read_training(tmp_path / "run/previous.pth")["meta"]
    end = checkpoints.read_training(tmp_path / "run/latest.pth")["meta"]
    assert meta["iteration"] == end["iteration"] - 1 > 0
    happened("saved at each step; both ended well")
