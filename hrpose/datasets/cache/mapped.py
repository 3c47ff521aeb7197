"""What one process has made and others of this machine map: its arrays are in memory once.

A file holds the pickled object and, behind it, the bytes of its arrays. It lies in a folder of this
user alone, and no longer than the run.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import pickle
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from hrpose.datasets.cache.folder import of_several, temporary_folder
from hrpose.storage.locks import CAN_SHARE, locked
from hrpose.storage.own_files import open_own

Made = TypeVar("Made")
_ALIGNED = 64  # bytes; arrays begin at multiples of it
_numbers = count()
_sent: WeakKeyDictionary[Any, Path] = WeakKeyDictionary()


def once_a_machine(owner: object, name: str, size: int, make: Callable[[], Made]) -> Made:
    """What `make` makes. Of the processes of a run on this machine the first makes it, and all map
    what it has written; one that is alone, or finds no room, has its own.

    An error is each process's own too: what the first could not make the next tries to.

    Args:
        owner: the file is kept as long as one of these lives, in any of the processes.
        name: tells all that it is made from.
        size: bytes that it is likely to take.
    """
    if not (CAN_SHARE and of_several()):
        return make()
    try:
        folder = temporary_folder(owner, size)
    except OSError:
        return make()
    path = folder / hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    with locked(path.with_suffix(".lock")):
        if path.exists():
            return read(path)
        made = make()
        try:
            write(path, _taken_apart(made))
            return read(path)  # so that this process, too, has no copy of its own
        except OSError:
            return made


def by_file(value: Any) -> Any:
    """How `value` travels to a spawned process, for `ForkingPickler.register`: as a file, which is
    kept as long as `value`, or whole where there is no room for one.
    """
    try:
        if value not in _sent:
            parts = _taken_apart(value)
            folder = temporary_folder(value, sum(map(len, parts.blocks)))
            path = folder / f"sent-{os.getpid()}-{next(_numbers)}"
            write(path, parts)
            _sent[value] = path
    except OSError:
        return value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    return read, (_sent[value],)


class _Parts(NamedTuple):
    """An object, taken apart."""

    head: bytes
    """Pickled, without the bytes of its arrays."""
    order: list[int]
    """The block of each array; two arrays of the same bytes have one."""
    blocks: list[memoryview]


def _taken_apart(value: Any) -> _Parts:
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, pickle.HIGHEST_PROTOCOL, buffer_callback=buffers.append)
    order: list[int] = []
    blocks: list[memoryview] = []
    known: dict[tuple[int, int], int] = {}
    for view in (buffer.raw() for buffer in buffers):
        address = np.asarray(view).__array_interface__["data"][0]
        order.append(known.setdefault((address, len(view)), len(blocks)))
        if order[-1] == len(blocks):
            blocks.append(view)
    return _Parts(head, order, blocks)


def write(path: Path, parts: _Parts) -> None:
    """Make the file `path`; it is there once it is whole.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.with_suffix(".tmp")
    index = pickle.dumps((parts.head, parts.order, list(map(len, parts.blocks))))
    try:
        with open_own(draft, "wb") as file:
            file.write(len(index).to_bytes(8, "little"))
            for block in (index, *parts.blocks):
                file.write(block)
                file.seek(_aligned(file.tell()))
            file.truncate()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> Any:
    """The object in the file `path`. Its arrays are those of the file until they are written to,
    which no other process sees.

    Raises:
        OSError: it cannot be opened or mapped.
    """
    with open_own(path, "rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    end = 8 + int.from_bytes(whole[:8], "little")
    head, order, sizes = pickle.loads(whole[8:end])
    blocks = []
    for size in sizes:
        start = _aligned(end)
        end = start + size
        blocks.append(whole[start:end])
    return pickle.loads(head, buffers=[blocks[number] for number in order])


def _aligned(place: int) -> int:
    return -(-place // _ALIGNED) * _ALIGNED
