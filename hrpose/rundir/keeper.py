"""Which checkpoints a run directory holds, and what becomes of a run that cannot write them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as until_done
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from hrpose.errors import RunError
from hrpose.processes import distributed
from hrpose.rundir import checkpoints
from hrpose.rundir.log import RunLog
from hrpose.rundir.state import host_copy
from hrpose.storage import checkpoint_file
from hrpose.storage.whole_file import link


class Keeper:
    """Writes `latest.pth`, `previous.pth`, `epoch_N.pth` and the best weights.

    `save` copies the state to the host and returns; a thread hashes and writes the copy while the
    training goes on. One save is in flight at a time: the next waits for it, and so does all that
    says which file is good. `with` waits at its end.

    A write that fails is said and does not end the training; `finish` raises if the last one did.
    What else goes wrong in the thread is raised at the next step, save or wait.

    Args:
        keep: how many `epoch_N.pth` stay; None keeps all.
        best_of: name of the metric that chooses the best weights.
        minutes: `is_due` when so many have gone by since the last save; None for never.
    """

    def __init__(
        self,
        folder: Path,
        keep: int | None,
        best_of: str | None,
        log: RunLog,
        minutes: float | None = None,
    ) -> None:
        self.folder, self.keep, self.best_of, self.log = folder, keep, best_of, log
        self.minutes = minutes
        self.failure = ""
        self.whole: Path | None = None
        """The newest checkpoint known to be whole: read or written by this process."""
        self._best_of_whole = ""
        self._best: tuple[str, Mapping[str, Any]] | None = None  # for the next save
        self._waiting: tuple[str, Mapping[str, Any]] | None = None  # best weights, not written
        self._saved_at = time.monotonic()
        self._thread = ThreadPoolExecutor(1, "hrpose checkpoints")
        self._in_flight: Future[None] | None = None

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if error is None:
            self.wait()
        elif self._in_flight is not None and (other := self._in_flight.exception()):
            self.log.warning(f"the last checkpoint: {type(other).__name__}: {other}")

    def go_on_from(self, path: Path, best_file: str) -> None:
        """Take the checkpoint `path`, which was read whole, for the newest one."""
        self.whole, self._best_of_whole = path, best_file

    def is_due(self) -> bool:
        """Between two steps: whether it is time for the next save, which the first process decides.

        Several processes must ask together. Raises what went wrong in the thread.
        """
        if self._in_flight is not None and self._in_flight.done():
            self.wait()
        if self.minutes is None:
            return False
        passed = distributed.rank() == 0 and time.monotonic() - self._saved_at >= 60 * self.minutes
        return bool(distributed.largest(int(passed)))

    def save(self, state: Mapping[str, Any], best_file: str, epoch: int | None) -> None:
        """Keep the newest training checkpoint; under the name `epoch_N.pth` too if `epoch` is set.

        `state` may change as soon as this returns. What is not to stay is removed: old
        `epoch_N.pth`, and weights that are not the best any more.
        """
        self.wait()
        self._saved_at = time.monotonic()
        try:
            copy, best = host_copy((state, self._best))
        except (RuntimeError, MemoryError) as error:
            self.log.warning(
                f"no memory for a copy of the state ({str(error).partition(chr(10))[0]:.200}): the "
                "training waits while this checkpoint is written"
            )
            self._waiting = self._best or self._waiting
            self._keep(state, best_file, epoch)
            self._waiting = host_copy(self._waiting)
        else:
            self._waiting = best or self._waiting
            self._in_flight = self._thread.submit(self._keep, copy, best_file, epoch)
        self._best = None

    def save_best(self, state: Mapping[str, Any], name: str) -> None:
        """Take the best weights so far, for the next `save`, before which they must not change.

        What cannot be written then is tried again at each save.
        """
        self._best = name, state

    def wait(self) -> None:
        """Until the save in flight is done. Raises what went wrong in the thread."""
        in_flight, self._in_flight = self._in_flight, None
        if in_flight is not None:
            in_flight.result()

    def last_good(self) -> str:
        """The newest whole checkpoint in a sentence, for a run that ends before its time."""
        if self._in_flight is not None:
            until_done([self._in_flight])
        if self.whole is None:
            return "it had not been saved yet: start anew"
        return f"the last good checkpoint is {self.whole}, and --resume goes on from it"

    def finish(self) -> None:
        """RunError if the newest state of the run or its best weights are not on disk."""
        self.wait()
        if self.failure:
            raise RunError(f"the training is done, but its end could not be saved: {self.failure}")
        if self._waiting:
            raise RunError(
                f"the training is done, but its best weights could not be saved: {self._waiting[0]}"
            )

    def _keep(self, state: Mapping[str, Any], best_file: str, epoch: int | None) -> None:
        """What `save` is for; `state` does not change meanwhile."""
        if self._waiting and self._write(self._waiting[1], self.folder / self._waiting[0]):
            self._waiting = None
        latest = self.folder / checkpoints.LATEST
        numbered = [self.folder / f"epoch_{epoch}.pth"] if epoch is not None else []
        outdated: list[Path] = []
        written = self._write(state, *numbered, latest, before=latest)
        if written:
            self._best_of_whole = best_file
            outdated += (
                self._numbered(epoch)[: -self.keep] if self.keep and epoch is not None else []
            )
        bests = checkpoints.best_files(self.folder, self.best_of) if self.best_of else []
        if self.folder / best_file in bests:
            # what the last whole checkpoint calls the best stays until there is another one
            outdated += [p for p in bests if p.name not in (best_file, self._best_of_whole)]
        for path in outdated:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _numbered(self, epoch: int) -> list[Path]:
        """All `epoch_N.pth`, oldest first, where epoch `epoch` was just written.

        Those of higher epochs are older: left by a run that went on from an earlier checkpoint.
        """
        paths = checkpoints.epoch_files(self.folder)
        newest = paths.index(self.folder / f"epoch_{epoch}.pth") + 1
        return paths[newest:] + paths[:newest]

    def _write(self, state: Mapping[str, Any], *paths: Path, before: Path | None = None) -> bool:
        """`checkpoint_file.save`; what stands at `before` stays reachable as `previous.pth`."""
        for again in (False, True):
            self.log.keep_folder()
            try:
                # one that was passed by as damaged must not push the good one behind it out
                if before and before.is_file() and _same(before, self.whole):
                    link(before, self.folder / checkpoints.PREVIOUS)
                checkpoint_file.save(state, *paths)
                break
            except OSError as error:
                # where the folder vanished meanwhile, it is made anew and has the file at once
                if again or not isinstance(error, FileNotFoundError):
                    return self._failed(paths[-1], error)
        self.failure = ""
        if before is not None:
            self.whole = before
        return True

    def _failed(self, path: Path, error: OSError) -> bool:
        there = self.whole
        with suppress(OSError):  # a disk that is gone may refuse even to look
            there = there if there and there.is_file() else None
        self.failure = f"{path}: {error.strerror or error}"
        self.log.warning(
            f"could not write {self.failure}; training goes on and tries again at the next "
            f"checkpoint; the last good one is {there or 'nowhere: there is none yet'}"
        )
        return False


def _same(path: Path, other: Path | None) -> bool:
    return other is not None and path.resolve() == other.resolve()
