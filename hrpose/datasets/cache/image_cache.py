"""Keeps decoded parts of photographs: an image is decoded once and not in every epoch."""

from __future__ import annotations

import hashlib
import os
import warnings
from contextlib import suppress
from pathlib import Path

from hrpose.config.registry import register
from hrpose.datasets.cache.folder import temporary_folder
from hrpose.datasets.cache.region import Region, Window
from hrpose.datasets.cache.region_file import RegionFile
from hrpose.datasets.images import read_image
from hrpose.errors import DataError
from hrpose.storage.own_files import own_folder


@register
class ImageCache:
    """Keeps what `CocoPoseDataset` decodes; from the second epoch on it reads no image file.

    Samples are the same, bit for bit, with and without it. A photograph that changes, by its size
    or time of change, is decoded anew, and so is one whose entry is damaged. When the bound is
    reached or the disk is nearly full nothing more is added, and that is said once.

    Args:
        folder: where it is kept; later runs use it again, and several may at a time. Made for this
            user alone; make it yourself, if others are to share it. None: a folder
            in shared memory, where that has room for `gigabytes`, or else among the temporary
            files; the processes of a run on this machine share it, the last one removes it.
        gigabytes: the most that it may hold, in 10^9 bytes.
    """

    def __init__(self, folder: str | None = None, gigabytes: float = 8.0) -> None:
        if not gigabytes > 0:
            raise ValueError(f"gigabytes {gigabytes}: must be above 0; leave the cache out instead")
        limit = int(gigabytes * 1e9)
        try:
            self.folder = own_folder(
                temporary_folder(self, limit) if folder is None else Path(folder)
            )
            self._file = RegionFile(self.folder, limit)
            self._note.unlink(missing_ok=True)
        except OSError as problem:
            raise DataError(
                f"{problem.filename or folder}: no cache can be kept there ({problem.strerror}); "
                "name another folder, or leave the cache out"
            ) from None
        self._is_full = False

    def __repr__(self) -> str:
        return f"a cache of at most {self._file.limit / 1e9:g} GB in {self.folder}"

    def load(self, path: str, window: Window | None) -> Region:
        """At least the part `window` of the photograph in file `path`; None is the whole.

        Raises:
            DataError: the photograph cannot be read.
        """
        try:
            state = os.stat(path)  # noqa: PTH116 - a Path would cost more than the call
        except OSError:
            return Region.whole(read_image(path))  # which says what is wrong
        # an entry is named by all that decides what it holds
        made_from = f"{_absolute(path)}\n{window}\n{state.st_size}\n{state.st_mtime_ns}"
        key = hashlib.blake2b(made_from.encode("utf-8", "surrogateescape"), digest_size=16).digest()
        region = self._file.get(key)
        if region is not None:
            return region
        region = Region.whole(read_image(path))
        if not self._is_full:
            part = region
            if window is not None and window.photo == region.photo:
                left, top, right, bottom, photo = window
                part = Region(region.image[top:bottom, left:right], (left, top), photo)
            problem = self._file.put(key, part)
            if problem:
                self._stop(problem)
        return region

    @property
    def _note(self) -> Path:
        """There once a process has said that the cache is full."""
        return self.folder / "full"

    def _stop(self, problem: str) -> None:
        """Add nothing more, and say so, unless another process has."""
        self._is_full = True
        with suppress(OSError):  # a full disk may refuse even an empty file
            try:
                self._note.touch(exist_ok=False)
            except FileExistsError:
                return
        warnings.warn(
            f"the cache in {self.folder} {problem}; what is not in it is decoded every time",
            stacklevel=2,
        )


def _absolute(path: str) -> str:
    is_absolute = os.path.isabs(path)  # noqa: PTH117 - a Path would cost more
    return path if is_absolute else str(Path(path).absolute())
