"""Two processes on the CPU against one with the same global batch."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from hrpose.engine.train import train
from hrpose.errors import RunError
from hrpose.processes import distributed
from hrpose.processes.device import choose_device
from hrpose.processes.distributed import gather, mean, rank, world_size

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = str(ROOT / "tests/pages/tiny.py")


def run(processes, tool, *arguments):
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *(launcher if processes > 1 else []), str(ROOT / "tools" / tool)]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def rows(folder, kind):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Weights whose BatchNorm statistics mean something, so that freezing them leaves a network."""
    from hrpose import config

    folder = tmp_path_factory.mktemp("start")
    train(config.load(TINY, ["runner.val_interval=0", "optimizer.lr=2e-3"]), folder)
    return folder / "latest.pth"


def test_two_processes_train_and_evaluate_as_one(start, tmp_path):
    common = ["--load-from", start, "--seed", 5, "--cfg-options", "runner.batch_norm='frozen'",
              "runner.log_interval=1", "data.val.length=7"]  # fmt: skip
    run(1, "train.py", TINY, "--work-dir", tmp_path / "one", *common, "data.batch_size=8")
    out = run(2, "train.py", TINY, "--work-dir", tmp_path / "two", *common, "data.batch_size=4")
    assert out.count("epoch 1 validation") == 1, "only one process speaks"
    one, two = ([r["loss"] for r in rows(tmp_path / n, "train")] for n in ("one", "two"))
    assert len(one) == len(two) == 4
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-5)
    np.testing.assert_allclose(two, one, rtol=1e-4)
    first, second = (rows(tmp_path / n, "val")[-1]["metrics"] for n in ("one", "two"))
    assert first == pytest.approx(second, rel=1e-3)

    best = next((tmp_path / "one").glob("best_*.pth"))
    tested = []
    for processes in (1, 2):
        folder = tmp_path / f"test{processes}"
        run(processes, "test.py", TINY, best, "--work-dir", folder,
            "--cfg-options", "data.test.length=7", "data.val_batch_size=2")  # fmt: skip
        tested.append(json.loads((folder / "predictions.json").read_text()))
        tested.append(json.loads((folder / "metrics.json").read_text())["metrics"])
    assert tested[0] == tested[2], "seven animals, once each, on one process and on two"
    assert tested[1] == tested[3]


def test_one_process_needs_no_group():
    assert (rank(), world_size()) == (0, 1)
    assert gather("x") == ["x"]
    assert mean(torch.tensor(2.0)) == 2


def test_a_gpu_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RunError, match="torch sees no GPU"):
        choose_device("cuda")
    with pytest.raises(RunError, match="'cuda:3', but torch sees no GPU"):
        choose_device("cuda:3")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(RunError, match="'cuda:3', but this machine has 2"):
        choose_device("cuda:3")
    with pytest.raises(RunError, match="'gpu': expected auto, cpu, cuda"):
        choose_device("gpu")


@pytest.mark.parametrize("error", [None, ValueError, RunError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where", ["joining", "at work"])
def test_the_process_group_is_left_on_every_way_out(monkeypatch, where, error):
    """NCCL waits, and warns, where a process ends without."""
    here, left = [], []

    def join(*args, **options):
        here.append("group")
        if where == "joining" and error:
            raise error("here")

    monkeypatch.setattr(distributed, "launched", lambda: distributed.Launched(0, 2))
    monkeypatch.setattr(distributed, "_meet", lambda: None)
    monkeypatch.setattr(distributed.dist, "init_process_group", join)
    monkeypatch.setattr(distributed.dist, "is_initialized", lambda: bool(here))
    monkeypatch.setattr(distributed.dist, "new_group", lambda **options: None)
    monkeypatch.setattr(distributed.dist, "destroy_process_group", lambda: left.append("group"))
    expected = RunError if (error, where) == (ValueError, "joining") else error
    ends = pytest.raises(expected) if expected else nullcontext()
    with ends, distributed.processes(torch.device("cpu")):
        if error:
            raise error("here")
    assert left == ["group"]
