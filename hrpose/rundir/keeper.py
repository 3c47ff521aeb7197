"""Which checkpoints a run directory holds, and what becomes of a run that cannot write them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hrpose.errors import RunError
from hrpose.rundir import checkpoints
from hrpose.rundir.log import RunLog
from hrpose.storage import checkpoint_file
from hrpose.storage.seal import sealed
from hrpose.storage.whole_file import link


class Keeper:
    """Writes `latest.pth`, `previous.pth`, `epoch_N.pth` and the best weights.

    A write that fails is said and does not end the training; `finish` raises if the last one did.

    Args:
        keep: how many `epoch_N.pth` stay; None keeps all.
        best_of: name of the metric that chooses the best weights.
    """

    def __init__(self, folder: Path, keep: int | None, best_of: str | None, log: RunLog) -> None:
        self.folder, self.keep, self.best_of, self.log = folder, keep, best_of, log
        self.failure = ""
        self.whole: Path | None = None
        """The newest checkpoint known to be whole: read or written by this process."""
        self._best_of_whole = ""
        self._waiting: tuple[str, Mapping[str, Any]] | None = None  # best weights, not written

    def go_on_from(self, path: Path, best_file: str) -> None:
        """Take the checkpoint `path`, which was read whole, for the newest one."""
        self.whole, self._best_of_whole = path, best_file

    def save(self, state: Mapping[str, Any], best_file: str, epoch: int | None) -> None:
        """Write the newest training checkpoint; under the name `epoch_N.pth` too if `epoch` is set.

        Removes what is not to stay: old `epoch_N.pth`, and weights that are not the best any more.
        """
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

    def save_best(self, state: Mapping[str, Any], name: str) -> None:
        """Write the best weights so far; what cannot be written is tried again by `save`."""
        self._waiting = None
        if not self._write(state, self.folder / name):
            self._waiting = name, copy.deepcopy(sealed(state))

    def last_good(self) -> str:
        """The newest whole checkpoint in a sentence, for a run that ends before its time."""
        if self.whole is None:
            return "it had not been saved yet: start anew"
        return f"the last good checkpoint is {self.whole}, and --resume goes on from it"

    def finish(self) -> None:
        """RunError if the newest state of the run or its best weights are not on disk."""
        if self.failure:
            raise RunError(f"the training is done, but its end could not be saved: {self.failure}")
        if self._waiting:
            raise RunError(
                f"the training is done, but its best weights could not be saved: {self._waiting[0]}"
            )

    def _write(self, state: Mapping[str, Any], *paths: Path, before: Path | None = None) -> bool:
        """`checkpoint_file.save`; what stands at `before` stays reachable as `previous.pth`."""
        self.log.keep_folder()
        try:
            # one that was passed by as damaged must not push the good one behind it out
            if before and before.is_file() and _same(before, self.whole):
                link(before, self.folder / checkpoints.PREVIOUS)
            checkpoint_file.save(state, *paths)
        except OSError as error:
            there = self.whole
            with suppress(OSError):  # a disk that is gone may refuse even to look
                there = there if there and there.is_file() else None
            self.failure = f"{paths[-1]}: {error.strerror or error}"
            self.log.warning(
                f"could not write {self.failure}; training goes on and tries again at the next "
                f"checkpoint; the last good one is {there or 'nowhere: there is none yet'}"
            )
            return False
        self.failure = ""
        if before is not None:
            self.whole = before
        return True


def _same(path: Path, other: Path | None) -> bool:
    return other is not None and path.resolve() == other.resolve()
