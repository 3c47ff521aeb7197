"""Locks between processes, which the system takes back however a process ends.

The one place that knows how each system locks: by `fcntl` where there is one, elsewhere, as on
Windows, by `filelock`, through a file of its own, since a file that is locked there cannot be read.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout

from hrpose.storage.own_files import open_own, user_number

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CAN_SHARE = fcntl is not None
"""Whether several processes may hold one `SharedFolder`."""
_PATIENCE = 1.0  # seconds for somebody who looks whether a folder is left over
_POLL = 0.01  # seconds between two looks whether a lock is free, where the system cannot wait


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process, or thread, at a time gets in. `path` is there while somebody is in.

    Raises:
        OSError: the file system knows no locks, or `path` cannot be made.
    """
    if fcntl is None:
        with FileLock(path).acquire(poll_interval=_POLL):
            yield
        return
    while True:
        with open_own(path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file.fileno(), path):  # else removed by the one that was in
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return


class ProcessLock:
    """A lock on an open file, for this process alone: not for its children, however they start."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._beside = None if fcntl else FileLock(f"{file.name}.held", timeout=0)

    def take(self) -> bool:
        """Take or keep the lock; False where the file system knows none.

        Raises:
            BlockingIOError: another process has it.
        """
        try:
            if self._beside:
                self._beside.acquire()
            else:
                # not flock: a forked child would hold that one on for a while after a kill -9
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError, Timeout) as error:
            raise BlockingIOError(errno.EAGAIN, "in use", self._file.name) from error
        except (OSError, NotImplementedError):
            return False
        return True

    def close(self) -> None:
        """Close the file, which leaves it to others."""
        self._file.close()
        if self._beside:
            self._beside.release(force=True)


class SharedFolder:
    """A hold on the folder `folder`, which is removed by the last one that leaves it.

    Where locks can be shared, several processes may hold it, and children that are forked hold it
    with their parent; elsewhere one at a time can.

    Args:
        alone: only if nobody else holds it.

    Raises:
        PermissionError: another user has made it.
        OSError: it is not there, is a link, or is held by somebody else although it must not be.
    """

    def __init__(self, folder: Path, alone: bool = False) -> None:
        self._folder = folder
        if fcntl is None:
            self._lock = FileLock(folder / "held")
            try:
                self._lock.acquire(timeout=0 if alone else _PATIENCE)
            except Timeout as error:
                raise BlockingIOError(errno.EAGAIN, "in use", str(folder)) from error
            return
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(self._handle).st_uid != user_number():
                raise PermissionError(errno.EACCES, "it belongs to another user", str(folder))
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        except OSError:
            os.close(self._handle)
            raise

    def is_there(self) -> bool:
        """Whether the folder is the one that is held; another process may have just removed it."""
        return fcntl is None or _is_at(self._handle, self._folder)

    def leave(self) -> None:
        """Let go; removes the folder unless another process holds it. Own children do not count."""
        if fcntl is None:
            shutil.rmtree(self._folder, ignore_errors=True)  # all but the lock, which is open
            self._lock.release()
            with suppress(OSError):  # mapped by a worker that still ends: the next run's to remove
                self._folder.rmdir()
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self.is_there():
                shutil.rmtree(self._folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(self._handle)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file or folder `handle` is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
