"""HDF5 tables of pandas as data: PyTables keeps names in pickles, and a pickle may run code."""

from __future__ import annotations

import io
import pickle
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from hrpose.errors import DataError
from hrpose.storage.plain_arrays import STAND_INS, NotPlainError, with_arrays

MAGIC = b"\x89HDF\r\n\x1a\n"
"""The first bytes of each HDF5 file."""
_NAMES = {name: stand_in for stand_in, name in STAND_INS}


@contextmanager
def plain_pickles(path: Path) -> Iterator[None]:
    """Within it, PyTables unpickles texts, numbers and their lists, and nothing else.

    Raises:
        DataError: the file `path`, which is for the message, holds another Python object; nothing
            in it was run.
    """
    import tables.atom
    import tables.attributeset

    refused = []

    def loads(data: bytes, **options: Any) -> Any:
        try:
            return with_arrays(_Plain(io.BytesIO(data), **options).load())
        except NotPlainError as error:
            refused.append(str(error))  # PyTables hands out the bytes instead
            raise

    ours = types.SimpleNamespace(**vars(pickle) | {"loads": loads})
    with (
        mock.patch.object(tables.attributeset, "pickle", ours),
        mock.patch.object(tables.atom, "pickle", ours),
    ):
        try:
            yield
        finally:
            if refused:
                raise DataError(
                    f"{path}: holds a Python object ({refused[0]}), and reading one could run "
                    "code; take the csv of the same table"
                ) from None


class _Plain(pickle.Unpickler):
    """Knows the names of NumPy's numbers and arrays, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name of NumPy's."""
        try:
            return _NAMES[f"{module}.{name}"]
        except KeyError:
            raise NotPlainError(f"{module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        """None is plain."""
        raise NotPlainError("a persistent object")
