"""Room on a disk, and a folder that ends with its run."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from itertools import count
from pathlib import Path

from hrpose.storage.locks import CAN_SHARE, SharedFolder
from hrpose.storage.own_files import own_folder, user_number

_SHARED_MEMORY = Path("/dev/shm")
_RESERVE = 1e9  # bytes of a file system that are left to others, or a tenth of it if that is less
_numbers = count()


def has_room(folder: Path, size: int) -> bool:
    """Whether `size` bytes fit on the file system of `folder` and leave something to others."""
    space = shutil.disk_usage(folder)
    return space.free - size >= min(_RESERVE, space.total / 10)


def of_several() -> bool:
    """Whether this process was started as one of several, by torchrun."""
    return os.environ.get("WORLD_SIZE", "") not in ("", "0", "1")


def temporary_folder(owner: object, limit: int) -> Path:
    """A folder that exists as long as `owner`, or one of another process of the same run.

    In shared memory, if `limit` bytes have room there, else where temporary files are. Folders that
    runs left behind when they were killed are removed first.
    """
    roomy = _SHARED_MEMORY.is_dir() and has_room(_SHARED_MEMORY, limit)
    base = _SHARED_MEMORY if roomy else Path(tempfile.gettempdir())
    prefix = f"hrpose-cache-{user_number()}-"
    run = str(os.getpid())
    if not CAN_SHARE:
        run = f"{run}-{next(_numbers)}"
    elif of_several():
        run = f"{os.getppid()}-{os.environ.get('MASTER_PORT')}"
    for other in base.glob(prefix + "*"):
        with suppress(OSError):  # held, or of another user
            SharedFolder(other, alone=True).leave()
    folder = base / (prefix + run)
    weakref.finalize(owner, _leave, _hold(folder), os.getpid())
    return folder


def _hold(folder: Path) -> SharedFolder:
    """Make `folder`, unless it is there, and hold it."""
    while True:
        held = SharedFolder(own_folder(folder))
        if held.is_there():
            return held
        held.leave()


def _leave(held: SharedFolder, process: int) -> None:
    if os.getpid() == process:  # not in a worker, where a copy of the owner may end earlier
        held.leave()
