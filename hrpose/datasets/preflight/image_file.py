"""The look at one image file: what size its image has, or why it cannot be used."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Semaphore

from hrpose.datasets.images import MENDING, decode_image, read_file
from hrpose.datasets.preflight.good_images import GoodImage, image_key
from hrpose.datasets.preflight.image_header import parse_header
from hrpose.datasets.preflight.jpeg import jpeg_decodes
from hrpose.errors import DataError

_DECODERS = Semaphore(os.cpu_count() or 1)  # more threads would only hold more images in memory


@dataclass(frozen=True)
class ImageFile:
    """What a look found: `good` with its `key` among the good images, or else `why` it is not."""

    why: str | None = None
    good: GoodImage | None = None
    key: int = 0


def look_at_file(path: str, full: bool, known: Mapping[int, GoodImage]) -> ImageFile:
    """What the file `path` is; `known` are images that were good when they were last looked at.

    What is good here is decoded by `read_image` to that size: a JPEG file is known to be by its
    segments, all others are decoded.

    Args:
        full: decode JPEG files too.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - making a Path costs as much again
    except FileNotFoundError:
        return ImageFile(f"no such image{_proposal(path)}")
    except (OSError, ValueError) as error:
        return ImageFile(f"cannot be read ({error})")
    if not stat.S_ISREG(status.st_mode):
        return ImageFile("is not a file")
    if not status.st_size:
        return ImageFile("the file is empty")
    for decoded in (True,) if full else (False, True):
        key = image_key(path, status, decoded)
        if key in known:
            return ImageFile(good=known[key], key=key)
    try:
        data = read_file(path)
        header = parse_header(data)
        decoded = full or header is None or not jpeg_decodes(data, header)
        if decoded or header is None:
            with _DECODERS:
                height, width = decode_image(data, path).shape[:2]
            good = GoodImage(width, height, header is not None and header.swapped)
        else:
            good = GoodImage(*header.shown, header.swapped)
    except DataError as error:
        return ImageFile(str(error).removeprefix(f"{path}: ").removesuffix(f"; {MENDING}"))
    return ImageFile(good=good, key=image_key(path, status, decoded))


@lru_cache(maxsize=4096)
def _names(folder: str) -> dict[str, str]:
    """Names in `folder` by what is left of them without case and composition of letters."""
    try:
        return {_plain(path.name): path.name for path in Path(folder).iterdir()}
    except OSError:
        return {}


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _proposal(path: str) -> str:
    """The file that is probably meant by `path`, which does not exist: other case or ending."""
    whole = Path(path)
    there = Path(whole.anchor)
    for part in whole.parts[1 if whole.anchor else 0 :]:
        if (there / part).exists():
            there /= part
            continue
        known = _names(str(there))
        name = known.get(_plain(part))
        if name is None and part == whole.name:
            stem = _plain(whole.stem)
            name = next((known[k] for k in known if k.rpartition(".")[0] == stem), None)
            return f"; there is {there / name}" if name else ""
        if name is None:
            return f"; there is no {there / part}"
        there /= name
    return f"; there is {there}: names that differ in case or spelling are different files"
