"""One run per directory: a lock that the system takes back however the process ends."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from hrpose.errors import RunError

LOCK = ".lock"


@contextmanager
def locked(work_dir: Path) -> Iterator[None]:
    """Hold the run directory `work_dir`, which is made if need be.

    Raises:
        RunError: another process holds it, or it cannot be made or written to.
    """
    path = work_dir / LOCK
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"{work_dir}: cannot write there ({error.strerror}); choose another folder with "
            "--work-dir"
        ) from error
    with file:
        try:
            # not flock: a forked loader worker would hold that one on for a while after a kill -9
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise RunError(
                f"{work_dir} is in use by {holder}; wait for that run, stop it, or choose another "
                "folder with --work-dir"
            ) from None
        except OSError:  # a file system without locks: better to train than to refuse
            yield
            return
        file.truncate(0)
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {started}\n")
        file.flush()
        yield
