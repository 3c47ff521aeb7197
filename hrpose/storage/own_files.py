"""Folders and files that nobody else can have put there: whose they are, who may write to them.

What hrpose keeps between runs has names that can be guessed. Where anybody may make files, as in
the system's directory for temporary ones, somebody else could put a folder or a link under such a
name, and hrpose would write where that leads to, or believe what it finds. So every cache is opened
through this module. Where the system has no owners of files, as on Windows, it checks links only;
there each user has a directory for temporary files.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

_user: Callable[[], int] | None = getattr(os, "getuid", None)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for somebody at the other end of a named pipe
_ROOT = 0


def cache_folder() -> Path:
    """$HRPOSE_CACHE, or else ~/.cache/hrpose; for a user without a home, as in containers, a
    folder among the temporary files.
    """
    try:
        return Path(os.environ.get("HRPOSE_CACHE") or "~/.cache/hrpose").expanduser()
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"hrpose-{user_number()}"


def user_number() -> int:
    """The number of this user, for names among those of others; 0 where users have none."""
    return _user() if _user else 0


def own_folder(folder: Path) -> Path:
    """`folder`, made if need be; nobody who is not meant to can have put anything there.

    Below a folder that anybody may write to, every folder on the way must belong to this user or to
    root. A named folder elsewhere is trusted to whoever its owner lets write there.

    Raises:
        OSError: it cannot be made.
        PermissionError: somebody else has made it or may write to it.
    """
    _require_own(folder)  # before anything is made in it
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_own(folder)
    return folder


def open_own(path: Path, mode: str) -> IO[Any]:
    """Open a file of such a folder, without following a link, if it is a plain file.

    Raises:
        OSError: it is a link, a pipe or a device, of another user, or cannot be opened.
    """
    return open(path, mode, opener=_open_plain)


def _open_plain(name: str, flags: int) -> int:
    if not _NO_LINK and Path(name).is_symlink():
        raise OSError(errno.ELOOP, "it is a link", name)
    handle = os.open(name, flags | _NO_LINK | _NO_WAIT, 0o666)
    state = os.fstat(handle)
    if stat.S_ISREG(state.st_mode) and not _is_open_to_all(state):
        return handle
    os.close(handle)
    why = "anybody may write to it" if stat.S_ISREG(state.st_mode) else "it is not a plain file"
    raise PermissionError(errno.EACCES, why, name)


def _require_own(folder: Path) -> None:
    """PermissionError unless `folder`, as far as it is there, is safe from others."""
    if not _user:
        return
    here = Path(folder.absolute().anchor)
    state = here.stat()
    for name in folder.absolute().parts[1:]:
        below_all, here = _is_open_to_all(state), here / name
        try:
            state = here.lstat()
        except (FileNotFoundError, NotADirectoryError):  # which `mkdir` sees to
            return
        if below_all and state.st_uid not in (_user(), _ROOT):
            raise PermissionError(errno.EACCES, "it belongs to another user", str(here))
        if stat.S_ISLNK(state.st_mode):
            here = here.resolve()
            _require_own(here)
            state = here.stat()
        elif below_all and _is_open(state) and not state.st_mode & stat.S_ISVTX:
            raise PermissionError(errno.EACCES, "anybody may write to it", str(here))
    if _is_open_to_all(state):
        raise PermissionError(errno.EACCES, "anybody may write to it", str(here))


def _is_open_to_all(state: os.stat_result) -> bool:
    """Whether others than this user and root are meant to make files there, as in /tmp.

    A folder of the user's own without the sticky bit is not: mounts of other systems' disks show
    all folders so.
    """
    own = _user is not None and state.st_uid == _user()
    return _is_open(state) and (bool(state.st_mode & stat.S_ISVTX) or not own)


def _is_open(state: os.stat_result) -> bool:
    return _user is not None and bool(state.st_mode & stat.S_IWOTH)
