"""Files from http(s) addresses: cached, resumed after a break, checked, whole or not at all."""

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from tqdm import tqdm

from hrpose.errors import CheckpointError
from hrpose.storage.files import cache_folder

ORIGIN = "https://download.openmmlab.com"
"""The host of the published files; $HRPOSE_MIRROR names another that has them under its paths."""

CHUNK = 1 << 20
TRIES = 5
PAUSE = 2.0  # seconds between tries
HASHED_NAME = re.compile(r"-(?!20\d{6}\.)([0-9a-f]{8})(_\d{8})?\.pth$")
"""A name that ends in the first 8 hex digits of its file's sha256, and maybe a date."""


def fetch(source: str | Path, cache_dir: str | Path | None = None) -> Path:
    """The local file of a path or of an http(s) address, downloaded unless it is in the cache.

    A cached file under a hashed name is checked each time, and replaced if it is damaged. Under
    such a name a download that broke off is gone on with; others start anew, as nothing could tell
    whether the two pieces belong together.

    Args:
        cache_dir: None means $HRPOSE_CACHE, or else ~/.cache/hrpose.
    """
    url = str(source)
    if not url.startswith(("http://", "https://")):
        path = Path(source).expanduser()
        if not path.is_file():
            problem = "is a folder, not a checkpoint" if path.is_dir() else "no such checkpoint"
            raise CheckpointError(f"{path}: {problem}")
        return path
    name = Path(unquote(urlsplit(url).path)).name
    if not name:
        raise CheckpointError(f"{url}: this address names no file")
    folder = Path(cache_dir).expanduser() if cache_dir else cache_folder()
    if folder is None:
        raise CheckpointError(f"{url}: there is no home folder to keep it in; set HRPOSE_CACHE")
    digest = promised_digest(name)
    if not digest:  # such a name says nothing of its content: two addresses may share it
        folder /= hashlib.sha256(url.encode()).hexdigest()[:8]
    path, address = folder / name, mirrored(url)
    try:
        if not _is_whole(path, digest):
            folder.mkdir(parents=True, exist_ok=True)
            _download(address, path, digest)
    except (OSError, HTTPException, ValueError) as error:
        raise CheckpointError(f"{address}: could not be downloaded to {folder}: {error}") from error
    return path


def promised_digest(name: str) -> str:
    """The first 8 hex digits of a file's sha256, as its name has them; '' where it has none."""
    found = HASHED_NAME.search(name)
    return found[1] if found else ""


def mirrored(url: str) -> str:
    """The address to ask for `url`: with the host of $HRPOSE_MIRROR in place of `ORIGIN`."""
    mirror = os.environ.get("HRPOSE_MIRROR", "").rstrip("/")
    ours = mirror and url.startswith(f"{ORIGIN}/")
    return mirror + url.removeprefix(ORIGIN) if ours else url


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and (not digest or file_digest(path).startswith(digest))


def _download(url: str, path: Path, digest: str) -> None:
    """Bring `url` to `path`, which appears only once it is whole and its sha256 starts right."""
    part = path.with_name(f".{path.name}.part")
    with _alone(part) as file:
        if _is_whole(path, digest):  # another process has brought it while this one waited
            part.unlink()
            return
        try:
            _receive_all(url, file, resume=bool(digest))
            file.flush()
            got = file_digest(part)[: len(digest)]
            if got != digest:
                file.truncate(0)
                raise OSError(
                    f"its sha256 starts with {got}, its name promises {digest}: damaged on "
                    "the way, or replaced; if you trust it, give the path of your own copy"
                )
        except BaseException:
            file.flush()
            if not digest or not part.stat().st_size:
                part.unlink()
            raise
        part.replace(path)


@contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """`part`, open to append; other processes that bring the same file wait for this one."""
    while True:
        with part.open("ab") as file:
            with suppress(OSError):  # some network file systems know no locks
                fcntl.flock(file, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(file.fileno()), part.stat())
            except FileNotFoundError:  # renamed or removed by the process that had the lock
                same = False
            if same:
                yield file
                return


def _receive_all(url: str, file: BinaryIO, resume: bool) -> None:
    """Fill `file` with all of `url`; after a break go on, as long as each try brings something."""
    if not resume:
        file.truncate(0)
    for left in reversed(range(TRIES)):
        before = file.seek(0, os.SEEK_END)
        try:
            _receive(url, file)
            return
        except (OSError, HTTPException) as error:
            kept = file.tell()
            progress = kept > before and not isinstance(error, HTTPError)
            if not (resume and progress and left):
                advice = (
                    f"; {kept:,} bytes are kept: call again to go on" if resume and kept else ""
                )
                raise OSError(f"{error}{advice}") from error
        time.sleep(PAUSE)


def _receive(url: str, file: BinaryIO) -> None:
    """Append to `file` what `url` has more; all of it where the server sends no parts."""
    start = file.tell()
    headers = {"User-Agent": "hrpose", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        response = urlopen(Request(url, headers=headers), timeout=30)
    except HTTPError as error:
        if error.code == 416:  # nothing comes after `start`: the sha256 says whether that is all
            return
        raise
    with response:
        if response.status != 206:
            start = file.seek(0)
            file.truncate()
        size = start + int(response.headers.get("Content-Length") or 0)
        name = Path(unquote(urlsplit(url).path)).name
        with tqdm(
            initial=start, total=size, unit="B", unit_scale=True, desc=name, disable=None
        ) as bar:
            while block := response.read(CHUNK):
                file.write(block)
                bar.update(len(block))
        if size > start and file.tell() != size:
            raise OSError(f"broke off after {file.tell():,} of {size:,} bytes")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()
