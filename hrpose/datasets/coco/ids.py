"""Ids of any kind: as an array where they are whole numbers, as most are, else one by one.

Legend: N entries of a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Any, TypeGuard

import numpy as np

from hrpose.datasets.faults.fault import Fault, Place
from hrpose.datasets.faults.kinds import fault

Ids = np.ndarray | list[Any]
"""(N,) int64, or what can be looked up."""


def ids_of(values: list[Any]) -> Ids:
    """The values of a key that names something."""
    if set(map(type, values)) <= {int}:
        try:
            return np.array(values, np.int64)
        except OverflowError:
            pass
    return [hashable(value) for value in values]


def join_ids(parts: Sequence[Ids]) -> Ids:
    """One behind the other."""
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if len(arrays) == len(parts):
        return np.concatenate([np.zeros(0, np.int64), *arrays])
    return list(chain.from_iterable(map(names_of, parts)))


def names_of(ids: Ids) -> list[Any]:
    """Each as in the file."""
    return ids.tolist() if isinstance(ids, np.ndarray) else ids


def _odd_ids(ids: Ids, least: int) -> list[Hashable] | None:
    """None if `ids` can stay as they are: whole numbers from `least` on that occur once. Else those
    that cannot, by which it is told why: first of all those that occur more often.
    """
    if isinstance(ids, np.ndarray):
        ordered = ids if (ids[1:] > ids[:-1]).all() else np.sort(ids)
        if (ordered[1:] != ordered[:-1]).all() and (ordered >= least).all():
            return None
    names = names_of(ids)
    if len(set(names)) == len(names) and all(is_whole(name) and name >= least for name in names):
        return None
    repeated = [name for name, count in Counter(names).items() if count > 1]
    return repeated or [name for name in names if not (is_whole(name) and name >= least)]


def whole_ids(what: str, ids: Ids, least: int, faults: list[Fault], where: str) -> np.ndarray:
    """`ids` if they are whole numbers from `least` on that occur once, else numbers from 1."""
    odd = _odd_ids(ids, least)
    if odd is None:
        return ids if isinstance(ids, np.ndarray) else np.array(ids, np.int64)
    names = names_of(ids)
    repeated = len(set(names)) < len(names)
    shown = ", ".join(f"{name!r:.60}" for name in odd[:5]) + (", ..." if len(odd) > 5 else "")
    kind = "no-id" if None in odd else "same-ids" if repeated else "ids"
    said = f"{what} ids are not unique whole numbers ({shown}): counted from 1, in file order"
    if kind == "ids":
        said += "; results have those of the file"
    bare = [f"number {place} of the list" for place, name in enumerate(names, 1) if name is None]
    named: list[Hashable] = [*bare] or odd
    places = [Place(name) if what == "image" else Place(None, name) for name in named]
    faults.append(fault(kind, said, where, places))
    return np.arange(1, len(names) + 1)


def first_repeated(ids: Ids) -> int:
    """Row of the first that has occurred before; the number of rows if none has."""
    if isinstance(ids, np.ndarray) and (ids[1:] > ids[:-1]).all():
        return len(ids)
    seen = set()
    for row, name in enumerate(names_of(ids)):
        if name in seen:
            return row
        seen.add(name)
    return len(ids)


def is_whole(name: Any) -> TypeGuard[int]:
    """Whether an id can stay as it is: a whole number that fits into 64 bits."""
    return type(name) is int and abs(name) < 2**63


def hashable(value: Any) -> Hashable:
    """An id as it is, or as text where it cannot be looked up."""
    if type(value) is int or type(value) is str:  # most are
        return value
    return value if isinstance(value, Hashable) else _Written(repr(value))


class _Written(str):
    """A list or an object that stands where an id should; shown as in the file."""

    def __repr__(self) -> str:
        return str(self)
