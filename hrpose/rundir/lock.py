"""One run per directory: a lock that the system takes back however the process ends."""

from __future__ import annotations

import contextlib
import os
import socket
from datetime import datetime
from pathlib import Path

from hrpose.errors import RunError
from hrpose.storage.locks import ProcessLock

LOCK = ".lock"


class Lock:
    """Holds the run directory `folder`, which is made if need be, from here to `close`.

    Raises:
        RunError: another process holds it, or it cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        self._holder = f"process {os.getpid()} on {socket.gethostname()} since {now}"
        try:
            self._take()
        except OSError as error:
            raise RunError(
                f"{folder}: cannot write there ({error.strerror}); choose another folder with "
                "--work-dir"
            ) from error

    def renewed(self) -> bool:
        """Whether the lock file had vanished, and mostly the directory with it; both are remade.

        Raises:
            RunError: another run has made the directory anew for itself.
        """
        try:
            if os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                return False
            holder = self._path.read_text(encoding="utf-8").strip()
            if holder == self._holder:  # a file system whose numbers of files change
                self._take_lock()
                return False
        except (OSError, ValueError):
            with contextlib.suppress(OSError):  # what is written next says why it cannot be
                if not self._path.exists():
                    self._take()
                    return True
            return False
        raise RunError(
            f"{self._path.parent} was removed while this run was at work, and "
            f"{holder or 'another process'} has begun another run in a new one of that name; this "
            "run stops, for the two would write over one another"
        )

    def close(self) -> None:
        """Leave the directory to others."""
        self._lock.close()

    def _take(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("a+", encoding="utf-8")
        self._lock = ProcessLock(self._file)
        try:
            # without locks on this file system: better to train there than to refuse
            if self._take_lock():
                self._file.truncate(0)
                self._file.write(f"{self._holder}\n")
                self._file.flush()
        except (OSError, RunError):
            with contextlib.suppress(OSError):  # what it could not write, it may try to again
                self._lock.close()
            raise

    def _take_lock(self) -> bool:
        try:
            return self._lock.take()
        except BlockingIOError:
            holder = self._path.read_text(encoding="utf-8").strip() or "another process"
            raise RunError(
                f"{self._path.parent} is in use by {holder}; wait for that run, stop it, or choose "
                "another folder with --work-dir"
            ) from None
