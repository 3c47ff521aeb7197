"""The run directory."""

import contextlib
import errno
import os
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from runs import ROOT, TINY, same_run

from hrpose import config
from hrpose.engine.runner import Runner
from hrpose.engine.train import train
from hrpose.errors import RunError
from hrpose.rundir import checkpoints
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.log import RunLog
from hrpose.storage import checkpoint_file

PAGE = ["runner.epochs=3", "runner.log_interval=1"]


@pytest.fixture
def after_epoch(monkeypatch):
    """Calls a function when the validation of a given epoch is done, before its checkpoint."""
    todo = {}
    validate = Runner.run_validation

    def run_validation(self, function, number):
        validate(self, function, number)
        self.keeper.wait()  # the checkpoint of before
        todo.get(number, lambda: None)()

    monkeypatch.setattr(Runner, "run_validation", run_validation)
    return todo


@contextlib.contextmanager
def full_disk():
    """No file of this process can grow beyond 20 kB, as on a disk without room."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda size=20_000: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.fault(
    name="disk full, for a while",
    does="no room for checkpoints after the first epoch; room again in the third",
    expects="training goes on; it is said which checkpoint is good; the end is saved",
)
def test_full_for_a_while(tmp_path, happened, after_epoch):
    train(config.load(TINY, PAGE), tmp_path / "whole")
    folder = tmp_path / "run"
    with full_disk() as limit:
        after_epoch[2] = limit
        after_epoch[3] = lambda: limit(resource.RLIM_INFINITY)
        train(config.load(TINY, PAGE), folder)
    said = (folder / "train.log").read_text()
    assert "could not write" in said and "training goes on" in said
    assert f"the last good one is {folder / 'latest.pth'}" in said
    assert same_run(folder, tmp_path / "whole")
    assert list(folder.glob(".*.tmp")) == []
    happened("said; the run ended with whole checkpoints, equal to the bit")


@pytest.mark.fault(
    name="disk full to the end",
    does="no room for checkpoints from the second epoch on",
    expects="the last good checkpoint stays; the run ends with an error that says so",
)
def test_full_to_the_end(tmp_path, happened, after_epoch):
    with full_disk() as limit:
        after_epoch[2] = limit
        with pytest.raises(RunError, match="its end could not be saved"):
            train(config.load(TINY, PAGE), tmp_path)
    assert checkpoints.read_training(tmp_path / "latest.pth")["meta"]["step"] == 4, (
        "before validation 2"
    )
    assert checkpoints.read_training(tmp_path / "epoch_1.pth")["meta"]["epoch"] == 1
    happened("latest.pth of epoch 2 is whole; the error says that the end is not saved")


SMALL_DISK = """
mount -t tmpfs -o size=32m tmpfs "$1" || exit 77
"$0" tools/train.py tests/pages/tiny.py --work-dir "$1/run" --cfg-options $2
echo "status $?"; ls "$1/run"
mount -o remount,size=200m "$1"
"$0" tools/train.py tests/pages/tiny.py --work-dir "$1/run" --resume --cfg-options $2
echo "status $?"; ls "$1/run"
"""


@pytest.mark.fault(
    name="a disk that is full",
    does="a run on a disk of 32 MiB, which holds two checkpoints; resumed when there is more room",
    expects="it is said that no space is left, and for which file; the best weights that the last "
    "good checkpoint names stay until a newer one is written",
)
def test_small_disk(tmp_path, happened):
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("no user namespaces here, in which a small disk could be mounted")
    page = "runner.log_interval=1 runner.keep_checkpoints=1"  # each validation is a better one
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", SMALL_DISK, sys.executable, str(tmp_path), page],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    latest = tmp_path / "run" / "latest.pth"
    assert f"could not write {latest}: No space left on device" in done.stdout
    assert f"the last good one is {latest}" in done.stdout
    assert f"its end could not be saved: {latest}: No space left on device" in done.stderr
    assert "inline_container" not in done.stdout + done.stderr
    full, roomy = done.stdout.split("status ")[1:]
    bests = [f"best_PCK@0.3_epoch_{epoch}.pth" for epoch in (1, 2)]
    assert full.startswith("2") and [name in full.split() for name in bests] == [True, True]
    assert roomy.startswith("0") and [name in roomy.split() for name in bests] == [False, True]
    happened(f"could not write latest.pth: {os.strerror(28)}; best weights of both epochs stayed")


@pytest.mark.fault(
    name="vanished run directory",
    does="the directory is removed after the second epoch",
    expects="training goes on, the directory is made anew, which is said; the end is saved",
)
def test_vanished(tmp_path, happened, after_epoch, capsys):
    folder = tmp_path / "run"
    after_epoch[2] = lambda: shutil.rmtree(folder)
    train(config.load(TINY, PAGE), folder)
    said = capsys.readouterr()
    assert said.out.count("had vanished, with all checkpoints in it") == 1
    assert said.err == "", "TensorBoard's thread too goes on in the new directory"
    log = (folder / "train.log").read_text()
    assert "had vanished" in log and "epoch 3 validation" in log
    assert list((folder / "tensorboard").iterdir())
    assert f"process {os.getpid()} on" in (folder / ".lock").read_text()
    assert checkpoints.read_training(folder / "latest.pth")["meta"]["epoch"] == 3
    assert torch.load(folder / "epoch_3.pth", weights_only=True)["meta"]["epoch"] == 3
    happened("said; the last epoch is saved in a new directory")


@pytest.mark.fault(
    name="console gone",
    does="stdout and stderr on a full disk (/dev/full); and `| head -3`, which closes the pipe",
    expects="the run goes on to its end; train.log has every line",
)
def test_console_gone(tmp_path, happened):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    tool = [sys.executable, str(ROOT / "tools" / "train.py"), str(TINY)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for name, end in (("full", "> /dev/full 2>&1"), ("pipe", "| head -3")):
        options = [f"--work-dir={tmp_path / name}", "--cfg-options", "runner.epochs=1"]
        line = f"set -o pipefail; {shlex.join([*tool, *options])} {end}"
        done = subprocess.run(["bash", "-c", line], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Error" not in done.stderr
        said = (tmp_path / name / "train.log").read_text()
        assert "epoch 1 validation" in said
        assert checkpoints.read_training(tmp_path / name / "latest.pth")["meta"]["epoch"] == 1
    happened("both ended well, saved, with a whole train.log")


@pytest.mark.fault(
    name="read-only place for the run directory",
    does="a run directory in a place that cannot be written",
    expects="RunError that names it, before any data is read",
)
def test_read_only(tmp_path, happened, monkeypatch):
    if os.geteuid() == 0:  # root may write anywhere: /proc is what even root cannot write to
        folder = Path("/proc/hrpose-run")
    else:
        tmp_path.chmod(0o555)
        folder = tmp_path / "run"
    monkeypatch.setattr("hrpose.engine.train.make_runner", None)  # not reached
    with pytest.raises(RunError, match=r"cannot write there.*--work-dir"):
        train(config.load(TINY), folder)
    happened("refused at once")


@pytest.mark.fault(
    name="a full disk in the middle of a checkpoint",
    does="the disk has no room after the first bytes of latest.pth, so torch's own writer fails",
    expects="the warning says that no space is left, and on which file; not what torch says",
)
def test_full_in_the_middle(tmp_path, happened, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file, self.left = file, 100_000

        def write(self, data):
            self.left -= len(data)
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(data)

        def flush(self):
            self.file.flush()

    monkeypatch.setattr(
        checkpoint_file, "_Writer", lambda file, kind=checkpoint_file._Writer: kind(Full(file))
    )
    with pytest.raises(RunError, match=r"latest.pth: No space left on device"):
        train(config.load(TINY, ["runner.epochs=1"]), tmp_path / "run")
    said = (tmp_path / "run/train.log").read_text()
    assert "latest.pth: No space left on device" in said and "inline_container" not in said
    happened("said with the file; nothing of torch's words")


@pytest.mark.fault(
    name="outdated best weights on a full disk",
    does="latest.pth cannot be written while each validation brings better weights",
    expects="only the best weights and those that the last whole checkpoint names stay",
)
def test_outdated_bests(tmp_path, happened, monkeypatch):
    keeper = Keeper(tmp_path, None, "AP", RunLog(None))
    weights = {"w": torch.ones(1)}
    keeper.save_best(weights, "best_AP_epoch_1.pth")
    keeper.save({"optimizer": {}}, "best_AP_epoch_1.pth", None)
    keeper.wait()
    save = checkpoint_file.save

    def full(state, *paths):
        if "latest" in paths[-1].name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(state, *paths)

    monkeypatch.setattr(checkpoint_file, "save", full)
    for epoch in (2, 3, 4):
        keeper.save_best(weights, f"best_AP_epoch_{epoch}.pth")
        keeper.save({"optimizer": {}}, f"best_AP_epoch_{epoch}.pth", None)
    keeper.wait()
    left = sorted(path.name for path in tmp_path.glob("best_*"))
    assert left == ["best_AP_epoch_1.pth", "best_AP_epoch_4.pth"]
    happened("two of four stayed")
