"""Regions of photographs in two files of one folder: pixels, one region behind the other, and an
index. All processes add to them, and each maps the pixels into its memory.

A region is indexed once it is written whole, and whoever meets it first checks its CRC; so what a
crash, a full disk or a damaged disk leaves behind is not taken for pixels.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from hrpose.datasets.cache.folder import has_room
from hrpose.datasets.cache.region import Region
from hrpose.storage.locks import locked
from hrpose.storage.own_files import open_own

_RECORD = struct.Struct("<16sQ7I")  # key, offset of the pixels, origin x, y, w, h, W, H, their CRC
_CHECKED = struct.Struct(f"<{_RECORD.size}sI")  # a record and its own CRC


class RegionFile:
    """Regions by key, 16 bytes each, in `folder`.

    Args:
        limit: most bytes of pixels; what is in the folder already counts.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.__setstate__((folder, limit))
        for path in (self._pixels, self._index):
            open_own(path, "ab").close()

    def __getstate__(self) -> tuple[Path, int]:
        """What a process that is spawned, not forked, starts from."""
        return self.folder, self.limit

    def __setstate__(self, state: tuple[Path, int]) -> None:
        self.folder, self.limit = state
        self._pixels, self._index = self.folder / "pixels-1", self.folder / "index-1"  # 1: layout
        self._records: dict[bytes, tuple[int, ...]] = {}
        self._sound: set[bytes] = set()
        self._regions: dict[bytes, Region] = {}
        self._map = np.zeros(0, np.uint8)
        self._index_read = 0

    def get(self, key: bytes) -> Region | None:
        """The region, read only, if there is a sound one."""
        if key in self._regions:
            return self._regions[key]
        if key not in self._records:
            self._read_index()
        record = self._records.get(key)
        if record is None:
            return None
        offset, x, y, width, height, photo_width, photo_height, checksum = record
        end = offset + width * height * 3
        if end > len(self._map):
            self._map_pixels()
        pixels = self._map[offset:end]
        if key not in self._sound:
            if len(pixels) < end - offset or zlib.crc32(pixels.data) != checksum:
                del self._records[key]
                return None
            self._sound.add(key)
        shaped = pixels.reshape(height, width, 3)
        self._regions[key] = Region(shaped, (x, y), (photo_width, photo_height))
        return self._regions[key]

    def put(self, key: bytes, region: Region) -> str | None:
        """Add a region; or say why not."""
        pixels = np.ascontiguousarray(region.image)
        height, width = pixels.shape[:2]
        checksum = zlib.crc32(pixels.data)
        try:
            with locked(self.folder / "lock"), open_own(self._pixels, "ab") as file:
                offset = file.seek(0, os.SEEK_END)
                if offset + pixels.nbytes > self.limit:
                    return f"has reached its {self.limit / 1e9:g} GB"
                if not has_room(self.folder, pixels.nbytes):
                    return "has filled the disk, or nearly so"
                file.write(pixels.data)
                file.flush()
                fields = (offset, *region.origin, width, height, *region.photo, checksum)
                record = _RECORD.pack(key, *fields)
                with open_own(self._index, "r+b") as index:
                    # over the rest of a record that somebody could not end
                    index.seek(index.seek(0, os.SEEK_END) // _CHECKED.size * _CHECKED.size)
                    index.write(_CHECKED.pack(record, zlib.crc32(record)))
        except OSError as problem:
            return f"cannot be written ({problem.strerror})"
        self._sound.add(key)
        return None

    def _read_index(self) -> None:
        """Learn what was added since the last time, by this process or another."""
        data = b""
        with suppress(OSError), open_own(self._index, "rb") as index:
            index.seek(self._index_read)
            data = index.read()
        data = data[: len(data) // _CHECKED.size * _CHECKED.size]
        self._index_read += len(data)
        for record, checksum in _CHECKED.iter_unpack(data):
            if zlib.crc32(record) == checksum:
                key, *fields = _RECORD.unpack(record)
                self._records[key] = tuple(fields)

    def _map_pixels(self) -> None:
        """Map all that the file holds by now; regions in the old map are made anew when needed."""
        self._regions.clear()
        with suppress(OSError), open_own(self._pixels, "rb") as file:
            if os.fstat(file.fileno()).st_size:
                whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._map = np.frombuffer(whole, np.uint8)
