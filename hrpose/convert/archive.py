"""Archives unpacked safely: files and folders only, below the folder, and no more than fits."""

from __future__ import annotations

import shutil
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hrpose.convert.images import safe_name
from hrpose.errors import DataError, RunError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
LARGEST_RATIO = 100
"""Of what is unpacked to the archive: text shrinks to a tenth, bombs to a thousandth."""
FREE_OF_RATIO = 1 << 26
"""Bytes that any archive may hold."""
MOST_FILES = 2_000_000
_PIECE = 1 << 20


@contextmanager
def unpacked(source: Path, beside: Path) -> Iterator[Path]:
    """`source`; or, where it is an archive, a folder with its content that is gone afterwards.

    Args:
        beside: the folder is made in the same folder as this, so that its images can be linked.

    Raises:
        DataError: the archive is broken, too large, or holds a link or a path that leads outside.
        RunError: there is no room for its content.
    """
    if not source.is_file() or not source.name.lower().endswith(SUFFIXES):
        yield source
        return
    beside.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=beside.absolute().parent) as name:
        try:
            _unpack(source, Path(name))
        except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
            raise DataError(f"{source}: is no whole archive ({error}); fetch it again") from None
        except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, a method
            raise DataError(f"{source}: cannot be unpacked ({error})") from None
        except OSError as error:
            raise RunError(f"{source}: cannot be unpacked ({error})") from None
        yield _inner(Path(name))


def _unpack(source: Path, folder: Path) -> None:
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            _check_sum(source, folder, [one.file_size for one in members])
            for one in members:
                if stat.S_ISLNK(one.external_attr >> 16):
                    raise DataError(f"{source}: {one.filename!r} is a link; pack the file itself")
                with archive.open(one) as file:
                    _write(file, one.file_size, source, folder, one.filename)
        return
    with tarfile.open(source) as tar:
        files = [one for one in tar if not one.isdir()]
        _check_sum(source, folder, [one.size for one in files])
        for entry in files:
            if not entry.isreg():
                raise DataError(f"{source}: {entry.name!r} is a link or a device; pack files only")
            content = tar.extractfile(entry)
            assert content is not None  # a regular file has one
            with content:
                _write(content, entry.size, source, folder, entry.name)


def _check_sum(source: Path, folder: Path, sizes: list[int]) -> None:
    """DataError or RunError for an archive that is too large, by what it says of itself."""
    total, packed = sum(sizes), source.stat().st_size
    if total > FREE_OF_RATIO + LARGEST_RATIO * packed or len(sizes) > MOST_FILES:
        raise DataError(
            f"{source}: {packed} bytes would become {total} in {len(sizes)} files, which no labels "
            "and images do; unpack it yourself if you trust it, and name the folder"
        )
    free = shutil.disk_usage(folder).free
    if total > free:
        raise RunError(f"{source}: unpacked it has {total} bytes, {folder.parent} has {free} left")


def _write(file: IO[bytes], size: int, source: Path, folder: Path, name: str) -> None:
    """One file, of no more than the `size` that the archive gives."""
    target = folder / safe_name(name, str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as written:
        left = size
        while piece := file.read(min(_PIECE, left + 1)):
            left -= len(piece)
            if left < 0:
                raise DataError(f"{source}: {name!r} holds more than it says; fetch it again")
            written.write(piece)


def _inner(folder: Path) -> Path:
    """The one folder in `folder`, if there is nothing else: most archives hold their folder."""
    entries = [entry for entry in folder.iterdir() if entry.name != "__MACOSX"]
    return entries[0] if len(entries) == 1 else folder
