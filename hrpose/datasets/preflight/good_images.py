"""Which images were found to be good: one small file, so that the next look need not read them.

An image is known by its path, size and time of last change; a changed file is another image.
Only good ones are kept, so what is wrong is looked at again each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import cv2
import numpy as np

from hrpose.datasets.images import OPENCV_LIMITS
from hrpose.storage.own_files import cache_folder, open_own, own_folder
from hrpose.storage.whole_file import draft

_ROW = np.dtype([("key", "<u8"), ("width", "<u4"), ("height", "<u4"), ("swapped", "?")])
MOST = 1_000_000
"""Images that are kept, the newest; 17 bytes each."""


class GoodImage(NamedTuple):
    """Width and height in px as decoded; whether an EXIF orientation has exchanged the two."""

    width: int
    height: int
    swapped: bool


def good_images_path() -> Path:
    """In the user's cache folder."""
    return cache_folder() / "good_images.npy"


def image_key(path: str, stat: os.stat_result, decoded: bool) -> int:
    """64 bits that stand for `path` in this state, and for how it was looked at, with what."""
    how = f"{'decoded' if decoded else 'segments'}\0{cv2.__version__}\0{OPENCV_LIMITS}"
    text = f"{Path(path).absolute()}\0{stat.st_mtime_ns}\0{stat.st_size}\0{how}"
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def read_good_images(path: Path) -> dict[int, GoodImage]:
    """What `path` holds, oldest first; nothing where it is missing, broken or not the user's."""
    try:
        own_folder(path.parent)
        with open_own(path, "rb") as file:
            rows = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile):
        return {}
    if not isinstance(rows, np.ndarray) or rows.dtype != _ROW or rows.ndim != 1:
        return {}
    return {key: GoodImage(*good) for key, *good in rows.tolist()}


def write_good_images(path: Path, known: Mapping[int, GoodImage]) -> None:
    """Replace `path` whole by the newest of `known`, if it can be written."""
    newest = list(known.items())[-MOST:]
    rows = np.array([(key, *good) for key, good in newest], dtype=_ROW)
    with contextlib.suppress(OSError):
        own_folder(path.parent)
        with draft(path) as file:
            np.save(file, rows, allow_pickle=False)
