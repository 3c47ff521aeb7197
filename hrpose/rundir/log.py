"""What a run says: console, `train.log`, `metrics.jsonl`, TensorBoard."""

import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from hrpose.errors import RunError, say
from hrpose.rundir.curves import DamagedRow, draw_curves, read_rows, set_aside
from hrpose.rundir.lock import Lock
from hrpose.storage.whole_file import write_whole

Item = TypeVar("Item")
_NAMED = 4
"""Damaged rows that are named; the rest is counted."""


class _ThroughTqdm(logging.Handler):
    """Console lines that do not tear a progress bar.

    A console that is gone (terminal closed, pipe broken, its file on a full disk) stops nothing:
    `train.log` has the same lines.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, "kept"):
            return
        with contextlib.suppress(OSError, ValueError):
            tqdm.write(self.format(record), file=sys.stdout)
            sys.stdout.flush()


class _LogFile(logging.FileHandler):
    """A log file whose loss (full disk, folder gone) is said once and stops nothing."""

    def __init__(self, path: Path, lost: Callable[[OSError], None]) -> None:
        # names of files that are not UTF-8 are halves of characters
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._lost = lost

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self._lost(error)
        else:
            super().handleError(record)


class RunLog:
    """The log of one run; on ranks other than 0 it says nothing, without a folder it keeps nothing.

    `metrics.jsonl` holds only what the seed determines (losses, rates, metrics), so that two equal
    runs write equal files; times and speeds go to the console, `train.log` and TensorBoard.

    Args:
        lock: of `folder`; with it the folder is made anew where it vanishes.
    """

    def __init__(self, folder: Path | None, main: bool = True, lock: Lock | None = None) -> None:
        self.main, self._lock = main, lock
        self.folder = folder if main else None
        self._logger = logging.Logger("hrpose", logging.INFO)
        self._board: Any = None
        self._first_step = 0
        self._unwritten: list[str] = []
        self._said: set[str] = set()
        self._keeping = threading.Lock()  # checkpoints are written in a thread of their own
        if not main:
            self._logger.addHandler(logging.NullHandler())
            return
        self._add(_ThroughTqdm(), "%(message)s")
        if folder:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                handler = _LogFile(folder / "train.log", partial(self._lost, "train.log"))
            except OSError as error:
                raise RunError(
                    f"{folder}: cannot keep a log there ({error.strerror}: {error.filename}); "
                    "choose another folder with --work-dir"
                ) from error
            self._add(handler, "%(asctime)s %(levelname)s %(message)s")

    def _add(self, handler: logging.Handler, form: str) -> None:
        handler.setFormatter(logging.Formatter(form))
        self._logger.addHandler(handler)

    def info(self, message: str) -> None:
        """A line for people."""
        if message:
            self._logger.info(message)

    def keep(self, message: str) -> None:
        """A line for `train.log` alone, which the console has from elsewhere."""
        self._logger.info(message, extra={"kept": True})

    def warning(self, message: str) -> None:
        """A line for people that must not be overlooked."""
        self._logger.warning("warning: %s", message)

    def _lost(self, name: str, error: OSError) -> None:
        """Say, once for each file, that it cannot be written."""
        if name not in self._said:
            self._said.add(name)
            say(f"warning: cannot write {name}: {error}")

    def keep_folder(self) -> None:
        """Where the run directory has vanished, make it anew, with new files; says so.

        Raises:
            RunError: another run has it now.
        """
        with self._keeping:
            try:
                remade = self.folder and self._lock and self._lock.renewed()
            except RunError:
                self.folder = None  # nothing more goes there
                raise
            if remade and self.folder:
                self._begin_files_anew(self.folder)

    def _begin_files_anew(self, folder: Path) -> None:
        if (folder / "train.log").exists():
            self.warning(f"the lock file of {folder} had vanished; made it anew")
            return
        if self._board is not None:  # it goes on where its folder is there again
            with contextlib.suppress(OSError):
                (folder / "tensorboard").mkdir(exist_ok=True)
        for handler in self._logger.handlers:
            if isinstance(handler, _LogFile):
                handler.close()  # opens its file with the next line
        self.warning(f"{folder} had vanished, with all checkpoints in it; made it anew")

    def row(self, kind: str, epoch: int, iteration: int, **values: Any) -> None:
        """One row of `metrics.jsonl`: `kind` is 'train' or 'val', `epoch` counts finished ones."""
        self.keep_folder()
        folder = self.folder
        if not folder:
            return
        row = {"kind": kind, "epoch": epoch, "iteration": iteration, **values}
        self._unwritten.append(json.dumps(row) + "\n")
        self._write_rows(folder / "metrics.jsonl")

    def _write_rows(self, path: Path) -> None:
        """Write the rows that wait: all or none of them."""
        content = "".join(self._unwritten).encode()
        try:
            with path.open("ab", buffering=0) as file:
                start = file.seek(0, os.SEEK_END)
                written = 0
                try:
                    while written < len(content):
                        written += file.write(content[written:])
                except OSError:
                    file.truncate(start)
                    raise
            self._unwritten.clear()
        except OSError as error:  # the rows wait for a better day
            self._lost("metrics.jsonl", error)

    def rewind(self, epoch: int, step: int, iteration: int) -> None:
        """Drop the rows that a run which resumes at this point will write again.

        Damaged rows are put into `metrics.damaged.jsonl`, which is said.

        Args:
            epoch: finished epochs, those with a validation behind them.
            step: optimizer steps done of the next one.
            iteration: optimizer steps done in all.

        Raises:
            RunError: they cannot be written anew; the file is as it was.
        """
        self._first_step = iteration + 1
        path = self.folder / "metrics.jsonl" if self.folder else None
        if not (path and path.is_file()):
            return
        try:
            rows, damaged = read_rows(path)
            if damaged:
                set_aside(damaged, path.with_name("metrics.damaged.jsonl"))
                self._say_damaged(damaged, path)
            kept = [
                json.dumps(row) + "\n"
                for row in rows
                if row["epoch"] < epoch + (row["kind"] == "val")
                or (step and row["epoch"] == epoch and row["iteration"] <= iteration)
            ]
            write_whole(path, "".join(kept))
        except OSError as error:
            raise RunError(
                f"{path}: cannot be written anew ({error.strerror}), so the run cannot go on "
                "from here; make room or mend the folder, then --resume again: nothing is lost"
            ) from error

    def _say_damaged(self, damaged: list[DamagedRow], path: Path) -> None:
        shown = "; ".join(f"line {row.line}: {row.reason}" for row in damaged[:_NAMED])
        more = f"; and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
        rows = f"{len(damaged)} damaged row{'s' * (len(damaged) > 1)}"
        self.warning(
            f"{path}: {rows} ({shown}{more}), kept in metrics.damaged.jsonl; the others stay"
        )

    def board(self, step: int, **values: float | None) -> None:
        """Values for TensorBoard at optimizer step `step`; keys are written with `/` for `__`."""
        if not self.folder:
            return
        try:
            if self._board is None:
                from torch.utils.tensorboard import SummaryWriter

                self._board = SummaryWriter(
                    str(self.folder / "tensorboard"), purge_step=self._first_step or None
                )
            for name, value in values.items():
                if value is not None:
                    self._board.add_scalar(name.replace("__", "/"), value, step)
        except OSError as error:
            self._lost("tensorboard", error)

    def progress(
        self, items: Iterable[Item], total: int, title: str, done: int = 0
    ) -> Iterator[Item]:
        """`items` under a progress bar (only on a terminal, only on rank 0); `done` come before."""
        hidden = not (self.main and sys.stderr.isatty())
        yield from tqdm(
            items, title, total, leave=False, disable=hidden, dynamic_ncols=True, initial=done
        )

    def curves(self) -> None:
        """Draw `curves.png` anew."""
        if self.folder:
            try:
                draw_curves(self.folder)
            except OSError as error:
                self._lost("curves.png", error)

    def close(self) -> None:
        """Flush and release the files."""
        try:
            if self._board is not None:
                self._board.close()
        except OSError as error:
            self._lost("tensorboard", error)
        if self.folder and self._unwritten:
            self._write_rows(self.folder / "metrics.jsonl")
        for handler in list(self._logger.handlers):
            try:
                handler.close()
            except OSError as error:
                self._lost("train.log", error)
            self._logger.removeHandler(handler)
