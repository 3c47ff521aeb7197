"""Which images were found to be good: one small file, so that the next check need not read them.

An image is known by its path, size and time of last change; a changed file is another image.
Only good ones are kept, so what is wrong is looked at again each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from hrpose.storage.own_files import cache_folder, open_own, own_folder
from hrpose.storage.whole_file import draft

_ROW = np.dtype([("key", "<u8"), ("width", "<u4"), ("height", "<u4"), ("swapped", "?")])
MOST = 1_000_000
"""Images that are kept, the newest; 17 bytes each."""

Good = tuple[int, int, bool]
"""Width and height in px as decoded; whether an EXIF orientation has exchanged the two."""


def cache_file() -> Path:
    """In the user's cache folder."""
    return cache_folder() / "good_images.npy"


def key_of(path: str, stat: os.stat_result, full: bool) -> int:
    """64 bits that stand for `path` in this state, and for how closely it was looked at."""
    text = f"{Path(path).absolute()}\0{stat.st_mtime_ns}\0{stat.st_size}\0{full}"
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def read_cache(path: Path) -> dict[int, Good]:
    """What `path` holds, oldest first; nothing where it is missing, broken or not the user's."""
    try:
        own_folder(path.parent)
        with open_own(path, "rb") as file:
            rows = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile):
        return {}
    if not isinstance(rows, np.ndarray) or rows.dtype != _ROW or rows.ndim != 1:
        return {}
    return {key: (width, height, swapped) for key, width, height, swapped in rows.tolist()}


def write_cache(path: Path, known: Mapping[int, Good]) -> None:
    """Replace `path` whole by the newest of `known`, if it can be written."""
    newest = list(known.items())[-MOST:]
    rows = np.array([(key, *good) for key, good in newest], dtype=_ROW)
    with contextlib.suppress(OSError):
        own_folder(path.parent)
        with draft(path) as file:
            np.save(file, rows, allow_pickle=False)
