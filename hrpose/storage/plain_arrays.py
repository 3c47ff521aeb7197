"""NumPy's numbers and arrays in a checkpoint, rebuilt as data: other programs keep some in `meta`.
Objects of MMEngine, which stand there too, are passed over.

NumPy's own functions must not do it: the state of a pickled `dtype` can declare bytes to be
addresses of Python objects, and whoever looks at such an array runs what stands there. Here a few
stand-ins take the places of NumPy's names; they take numbers and texts, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

_CODE = re.compile(r"[biufc]\d{1,2}|[SU]\d{1,6}")


class NotPlainError(Exception):
    """Something that NumPy could rebuild, and that is more than numbers."""


class _DType:
    """Stands for numpy.dtype."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise NotPlainError(f"numpy.dtype {str(code)[:40]!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _, order, *structure = state
        if any(part is not None for part in structure[:3]) or order not in ("<", ">", "|", "="):
            raise NotPlainError("numpy.dtype with fields")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for numpy.ndarray."""

    def __init__(self, *_: Any) -> None:
        self.array = np.zeros(0)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, data = state
        if not isinstance(data, bytes):
            raise NotPlainError("numpy.ndarray of Python objects")
        flat = np.frombuffer(data, _dtype(kind)) if data else np.zeros(0, _dtype(kind))
        self.array = flat.reshape(shape, order="F" if fortran else "C").copy()


def _reconstruct(kind: Any, *_: Any) -> _Array:
    """Stands for NumPy's function of that name: an array that gets its state later."""
    if kind is not _Array:
        raise NotPlainError("a kind of numpy.ndarray")
    return _Array()


def _scalar(kind: Any, data: Any = b"") -> Any:
    """Stands for NumPy's function `scalar`."""
    if not isinstance(data, bytes):
        raise NotPlainError("numpy scalar of a Python object")
    return np.frombuffer(data, _dtype(kind), 1)[0]


def _no_bytes(*content: Any) -> bytes:
    """Stands for `bytes`, which the data of an empty array are made with."""
    if content:
        raise NotPlainError("bytes")
    return b""


def _dtype(kind: Any) -> np.dtype:
    if type(kind) is not _DType:
        raise NotPlainError("numpy.ndarray without a dtype")
    return kind.dtype


STAND_INS: list[Any] = [
    (_DType, "numpy.dtype"),
    (_Array, "numpy.ndarray"),
    (_no_bytes, "builtins.bytes"),
    *((_reconstruct, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
    *((_scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
]
"""For `torch.serialization.safe_globals`; names of NumPy 1 and of NumPy 2."""


class _PassedOver(dict[Any, Any]):
    """Stands for any class of MMEngine: takes whatever it is made of, and does nothing with it."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        pass


def _attribute(*_: Any) -> _PassedOver:
    """Stands for `getattr`, by which methods of MMEngine's classes are named."""
    return _PassedOver()


def passing_over(names: Iterable[str]) -> list[Any]:
    """What else goes to `safe_globals` for a checkpoint that names the classes `names`: MMPose 1.x
    writes its logs and its config beside the weights, as objects of MMEngine.
    """
    theirs = [(_PassedOver, name) for name in names if name.startswith("mmengine.")]
    return [*theirs, (_attribute, "builtins.getattr")] if theirs else []


def with_arrays(value: Any) -> Any:
    """`value`, read with `STAND_INS`, with arrays in their places; dicts and lists are changed."""
    done: dict[int, Any] = {}

    def put(item: Any) -> Any:
        if isinstance(item, _Array):
            return item.array
        if isinstance(item, _DType):
            return item.dtype
        if not isinstance(item, dict | list | tuple):
            return item
        if id(item) not in done:
            done[id(item)] = item  # before its parts: it may hold itself
            if isinstance(item, tuple):
                parts = tuple(put(part) for part in item)
                if any(new is not old for new, old in zip(parts, item, strict=True)):
                    done[id(item)] = parts
            else:
                for key in item if isinstance(item, dict) else range(len(item)):
                    item[key] = put(item[key])
        return done[id(item)]

    return put(value)
