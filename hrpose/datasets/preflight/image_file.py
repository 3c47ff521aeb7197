"""The look at one image file: what size its image has, or why it cannot be used."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from hrpose.datasets.images import MENDING, is_cut_off, read_image
from hrpose.datasets.preflight.good_images import Good, key_of
from hrpose.datasets.preflight.image_header import (
    HEAD,
    TAIL,
    Header,
    MoreNeeded,
    may_be_cut_off,
    parse_header,
)
from hrpose.errors import DataError


@dataclass(frozen=True)
class Found:
    """What a look found: `good` with its `key` for the cache, or else `why` it is not."""

    why: str | None = None
    good: Good | None = None
    key: int = 0


def look_at(path: str, full: bool, known: Mapping[int, Good]) -> Found:
    """What the file `path` is; `known` are images that were good when they were last looked at.

    Args:
        full: decode the whole image, instead of reading where it starts and how it ends.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - making a Path costs as much again
    except FileNotFoundError:
        return Found(f"no such image{_proposal(path)}")
    except (OSError, ValueError) as error:
        return Found(f"cannot be read ({error})")
    if not stat.S_ISREG(status.st_mode):
        return Found("is not a file")
    if not status.st_size:
        return Found("the file is empty")
    keys = [key_of(path, status, closely) for closely in ((True,) if full else (False, True))]
    for key in keys:
        if key in known:
            return Found(good=known[key], key=key)
    try:
        header = _header(path, status.st_size)
        if full or header is None:
            height, width = read_image(path).shape[:2]
            good = (width, height, header is not None and header.swapped)
        else:
            good = (*header.shown, header.swapped)
    except DataError as error:
        return Found(str(error).removeprefix(f"{path}: ").removesuffix(f"; {MENDING}"))
    except OSError as error:
        return Found(f"cannot be read ({error.strerror})")
    return Found(good=good, key=keys[0])


def _header(path: str, length: int) -> Header | None:
    """The header of a whole image; None where only decoding can tell."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - making a Path costs as much again
        head = file.read(HEAD)
        tail = head[-TAIL:] if length <= len(head) else _tail(file, length)
        while True:
            try:
                header = parse_header(head, tail)
                break
            except MoreNeeded:
                file.seek(len(head))
                more = file.read(16 * HEAD)
                if not more:
                    return None
                head += more
        if header is not None and may_be_cut_off(head, tail, length):
            file.seek(0)
            return None if is_cut_off(file.read()) else header
        return header


def _tail(file: BinaryIO, length: int) -> bytes:
    file.seek(max(HEAD, length - TAIL))
    return file.read(TAIL)


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
