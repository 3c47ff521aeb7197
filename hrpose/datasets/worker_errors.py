"""Loader processes that die, hang or find no shared memory: an error that says what to do."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from types import FrameType
from typing import Any

from hrpose.datasets.images import NO_MORE_FILES
from hrpose.errors import LoaderError

_SHARED = "/dev/shm"
_ENDING = 0.1  # seconds in which a worker that ends is gone


class _Deaths:
    """Deaths of workers, raised where a batch is waited for and nowhere else.

    torch raises them in its handler of SIGCHLD, wherever the main thread is then: in the middle of
    an optimizer step, say. Its handler stays, but what it raises is kept for the next batch.
    """

    def __init__(self) -> None:
        self.waiting = False
        self.kept: RuntimeError | None = None
        self._theirs: Callable[[int, FrameType | None], Any] | None = None

    def watch(self) -> None:
        """Take the place of torch's handler, which is there once the first worker is."""
        handler = getattr(signal, "SIGCHLD", None) and signal.getsignal(signal.SIGCHLD)
        main = threading.current_thread() is threading.main_thread()
        if main and callable(handler) and handler != self._handle:
            self._theirs = handler
            signal.signal(signal.SIGCHLD, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        try:
            if self._theirs is not None:
                self._theirs(number, frame)
        except RuntimeError as error:
            if self.waiting:
                raise
            self.kept = error

    def waiting_for(self, what: Callable[[], Any]) -> Any:
        """What `what` gives; raises what was kept, or what happens while it is waited for."""
        self.waiting = True
        try:
            if self.kept is not None:
                kept, self.kept = self.kept, None
                raise kept
            return what()
        finally:
            self.waiting = False


_deaths = _Deaths()


def with_advice(
    start: Callable[[], Iterator[Any]],
    workers: int,
    timeout: float,
    processes: Callable[[], Sequence[BaseProcess]] = tuple,
) -> Iterator[Any]:
    """The batches of a loader's iterator, which `start` makes; `timeout` is that of the loader.

    Args:
        processes: gives its workers, those from the epoch before to begin with.

    Raises:
        LoaderError: a worker died or hangs, or shared memory or file handles are used up.
    """
    _deaths.kept = None  # of an earlier loader, perhaps: a worker of this one is looked at here
    try:
        for worker in processes():
            if not worker.is_alive():
                raise RuntimeError(f"DataLoader worker (pid {worker.pid}) exited unexpectedly")
        batches = _deaths.waiting_for(start)
        _deaths.watch()
        while True:
            try:
                batch = _deaths.waiting_for(partial(next, batches))
            except StopIteration:
                return
            yield batch
    except (RuntimeError, OSError, EOFError) as error:
        text = advice(error, workers, timeout, _exits(processes()))
        if text is None:
            raise
        raise LoaderError(text) from error


def _exits(processes: Sequence[BaseProcess]) -> str:
    """The exit codes of workers that end, as torch tells them: a death may be noticed by what
    cannot be fetched from the dead before torch sees why.
    """
    text = ""
    for process in processes:
        process.join(_ENDING)
        text += f" exit code {process.exitcode}." if process.exitcode else ""
    return text


def end_on_lost_batches() -> None:
    """In a worker: end it where a batch cannot be sent, which would be waited for for ever."""
    Queue._on_queue_feeder_error = staticmethod(_end)  # type: ignore[attr-defined]


def _end(error: Exception, batch: object) -> None:
    if _out_of_files(str(error)) or not _can_open():
        os._exit(errno.EMFILE)
    if _is_shortage(str(error)):
        os._exit(errno.ENOSPC)  # told apart by `advice`; the error itself cannot be sent either
    traceback.print_exception(error)
    os._exit(1)


def _is_shortage(text: str) -> bool:
    """Whether a message of torch or of the system is about shared memory."""
    return any(words in text for words in ("Bus error", "</torch_", "shared memory"))


def _out_of_files(text: str) -> bool:
    """Whether a message of torch or of the system is about too many open files."""
    return "Too many open files" in text or "items of ancdata" in text


def _can_open() -> bool:
    """Whether this process may open one more file; libraries make other errors of it."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in NO_MORE_FILES
    return True


def advice(error: Exception, workers: int, timeout: float, exits: str = "") -> str | None:
    """What `error` of a torch loader means and what to do; None where it is another kind.

    Args:
        exits: the exit codes of its workers.
    """
    text = f"{error.__cause__ or ''}\n{error}"  # torch puts the signal into the cause
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    too_many = isinstance(error, OSError) and error.errno in NO_MORE_FILES
    # before the others: their words may stand in the same message
    if too_many or _out_of_files(text) or f"exit code {errno.EMFILE}." in text + exits:
        return (
            f"too many open files with {workers} loader workers: raise the limit (ulimit -n 65536)"
            " or set data.workers lower"
        )
    no_room = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if no_room or _is_shortage(text) or f"exit code {errno.ENOSPC}." in text + exits:
        return (
            f"the {workers} loader workers ran out of shared memory{_shared_memory()}: set "
            "data.workers lower (0 needs none) or a smaller batch size, or give more of it (docker "
            "run --shm-size=8g or --ipc=host)"
        )
    if "timed out after" in text:
        return (
            f"no batch came from the {workers} loader workers for {timeout:g} s: one of them hangs."
            " See whether the images can be read (hrpose check CONFIG --full) and where it "
            "stands with data.workers=0; on slow storage raise data.timeout"
        )
    named = "DataLoader worker" in text
    if named and ("killed by signal" in text or "exited unexpectedly" in text):
        return _died(first)
    # one that a worker met names the worker; without a name the way to the worker broke
    if workers and not named and isinstance(error, ConnectionError | EOFError | FileNotFoundError):
        return _died(f"{type(error).__name__} while a batch was fetched from it")
    return None


def _died(how: str) -> str:
    return (
        f"a loader worker died ({how}). If it was killed, memory was probably short (the "
        "kernel's log, dmesg, names the process): set data.workers lower, or a smaller batch "
        "size; if it crashed, data.workers=0 shows where"
    )


def _shared_memory() -> str:
    """How much there is in all, in brackets, where it can be told."""
    try:
        return f" ({_SHARED} holds {shutil.disk_usage(_SHARED).total / 2**20:,.1f} MiB)"
    except OSError:
        return ""
