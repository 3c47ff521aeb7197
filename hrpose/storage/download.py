"""Files from http(s) addresses: cached, resumed after a break, checked, whole or not at all."""

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from hrpose.errors import CheckpointError, say
from hrpose.storage.addresses import HIDDEN, is_address, mirrored, open_address, scrubbed, shown
from hrpose.storage.digests import CHUNK, file_digest, promised_digest
from hrpose.storage.locks import locked
from hrpose.storage.own_files import cache_folder, open_own, own_folder

TRIES = 5
PAUSE = 2.0  # seconds between tries

Warn = Callable[[str], None]


def _say_warning(message: str) -> None:
    say(f"warning: {message}")


def fetch(
    source: str | Path, cache_dir: str | Path | None = None, warn: Warn = _say_warning
) -> Path:
    """The local file of a path or of an http(s) address, downloaded unless it is in the cache.

    A cached file under a hashed name is checked each time, and replaced if it is damaged. Under
    such a name a download that broke off is gone on with; others start anew, as nothing could tell
    whether the two pieces belong together.

    Args:
        cache_dir: None means $HRPOSE_CACHE, or else ~/.cache/hrpose.
        warn: is told of a download of which nothing says whether it is whole.
    """
    url = str(source)
    if not is_address(url):
        path = Path(source).expanduser()
        if not path.is_file():
            problem = "is a folder, not a checkpoint" if path.is_dir() else "no such checkpoint"
            raise CheckpointError(f"{shown(url) if '://' in url else path}: {problem}")
        return path
    try:
        name = Path(unquote(urlsplit(url).path)).name
    except ValueError as error:
        raise CheckpointError(f"{shown(url)}: is no address: {error}") from None
    if name in ("", "..") or not name.isprintable():
        raise CheckpointError(f"{shown(url)}: this address names no file")
    if HIDDEN in url:
        raise CheckpointError(
            f"{url}: {HIDDEN} stands for a secret that is kept nowhere; give the whole address"
        )
    folder = Path(cache_dir).expanduser() if cache_dir else cache_folder()
    digest = promised_digest(name)
    if not digest:  # such a name says nothing of its content: two addresses may share it
        folder /= hashlib.sha256(url.encode()).hexdigest()[:8]
    path, address = folder / name, mirrored(url)
    try:
        own_folder(folder)
    except OSError as error:
        raise CheckpointError(
            f"{shown(url)}: could not be downloaded to {folder}: {error.strerror} "
            f"({error.filename}); set HRPOSE_CACHE to a folder of your own"
        ) from error
    try:
        if not _is_whole(path, digest):
            _download(address, path, digest, warn)
    except (OSError, HTTPException, ValueError) as error:
        why = scrubbed(str(error), address)  # and not `from error`, whose own text hides nothing
        raise CheckpointError(
            f"{shown(address)}: could not be downloaded to {folder}: {why}"
        ) from None
    return path


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and (not digest or file_digest(path).startswith(digest))


def _download(url: str, path: Path, digest: str, warn: Warn) -> None:
    """Bring `url` to `path`, which appears only once it is whole and its sha256 starts right."""
    part = path.with_name(f".{path.name}.part")
    with ExitStack() as stack:
        with suppress(OSError):  # some network file systems know no locks
            stack.enter_context(locked(path.with_name(f".{path.name}.lock")))
        if _is_whole(path, digest):  # another process has brought it while this one waited
            part.unlink(missing_ok=True)
            return
        try:
            with open_own(part, "ab") as file:
                promised = _receive_all(url, file, resume=bool(digest))
            got = file_digest(part)[: len(digest)]
            if got != digest:
                part.unlink()
                raise OSError(
                    f"its sha256 starts with {got}, its name promises {digest}: damaged on "
                    "the way, or replaced; if you trust it, give the path of your own copy"
                )
        except BaseException:
            if part.is_file() and not (digest and part.stat().st_size):
                part.unlink()
            raise
        if not (digest or promised):
            warn(
                f"{shown(url)} came without a length, and its name promises no hash: nothing tells "
                f"whether {path} is whole; compare its sha256, {file_digest(part)}"
            )
        part.replace(path)


def _receive_all(url: str, file: IO[bytes], resume: bool) -> bool:
    """Fill `file` with all of `url`; after a break go on, as long as each try brings something.

    Returns whether the server has said how long it is.
    """
    if not resume:
        file.truncate(0)
    for left in reversed(range(TRIES)):
        before = file.seek(0, os.SEEK_END)
        try:
            return _receive(url, file)
        except (OSError, HTTPException) as error:
            kept = file.tell()
            progress = kept > before and not isinstance(error, HTTPError)
            if not (resume and progress and left):
                advice = (
                    f"; {kept:,} bytes are kept: call again to go on" if resume and kept else ""
                )
                raise OSError(f"{error}{advice}") from error
        time.sleep(PAUSE)
    raise AssertionError("the last try returns or raises")


def _receive(url: str, file: IO[bytes]) -> bool:
    """Append to `file` what `url` has more; all of it where the server sends no parts.

    Returns whether the server has said how long it is.
    """
    start = file.tell()
    try:
        response = open_address(url, start)
    except HTTPError as error:
        if error.code == 416:  # nothing comes after `start`: the sha256 says whether that is all
            return True
        raise
    with response:
        if response.status != 206:
            start = file.seek(0)
            file.truncate()
        elif not start:
            raise HTTPException("the server sent a part although all was asked for")
        length = response.headers.get("Content-Length")
        size = start + int(length or 0)
        name = Path(unquote(urlsplit(url).path)).name
        with tqdm(
            initial=start, total=size, unit="B", unit_scale=True, desc=name, disable=None
        ) as bar:
            while block := response.read(CHUNK):
                file.write(block)
                bar.update(len(block))
        if length is not None and file.tell() != size:
            raise OSError(f"broke off after {file.tell():,} of {size:,} bytes")
    return length is not None
