"""Several processes."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from runs import ROOT, TINY, Ranks, rows, same_run

CUSTOM = """
import os
import torch
from hrpose.models.topdown import TopDown

original = TopDown.forward

def forward(self, images):
    if self.training and os.environ.get("RANK") == "1":
        {body}
    return original(self, images)

TopDown.forward = forward
"""

NO_ROOM = """
import os
import torch
from hrpose.engine.memory import Memory

original, calls = Memory._parts, []

def parts(self, batches):
    for part in original(self, batches):
        calls.append(0)
        if os.environ.get("RANK") == "1" and len(calls) == {number}:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        yield part

Memory._parts = parts
"""
SLOW = """
import time
from pathlib import Path
from hrpose.models.topdown import TopDown

original = TopDown.forward

def forward(self, images):
    if not self.training:
        Path({mark!r}).touch()
        time.sleep(0.5)
    return original(self, images)

TopDown.forward = forward
"""


class Group:
    """tools/train.py on two processes, or on so many."""

    def __init__(
        self, folder: Path, *changes: str, options=(), launcher=None, processes=2, **env: str
    ) -> None:
        self.folder, self.output = folder, folder.with_name(f"{folder.name}.out")
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command = launcher or [
            *torchrun,
            f"--nproc-per-node={processes}",
            str(ROOT / "tools/train.py"),
        ]
        arguments = [str(TINY), *(["2"] if launcher else []), "--work-dir", str(folder), *options]
        common = ["runner.log_interval=1", "data.batch_size=2"]
        path = os.pathsep.join([str(folder.parent), str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [*command, *arguments, "--cfg-options", *common, *changes], text=True,
            stdout=self.output.open("w"), stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, **env},
        )  # fmt: skip

    def wait(self, seconds: float = 150) -> int:
        """The exit status; kills what does not end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"no end within {seconds} s: {self.said()}") from None

    def said(self) -> str:
        """All output so far."""
        return self.output.read_text()

    def reach(self, step: int, seconds: float = 150) -> None:
        """Wait until `step` steps are done."""
        end = time.monotonic() + seconds
        while len(rows(self.folder)) < step:
            assert self.process.poll() is None and time.monotonic() < end, self.said()
            time.sleep(0.02)

    def rank(self, number: int) -> int:
        """The process id of a rank."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = os.fsencode(self.folder) in (folder / "cmdline").read_bytes()
                variables = (folder / "environ").read_bytes().split(b"\0")
                if ours and f"RANK={number}".encode() in variables:
                    return int(folder.name)
        raise AssertionError(f"no rank {number}")


def patched(folder: Path, body: str) -> str:
    """The change of the page that makes rank 1 run `body` in each forward pass of training."""
    (folder / "patched_rank_1.py").write_text(CUSTOM.format(body=body))
    return "custom_imports=['patched_rank_1']"


@pytest.mark.fault(
    name="rank 1 is killed",
    does="kill -9 to the second of two processes in mid-epoch",
    expects="all stop within 60 s, with a message that another process has ended",
)
def test_killed_rank(tmp_path, happened):
    group = Group(tmp_path / "run", "runner.epochs=200")
    group.reach(1)
    os.kill(group.rank(1), signal.SIGKILL)
    start = time.monotonic()
    assert group.wait(60) != 0
    seconds = time.monotonic() - start
    assert "process 0: another process of this run has ended" in group.said()
    assert "SIGKILL" in group.said(), "torchrun names the signal and the rank"
    happened(f"all stopped after {seconds:.0f} s; rank 0 says why")


@pytest.mark.fault(
    name="rank 1 is killed, and the group is left slowly",
    does="kill -9 to the second of two processes; the first needs 5 s to leave the group, so that "
    "torchrun's SIGTERM comes before it has said its error, as on a busy machine",
    expects="all stop within 60 s, with a message that another process has ended",
)
def test_killed_rank_where_the_group_is_left_slowly(tmp_path, happened):
    (tmp_path / "leaves_slowly.py").write_text(
        "import time\n"
        "import torch.distributed as dist\n"
        "leave = dist.destroy_process_group\n"
        "dist.destroy_process_group = lambda: (time.sleep(5), leave())\n"
    )
    group = Group(tmp_path / "run", "custom_imports=['leaves_slowly']", "runner.epochs=200")
    group.reach(1)
    os.kill(group.rank(1), signal.SIGKILL)
    assert group.wait(60) != 0
    assert "process 0: another process of this run has ended" in group.said()
    happened("rank 0 says why after all")


@pytest.mark.fault(
    name="an error in rank 1 alone",
    does="the second of two processes raises an exception in its forward pass",
    expects="all stop within 60 s; the traceback of rank 1 is shown",
)
def test_failing_rank(tmp_path, happened):
    body = 'raise KeyError("rank 1 fails here")'
    group = Group(tmp_path / "run", patched(tmp_path, body))
    assert group.wait() != 0
    assert "KeyError: 'rank 1 fails here'" in group.said()
    assert "patched_rank_1.py" in group.said(), "a traceback"
    happened("all stopped; the traceback of rank 1 is shown")


@pytest.mark.fault(
    name="out of memory in rank 1 alone",
    does="the second of two processes has room for one animal at once, the first for two",
    expects="both go through their batches in two parts; nobody waits for ever",
)
def test_memory_of_rank_1(tmp_path, happened):
    body = 'if len(images) > 1: raise torch.OutOfMemoryError("CUDA out of memory.")'
    group = Group(tmp_path / "run", patched(tmp_path, body), "runner.epochs=1")
    assert group.wait() == 0, group.said()
    assert group.said().count("warning: out of memory (in another process)") == 1
    assert "in 2 parts" in group.said()
    assert len([row for row in rows(tmp_path / "run") if row["kind"] == "train"]) == 4
    happened("both in two parts, said once by rank 0")


@pytest.mark.fault(
    name="out of memory in rank 1 alone, later",
    does="in the forward pass of the third step the second of two processes has no room for two",
    expects="that step and those behind it in two parts on both; losses as of whole batches",
)
def test_memory_of_rank_1_later(tmp_path, happened):
    body = """forward.calls = getattr(forward, "calls", 0) + 1
        if forward.calls >= 5 and len(images) > 1:  # two of them rehearsed the first step
            raise torch.OutOfMemoryError("CUDA out of memory.")"""
    page = ("runner.epochs=1", "runner.val_interval=0", "runner.batch_norm='frozen'")
    whole = Group(tmp_path / "whole", *page)
    short = Group(tmp_path / "short", patched(tmp_path, body), *page)
    assert whole.wait() == 0 and short.wait() == 0, short.said()
    assert short.said().count("warning: out of memory (in another process)") == 1
    losses = [[row["loss"] for row in rows(tmp_path / name)] for name in ("whole", "short")]
    assert losses[0][:2] == losses[1][:2] and len(losses[1]) == 4
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    meta = torch.load(tmp_path / "short" / "latest.pth", weights_only=True)["meta"]
    assert meta["micro_batches"] == 2
    happened("both in two parts from step 3 on; losses equal those of whole batches within 1e-4")


@pytest.mark.slow
@pytest.mark.fault(
    name="out of memory in rank 1 before a forward pass",
    does="the batch of the second process finds no room on the device, in each of the first four "
    "passes in turn; in the third DistributedDataParallel exchanges its buckets",
    expects="both go on in two parts; nobody waits for ever",
)
def test_memory_before_the_forward_pass(tmp_path, happened):
    for number in range(1, 5):
        folder = tmp_path / f"pass{number}"
        folder.mkdir()
        (folder / "patched_rank_1.py").write_text(NO_ROOM.format(number=number))
        group = Group(folder / "run", "custom_imports=['patched_rank_1']", "runner.epochs=1")
        assert group.wait() == 0, group.said()
        assert group.said().count("warning: out of memory") == 1
        assert len([row for row in rows(folder / "run") if row["kind"] == "train"]) == 4
    happened("in two parts from there on, each time")


@pytest.mark.slow
@pytest.mark.fault(
    name="out of memory in rank 1 while gradients are exchanged",
    does="in the backward pass of a later step the second of two processes runs out of memory",
    expects="all stop within 60 s; rank 1 says what to make smaller; `--resume` goes on",
)
def test_memory_in_the_exchange(tmp_path, happened):
    body = """forward.calls = getattr(forward, "calls", 0) + 1
        if forward.calls == 6:
            heatmaps = original(self, images)

            def explode(gradient):
                raise torch.OutOfMemoryError("CUDA out of memory.")

            heatmaps.register_hook(explode)
            return heatmaps"""
    change = patched(tmp_path, body)
    group = Group(tmp_path / "run", change, "runner.epochs=1", "runner.save_steps=1")
    group.reach(3)
    start = time.monotonic()
    assert group.wait(60) != 0
    seconds = time.monotonic() - start
    assert "process 1 ran out of memory (CUDA out of memory.); go on with --resume" in group.said()
    again = Group(tmp_path / "run", "runner.epochs=1", "runner.save_steps=1", options=["--resume"])
    assert again.wait() == 0, again.said()
    assert "latest.pth after step 3 of epoch 1" in again.said()
    happened(f"all stopped after {seconds:.0f} s with advice; resumed after step 3")


@pytest.mark.slow
@pytest.mark.fault(
    name="port in use",
    does="torchrun's usual port 29500 is taken; then one asks for that port by name",
    expects="tools/dist_train.sh finds a free port; asked by name it ends with an error",
)
def test_port_in_use(tmp_path, happened):
    launcher = ["bash", str(ROOT / "tools" / "dist_train.sh")]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PATH": path}
        refused = Group(tmp_path / "a", "runner.epochs=1", launcher=launcher, **where)
        assert refused.wait() != 0
        assert "in use" in refused.said() or "EADDRINUSE" in refused.said(), refused.said()
        free = Group(tmp_path / "b", "runner.epochs=1", launcher=launcher, PATH=path)
        assert free.wait() == 0, free.said()
    happened("a free port was found; the named one was refused: address in use")


@pytest.mark.slow
@pytest.mark.fault(
    name="SIGTERM and Ctrl-C to three processes, resumed",
    does="in mid-epoch SIGINT to torchrun alone; SIGTERM to it and its processes, as Slurm sends "
    "it; then `--resume` on three processes",
    expects="saved at the step; the resumed run equals the undisturbed one, bit for bit",
)
def test_signals_to_a_group(tmp_path, happened):
    page = ("data.train.length=24",)  # four steps an epoch
    whole = Group(tmp_path / "whole", *page, processes=3)
    assert whole.wait() == 0, whole.said()
    places = []
    for number in (signal.SIGINT, signal.SIGTERM):
        name = signal.Signals(number).name
        group = Group(tmp_path / name, *page, processes=3)
        group.reach(2)
        ranks = [group.rank(i) for i in range(3)] if number == signal.SIGTERM else []
        for process in [*ranks, group.process.pid]:
            os.kill(process, number)
        assert group.wait() != 0
        assert f"stopped by {name}; go on with --resume" in group.said()
        places.append(len([row for row in rows(group.folder) if row["kind"] == "train"]))
        assert places[-1] < 8
        again = Group(tmp_path / name, *page, options=["--resume"], processes=3)
        assert again.wait() == 0, again.said()
        step = places[-1] - 4 * (places[-1] > 4)
        assert f"latest.pth after step {step} of epoch" in again.said(), "nothing was lost"
        assert same_run(group.folder, tmp_path / "whole")
    happened(f"stopped and saved after steps {places}; equal to the bit")


@pytest.mark.slow
@pytest.mark.fault(
    name="SIGTERM to one of two processes in the validation",
    does="a signal to the second process alone, while both validate; then `--resume`",
    expects="both stop with 143 at the same batch, without a traceback; resumed equal to the bit",
)
def test_signal_in_validation(tmp_path, happened):
    page = ("data.val.length=25", "data.val_batch_size=2")  # seven rounds; the last is rank 0's
    whole = Group(tmp_path / "whole", *page)
    assert whole.wait() == 0, whole.said()
    mark = tmp_path / "validating"
    (tmp_path / "slow_validation.py").write_text(SLOW.format(mark=str(mark)))
    group = Group(tmp_path / "run", *page, "custom_imports=['slow_validation']")
    end = time.monotonic() + 150
    while not mark.exists():
        assert group.process.poll() is None and time.monotonic() < end, group.said()
        time.sleep(0.02)
    os.kill(group.rank(1), signal.SIGTERM)
    assert group.wait() != 0
    assert "stopped by SIGTERM; go on with --resume" in group.said()
    assert "[rank" not in group.said() and "another process" not in group.said()
    assert set(re.findall(r"exitcode *: (\d+)", group.said())) == {"143"}
    assert not [row for row in rows(group.folder) if row["kind"] == "val"]
    again = Group(tmp_path / "run", *page, options=["--resume"])
    assert again.wait() == 0, again.said()
    assert same_run(group.folder, tmp_path / "whole")
    happened("both left with 143; the resumed run equals the undisturbed one to the bit")


@pytest.mark.slow
@pytest.mark.fault(
    name="ranks with fewer samples",
    does="seven validation animals and thirteen training animals on two processes",
    expects="no process waits for another; each animal is evaluated once",
)
def test_uneven_ranks(tmp_path, happened):
    group = Group(tmp_path / "run", "data.train.length=13", "data.val.length=7",
                  "data.val_batch_size=2", "runner.epochs=1")  # fmt: skip
    assert group.wait() == 0, group.said()
    assert "val: SyntheticAnimals (horse10): 7 animals" in group.said()
    assert [row["epoch"] for row in rows(tmp_path / "run") if row["kind"] == "val"] == [1]
    happened("trained and validated to the end")


@pytest.mark.slow
@pytest.mark.fault(
    name="SIGTERM to one of two processes that ask one another every third step",
    does="runner.agree_steps=3, gradients in bf16 and in parts of 1 MB; the signal to the second "
    "process after step 1 of 4; then `--resume`",
    expects="both stop with 143 at a step of three, or at the end of the epoch, and save; the "
    "resumed run equals the undisturbed one to the bit",
)
def test_signal_between_two_agreements(tmp_path, happened):
    page = ("runner.agree_steps=3", "runner.gradient_bf16=True", "runner.gradient_bucket_mb=1")
    whole = Ranks(tmp_path / "whole", *page)
    assert whole.wait(300) == [0, 0], whole.said()
    ranks = Ranks(tmp_path / "run", *page)
    ranks.runs[0].reach(lambda: ranks.runs[0].steps() >= 1)
    ranks.runs[1].send(signal.SIGTERM)
    assert ranks.wait(300) == [143, 143], ranks.said()
    saved = torch.load(tmp_path / "run/latest.pth", weights_only=True)["meta"]
    assert saved["step"] in (3, 4), "after step 3 or, where the signal came later, the last one"
    again = Ranks(tmp_path / "run", *page, options=("--resume",))
    assert again.wait(300) == [0, 0], again.said()
    assert same_run(tmp_path / "run", tmp_path / "whole")
    happened(f"both left with 143 after step {saved['step']}; resumed, equal to the bit")
