"""Loader processes."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from runs import ROOT, TINY

from hrpose import config
from hrpose.datasets import shipping, worker_errors
from hrpose.datasets.loader import PoseLoader, make_loader
from hrpose.datasets.transforms import Transform
from hrpose.engine.train import train
from hrpose.errors import LoaderError, RunError
from hrpose.rundir import checkpoints


class Sleeps(Transform):
    """A transform that never ends on one of the images."""

    def __call__(self, sample, rng):
        if sample["image_path"].endswith("dao-3.png"):
            time.sleep(3600)
        return sample


@pytest.mark.fault(
    name="loader worker killed",
    does="SIGKILL to one of two workers while a batch is waited for; while a step is computed",
    expects="an error that names the signal and says what to do, no hang; no step is broken off",
)
@pytest.mark.parametrize("when", ["waiting", "computing"])
def test_worker_killed(herd, happened, when):
    dataset = herd.open()
    if when == "waiting":
        dataset.pipeline = (*dataset.pipeline, Sleeps())
    loader = make_loader(dataset, 1, 2, False, False, timeout=60)
    batches = iter(loader)
    next(batches)
    victim = loader._iterator._workers[1]
    start = time.monotonic()
    if when == "waiting":
        command = f"import os, time; time.sleep(0.5); os.kill({victim.pid}, {signal.SIGKILL})"
        killer = subprocess.Popen([sys.executable, "-S", "-c", command])
    else:
        os.kill(victim.pid, signal.SIGKILL)
        # as an optimizer step, in the middle of which torch's own handler would raise
        os.waitid(os.P_PID, victim.pid, os.WEXITED | os.WNOWAIT)
        time.sleep(0.1)
    with pytest.raises(RunError, match=r"a loader worker died \(.*signal: Killed.*data\.workers"):
        list(batches)
    seconds = time.monotonic() - start
    assert seconds < 20
    if when == "waiting":
        killer.wait()
    assert loader._iterator is None, "no worker is left to be waited for"
    happened(f"RunError: a loader worker died (... is killed by signal: Killed ...) when killed "
             f"while {when}")  # fmt: skip


@pytest.mark.fault(
    name="loader worker hanging",
    does="a worker never ends one image; data.timeout is 1 s",
    expects="an error after that time which says what to look at",
)
def test_worker_hanging(herd, happened):
    dataset = herd.open()
    dataset.pipeline = (*dataset.pipeline, Sleeps())
    loader = make_loader(dataset, 1, 1, False, False, timeout=1)
    start = time.monotonic()
    with pytest.raises(RunError, match=r"no batch came from the 1 loader workers for 1 s: one of"):
        list(loader)
    assert 1 <= time.monotonic() - start < 30
    assert loader._iterator is None, "no worker is left to be waited for"
    happened("RunError: no batch came from the 1 loader workers for 1 s: one of them hangs. See "
             "whether the images can be read ...")  # fmt: skip


@pytest.mark.fault(
    name="a loader worker dies with batches that wait to be fetched",
    does="SIGKILL to the only worker after it sent batches, SIGCHLD not noticed; where the main "
    "process opens the worker's memory itself, and where it asks the worker for it as torch does",
    expects="an error that says that a worker died",
)
@pytest.mark.parametrize("opens", [True, False])
def test_worker_dead_before_its_batch_is_fetched(herd, happened, monkeypatch, opens):
    monkeypatch.setattr(shipping, "_parent_sees_us", lambda: opens)
    loader = make_loader(herd.open(), 1, 1, False, False, timeout=60)
    batches = iter(loader)
    next(batches)
    (worker,) = loader._iterator._workers
    while not loader._iterator._worker_result_queue._reader.poll(10):
        pass
    handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    worker.kill()
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(LoaderError, match="a loader worker died"):
        next(batches)
    signal.signal(signal.SIGCHLD, handler)
    happened("LoaderError: a loader worker died (...)")


@pytest.mark.fault(
    name="a loader worker dies while a batch is fetched from it",
    does="the connection to it breaks, in each way, before the system counts it as dead; then an "
    "image that is not there, in a worker",
    expects="an error that says that a worker died; the missing image is not taken for that",
)
def test_worker_dies_while_its_batch_is_fetched(happened):
    def fails(error):
        yield {}
        raise error

    ways = (ConnectionRefusedError, ConnectionResetError, FileNotFoundError, EOFError)
    for way in ways:
        error = way("[Errno 104] broken")
        batches = worker_errors.with_advice(lambda error=error: fails(error), 2, 60)
        with pytest.raises(LoaderError, match=rf"worker died \({way.__name__} while a batch"):
            list(batches)
    theirs = FileNotFoundError("Caught FileNotFoundError in DataLoader worker process 0.\nOriginal")
    for error, workers in ((theirs, 2), (FileNotFoundError("dao-3.png"), 0)):
        with pytest.raises(FileNotFoundError):
            list(worker_errors.with_advice(lambda error=error: fails(error), workers, 60))
    happened("LoaderError: a loader worker died (EOFError while a batch was fetched from it)")


STOPPED = """
import os, signal, sys
from hrpose.datasets.loader import make_loader
from hrpose.datasets.synthetic import SyntheticAnimals
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.errors import shown_to_user
from hrpose.keypoints import KeypointMeta

@shown_to_user
def main():
    pipeline = [LoadImage(), CropBox((32, 32)), Warp((32, 32))]
    data = SyntheticAnimals(6, 0, KeypointMeta("two", ["Nose", "Eye"]), pipeline)
    loader = make_loader(data, 1, 1, False, False, timeout=2)
    for number, batch in enumerate(loader):
        print("batch", number, flush=True)
        if number == 0:
            while not loader._iterator._worker_result_queue._reader.poll(10):
                pass
            os.kill(loader._iterator._workers[0].pid, signal.SIGSTOP)

main()
"""


@pytest.mark.fault(
    name="a loader worker is stopped with batches that wait to be fetched",
    does="SIGSTOP to the only worker after it sent batches; data.timeout is 2 s",
    expects="its batches arrive, then an error after that time; the process ends, workers too",
)
def test_worker_stopped_before_its_batch_is_fetched(happened):
    done = subprocess.run(
        [sys.executable, "-c", STOPPED], cwd=ROOT, capture_output=True, text=True, timeout=40,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "batch 1" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("LoaderError: no batch came from the 1 loader workers for 2 s: one of")
    happened(line)


IN_SMALL_MEMORY = """
from hrpose.datasets.loader import make_loader
from hrpose.datasets.synthetic import SyntheticAnimals
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.errors import RunError
from hrpose.keypoints import KeypointMeta

pipeline = [LoadImage(), CropBox((256, 256)), Warp((256, 256))]
data = SyntheticAnimals(64, 0, KeypointMeta("two", ["Nose", "Eye"]), pipeline)
held = []
try:
    for batch in make_loader(data, 8, 2, False, False, timeout=30):
        held.append(batch)
except RunError as error:
    print("RunError:", error)
"""


@pytest.mark.fault(
    name="tiny /dev/shm",
    does="two workers ship batches of 1.5 MB where /dev/shm holds 4 MiB",
    expects="an error, no hang, that says: fewer workers, none, or a larger --shm-size",
)
def test_small_shared_memory(happened):
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"]).returncode:
        pytest.skip("no user namespaces here, in which /dev/shm could be made small")
    command = 'mount -t tmpfs -o size=4m tmpfs /dev/shm && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, sys.executable, IN_SMALL_MEMORY],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RunError")]
    assert "2 loader workers ran out of shared memory (/dev/shm holds 4.0 MiB): set data" in line
    assert "lower (0 needs none)" in line and "--shm-size=8g" in line
    assert "Traceback" not in done.stderr
    happened(line)


@pytest.mark.fault(
    name="a loader worker dies in mid-epoch",
    does="the loader fails at the fourth batch of a training run, then `--resume`",
    expects="the run ends with the error, saved at its third step; resumed, no step is lost",
)
def test_run_is_saved(tmp_path, happened, monkeypatch):
    page = config.load(TINY, ["runner.epochs=1"])
    whole = PoseLoader.__iter__

    def failing(self):
        for number, batch in enumerate(whole(self)):
            if number == 3:
                raise LoaderError("a loader worker died")
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(PoseLoader, "__iter__", failing)
        with pytest.raises(LoaderError):
            train(page, tmp_path)
    assert checkpoints.read_training(tmp_path / "latest.pth")["meta"]["iteration"] == 3
    train(page, tmp_path, resume="auto")
    assert "after step 3 of epoch 1" in (tmp_path / "train.log").read_text()
    assert checkpoints.read_training(tmp_path / "latest.pth")["meta"]["iteration"] == 4
    happened("saved at step 3; resumed with step 4")
