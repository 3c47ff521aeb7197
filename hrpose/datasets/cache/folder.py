"""Folders that processes share: a lock, room on the disk, and a folder that ends with its run."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SHARED_MEMORY = Path("/dev/shm")
_RESERVE = 1e9  # bytes of a file system that are left to others, or a tenth of it if that is less


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time gets in; the lock of one that dies is free again."""
    with path.open("ab") as file:
        _lock(file.fileno())
        yield


def has_room(folder: Path, size: int) -> bool:
    """Whether `size` bytes fit on the file system of `folder` and leave something to others."""
    space = os.statvfs(folder)
    reserve = min(_RESERVE, space.f_blocks * space.f_frsize / 10)
    return space.f_bavail * space.f_frsize - size >= reserve


def temporary_folder(owner: object, limit: int) -> Path:
    """A folder that exists as long as `owner`, or one of another process of the same run.

    In shared memory, if `limit` bytes have room there, else where temporary files are. Folders that
    runs left behind when they were killed are removed first.
    """
    roomy = _SHARED_MEMORY.is_dir() and has_room(_SHARED_MEMORY, limit)
    base = _SHARED_MEMORY if roomy else Path(tempfile.gettempdir())
    prefix = f"hrpose-cache-{os.getuid()}-"
    run = str(os.getpid())
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:  # started together, by torchrun
        run = f"{os.getppid()}-{os.environ.get('MASTER_PORT')}"
    for other in base.glob(prefix + "*"):
        with suppress(OSError):
            _remove_unless_held(other, _open(other))
    folder = base / (prefix + run)
    weakref.finalize(owner, _let_go, folder, _hold(folder), os.getpid())
    return folder


def _hold(folder: Path) -> int:
    """Make `folder`, unless it is there, and hold a lock on it that ends with the process.

    Workers that are forked later hold the same lock.
    """
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        handle = _open(folder)
        if os.fstat(handle).st_uid != os.getuid():
            raise PermissionError(0, "it belongs to another user", str(folder))
        _lock(handle, shared=True)
        try:
            if folder.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        except FileNotFoundError:
            pass  # somebody has removed it between the two lines
        os.close(handle)


def _let_go(folder: Path, handle: int, process: int) -> None:
    if os.getpid() == process:  # not in a worker, where a copy of the owner may end earlier
        _remove_unless_held(folder, handle)


def _remove_unless_held(folder: Path, handle: int) -> None:
    """Closes `handle` of `folder`. A lock of its own is no hindrance, nor that of workers."""
    try:
        _lock(handle, wait=False)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _lock(handle: int, shared: bool = False, wait: bool = True) -> None:
    import fcntl  # not on Windows, where everything else works

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(handle, kind if wait else kind | fcntl.LOCK_NB)
