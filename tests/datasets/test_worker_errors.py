"""What becomes of errors of the loader's processes; the real ones are in tests/faults."""

import errno
import os
import signal
import time
from functools import partial

import pytest

from hrpose.datasets.loader import make_loader
from hrpose.datasets.transforms import Transform
from hrpose.datasets.worker_errors import _Deaths, advice, with_advice
from hrpose.errors import DataError, LoaderError, RunError

SIGNAL = "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that"


def caused(text: str, cause: str) -> RuntimeError:
    error = RuntimeError(text)
    error.__cause__ = RuntimeError(cause)
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError(SIGNAL), "the 3 loader workers ran out of shared memory"),
        (caused("DataLoader worker (pid(s) 7) exited unexpectedly", SIGNAL), "shared memory"),
        (RuntimeError("unable to write to file </torch_1_2>: No space left"), "shared memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "data.workers lower (0 needs none)"),
        (RuntimeError("DataLoader timed out after 5 seconds"), "no batch came from the 3 loader"),
        (RuntimeError("Too many open files. Communication with"), "ulimit -n"),
        (
            caused("DataLoader worker (pid(s) 7) exited unexpectedly", "DataLoader worker (pid 7) "
                   "is killed by signal: Killed. "),
            "a loader worker died (DataLoader worker (pid 7) is killed by signal: Killed.",
        ),
        (
            RuntimeError("DataLoader worker (pid 7) exited unexpectedly with exit code 1. Details"),
            "a loader worker died (DataLoader worker (pid 7) exited unexpectedly with exit code 1",
        ),
    ],
)  # fmt: skip
def test_what_torch_means(error, words):
    assert words in advice(error, 3, 5)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Caught RuntimeError in DataLoader worker process 0.\nsize mismatch"),
        RuntimeError(""), OSError(errno.EACCES, "Permission denied"),
    ],
)  # fmt: skip
def test_other_errors_stay_what_they_are(error):
    def broken():
        yield 1
        raise error

    assert advice(error, 3, 5) is None
    batches = with_advice(broken, 3, 5)
    assert next(batches) == 1
    with pytest.raises(type(error)) as caught:
        next(batches)
    assert caught.value is error


def test_an_error_of_the_start_is_explained_too():
    def broken():
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match="shared memory"):
        next(with_advice(broken, 3, 5))


def test_a_death_waits_for_the_next_batch(monkeypatch):
    """As torch's handler does it, but with a signal that no child can send by chance."""

    def handler(number, frame):
        raise RuntimeError("a worker died")

    monkeypatch.setattr(signal, "SIGCHLD", signal.SIGUSR1)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        deaths = _Deaths()
        deaths.watch()
        deaths.watch()  # a second loader changes nothing
        assert deaths.waiting_for(partial(next, iter([1, 2]))) == 1
        os.kill(os.getpid(), signal.SIGUSR1)  # during a step: nothing is raised here
        with pytest.raises(RuntimeError, match="a worker died"):
            deaths.waiting_for(partial(next, iter([2])))
        assert deaths.waiting_for(partial(next, iter([3]))) == 3, "it is raised once"

        def waits():
            os.kill(os.getpid(), signal.SIGUSR1)
            yield 4

        with pytest.raises(RuntimeError, match="a worker died"):
            deaths.waiting_for(partial(next, waits()))
    finally:
        signal.signal(signal.SIGUSR1, before)


class CannotBeSent(Transform):
    """Adds what no process can send to another."""

    def __call__(self, sample, rng):
        return {**sample, "index": lambda: 0}


def test_a_batch_that_cannot_be_sent_is_no_hang(toy, meta, test_steps):
    data = toy.open(meta, [*test_steps, CannotBeSent()])
    loader = make_loader(data, 2, 1, False, False, timeout=60)
    loader.collate_fn = lambda samples: samples
    with pytest.raises(RunError, match=r"a loader worker died \(.*exit code 1"):
        list(loader)


def test_errors_of_the_data_arrive_as_they_are(toy, meta, test_steps):
    (toy.root / "images/1.jpg").unlink()
    with pytest.raises(DataError, match=r"1\.jpg: no such image"):
        list(make_loader(toy.open(meta, test_steps), 2, 1, False, False, timeout=60))


def test_a_worker_that_died_between_two_epochs_is_noticed_at_once(toy, meta, test_steps):
    loader = make_loader(toy.open(meta, test_steps), 2, 1, False, False, timeout=60)
    list(loader)
    (worker,) = loader._iterator._workers
    worker.kill()
    worker.join()
    start = time.monotonic()
    with pytest.raises(LoaderError, match=f"a loader worker died .*pid {worker.pid}"):
        list(loader)
    assert time.monotonic() - start < 20
