"""Several processes, one of which gets no batch."""

import re
import socket
import subprocess
import sys

import pytest
import torch
from runs import Ranks, rows, same_run

from hrpose.engine.guards.start import require_same_run
from hrpose.errors import RunError
from hrpose.processes import distributed

FAILS = """
import os
from hrpose.datasets.loader import PoseLoader
from hrpose.errors import DataError, LoaderError

original = PoseLoader.__iter__

def failing(self):
    for number, batch in enumerate(original(self)):
        place = self.batch_sampler.shuffle, self.batch_sampler.epoch, number
        if os.environ["RANK"] == "{rank}" and place == {place}:
            raise {error}("dao-3.png: cannot be read")
        yield batch

PoseLoader.__iter__ = failing
"""
KILLS = """
import os, signal
from hrpose.datasets.loader import PoseLoader

original = PoseLoader.__iter__

def failing(self):
    for number, batch in enumerate(original(self)):
        if os.environ["RANK"] == "1" and number == 2:
            os.kill(self._iterator._workers[0].pid, signal.SIGKILL)
        yield batch

PoseLoader.__iter__ = failing
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Two epochs of four steps on two processes, validated after each."""
    ranks = Ranks(tmp_path_factory.mktemp("undisturbed") / "run")
    assert ranks.wait() == [0, 0], ranks.said()
    return ranks.runs[0].folder


def spoiled(tmp_path, source, *changes):
    """A run in which `source` is imported, to its end."""
    (tmp_path / "spoils_a_rank.py").write_text(source)
    ranks = Ranks(tmp_path / "run", "custom_imports=['spoils_a_rank']", *changes)
    statuses = ranks.wait(60)
    assert 0 not in statuses, ranks.said()
    assert "Traceback" not in "".join(ranks.said())
    return ranks


def resumed(tmp_path, whole, *changes):
    """The run once more, without what spoiled it; where it went on."""
    ranks = Ranks(tmp_path / "run", *changes, options=("--resume",))
    assert ranks.wait() == [0, 0], ranks.said()
    assert same_run(tmp_path / "run", whole)
    return re.search(r"after step \d of epoch \d|after epoch \d", ranks.said()[0]).group()


def saved_step(tmp_path):
    return torch.load(tmp_path / "run/latest.pth", weights_only=True)["meta"]["iteration"]


@pytest.mark.fault(
    name="an image of one of two processes cannot be read",
    does="DataError in rank 1 or 0, in mid-epoch, at the first batch of the second epoch and of "
    "the validation; then `--resume`",
    expects="both end, the one with its message, the other naming it; saved after the last step "
    "that both have done; the resumed run equals the undisturbed one to the bit",
)
@pytest.mark.parametrize(
    ("rank", "place", "iteration"),
    [
        (1, (True, 0, 2), 2),
        pytest.param(0, (True, 0, 2), 2, marks=pytest.mark.slow),
        pytest.param(0, (True, 1, 0), 4, marks=pytest.mark.slow),
        pytest.param(1, (False, 0, 0), 4, marks=pytest.mark.slow),
        pytest.param(0, (False, 0, 0), 4, marks=pytest.mark.slow),
    ],
)
def test_unreadable_image(tmp_path, undisturbed, happened, rank, place, iteration):
    source = FAILS.format(rank=rank, place=place, error="DataError")
    said = spoiled(tmp_path, source).said()
    assert "DataError: dao-3.png: cannot be read" in said[rank].splitlines()
    assert (
        f"LoaderError: process {rank} gets no batch (DataError: dao-3.png: cannot be read); this "
        "process stops with it" in said[1 - rank].splitlines()
    )
    assert saved_step(tmp_path) == iteration
    where = resumed(tmp_path, undisturbed)
    happened(f"rank {rank}: both stopped, resumed {where}; equal to the bit")


@pytest.mark.slow
@pytest.mark.fault(
    name="an image of one of two processes cannot be read, before the first step",
    does="DataError in rank 1 at the first batch of a run",
    expects="both end with messages; there is nothing to save",
)
def test_at_the_first_batch(tmp_path, happened):
    said = spoiled(tmp_path, FAILS.format(rank=1, place=(True, 0, 0), error="DataError")).said()
    assert "DataError: dao-3.png: cannot be read" in said[1].splitlines()
    assert "LoaderError: process 1 gets no batch" in said[0]
    assert not (tmp_path / "run/latest.pth").exists() and not rows(tmp_path / "run")
    happened("both stopped with messages")


@pytest.mark.slow
@pytest.mark.fault(
    name="an image of one of two processes cannot be read, between two batches of a step",
    does="runner.accumulate=2; LoaderError in rank 1 at the second batch of the second step",
    expects="both end; saved after the first step; resumed, equal to the bit",
)
def test_in_the_middle_of_a_step(tmp_path, happened):
    whole = Ranks(tmp_path / "whole", "runner.accumulate=2")
    assert whole.wait() == [0, 0], whole.said()
    source = FAILS.format(rank=1, place=(True, 0, 3), error="LoaderError")
    said = spoiled(tmp_path, source, "runner.accumulate=2").said()
    assert "LoaderError: dao-3.png: cannot be read" in said[1].splitlines()
    assert saved_step(tmp_path) == 1
    where = resumed(tmp_path, tmp_path / "whole", "runner.accumulate=2")
    happened(f"both stopped, resumed {where}; equal to the bit")


@pytest.mark.fault(
    name="a loader worker of one of two processes is killed",
    does="SIGKILL to the worker of rank 1 in mid-epoch, then `--resume`",
    expects="both end, the one saying that a loader worker died, the other naming it; saved; "
    "resumed, equal to the bit",
)
def test_killed_worker(tmp_path, undisturbed, happened):
    said = spoiled(tmp_path, KILLS, "data.workers=1").said()
    assert "LoaderError: a loader worker died" in said[1]
    assert "LoaderError: process 1 gets no batch (LoaderError: a loader worker died" in said[0]
    assert saved_step(tmp_path) in (2, 3, 4)
    where = resumed(tmp_path, undisturbed, "data.workers=1")
    happened(f"both stopped, resumed {where}; equal to the bit")


@pytest.mark.fault(
    name="a process that never comes",
    does="the second of two processes is stopped as it starts, for good, after it was seen or "
    "before; without torchrun, which would see it",
    expects="the first waits five minutes, here one second, and says that the other did not come",
)
@pytest.mark.parametrize("seen", [False, True])
def test_process_that_never_comes(happened, monkeypatch, seen):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    for name, value in (environment | {"MASTER_PORT": str(port)}).items():
        monkeypatch.setenv(name, value)
    other = f"""
import time, torch.distributed as dist
store = dist.TCPStore("127.0.0.1", {port}, 2, False)
time.sleep(20)
"""
    process = subprocess.Popen([sys.executable, "-c", other]) if seen else None
    monkeypatch.setattr(distributed, "_MEETING", 15.0 if seen else 1.0)
    try:
        joins = distributed.processes(torch.device("cpu"))
        with (
            pytest.raises(RunError, match=r"1/2 clients joined|number 1 did not come within"),
            joins,
        ):
            pass
    finally:
        if process:
            process.kill()
            process.wait()
    happened("RunError: ... 1/2 clients joined; RunError: ... number 1 did not come within ...")


@pytest.mark.fault(
    name="processes that are not started alike",
    does="the second of two processes has another learning rate; other annotations; other folders",
    expects="RunError on both that says what differs; folders may",
)
def test_not_alike(tmp_path, happened, monkeypatch):
    source = """
import os

if os.environ["RANK"] == "1":
    import hrpose.rundir.provenance as provenance
    original = provenance.identity

    def other(page, *data):
        made = original({**page, "optimizer": {**page["optimizer"], "lr": 0.05}}, *data)
        return made

    provenance.identity = other
"""
    ranks = spoiled(tmp_path, source)
    assert all(
        "process 1 of this run is not started as process 0 is:\\n  - optimizer.lr: 0.0005 -> 0.05"
        in said.replace("\n", "\\n")
        for said in (ranks.said()[0], ranks.said()[1])
    )
    first = {"page": '{"data": {"train": {"root": "/a"}, "workers": 1}}', "train": "x", "val": ""}
    for other, words in (
        ({"page": first["page"].replace("/a", "/b").replace("1", "4")}, ""),
        ({"train": "y"}, "the train annotations"),
        ({"page": first["page"].replace("root", "seed")}, "data.train.seed"),
    ):
        monkeypatch.setattr(distributed, "gather", lambda mine, o=other: [first, {**first, **o}])
        if words:
            with pytest.raises(RunError, match=words):
                require_same_run(first)
        else:
            require_same_run(first)
    happened("RunError: process 1 of this run is not started as process 0 is: optimizer.lr ...")
