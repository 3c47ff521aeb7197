"""The size of an image from its header, before anything is decoded.

Offsets and field sizes are those of the formats' specifications.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_NO_SIZE = {0xC4, 0xC8, 0xCC}  # JPEG: Huffman tables, reserved, arithmetic conditioning
_ALONE = {0x01, *range(0xD0, 0xD9)}  # JPEG: markers that no length follows
_TAIL = 2_048  # bytes at the end of a PNG file that may hold its EXIF data
_BOXES = 4_096  # bytes at the start of a JPEG 2000 file that hold its size
_WIDTH, _HEIGHT, _ORIENTATION = 0x0100, 0x0101, 0x0112  # TIFF tags
_SHORT = 3  # TIFF type


@dataclass(frozen=True)
class ImageHeader:
    """Width and height in px as stored; EXIF orientation, 1 to 8 (1 where none is given)."""

    width: int
    height: int
    orientation: int = 1

    @property
    def swapped(self) -> bool:
        """Whether the orientation exchanges width and height."""
        return self.orientation >= 5

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height in px once the orientation is applied."""
        return (self.height, self.width) if self.swapped else (self.width, self.height)


def parse_header(data: bytes) -> ImageHeader | None:
    """The header of the image file `data`: JPEG, PNG, BMP, WebP, TIFF or JPEG 2000; None where it
    is another format, or no image. The orientation is read in JPEG and PNG.
    """
    header = None
    try:
        if data.startswith(b"\xff\xd8"):
            header = _jpeg(data)
        elif data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            width, height = struct.unpack(">II", data[16:24])
            header = ImageHeader(width, height, _png_orientation(data))
        elif data.startswith(b"BM"):
            width, height = struct.unpack("<ii", data[18:26])
            header = ImageHeader(width, abs(height))  # negative: the rows run from the top down
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            header = _webp(data)
        elif data.startswith((b"II*\0", b"MM\0*")):
            header = _tiff_size(data)
        elif data.startswith((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")):
            start = data.index(b"\xff\x4f\xff\x51", 0, _BOXES)
            right, bottom, left, top = struct.unpack(">4I", data[start + 8 : start + 24])
            header = ImageHeader(right - left, bottom - top)
    except (struct.error, ValueError, IndexError):  # it is cut off there
        return None
    return header if header and header.width > 0 and header.height > 0 else None


def _jpeg(data: bytes) -> ImageHeader | None:
    orientation, place = 1, 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
        elif marker in _ALONE:
            place += 2
        elif marker in (0xD9, 0xDA):  # the end, or a scan, before any size
            return None
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return ImageHeader(width, height, orientation)
        else:
            length = int.from_bytes(data[place + 2 : place + 4], "big")
            if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\x00\x00":
                orientation = _exif_orientation(data[place + 10 : place + 2 + length])
            place += 2 + length
    return None


def _png_orientation(data: bytes) -> int:
    """Orientation in the chunk eXIf, which stands before the pixels or after them."""
    for part in (data[: data.find(b"IDAT")], data[-_TAIL:]):
        place = part.find(b"eXIf")
        if place >= 0:
            return _exif_orientation(part[place + 4 :])
    return 1


def _webp(data: bytes) -> ImageHeader | None:
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return ImageHeader(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return ImageHeader((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X" and len(data) >= 30:
        width = int.from_bytes(data[24:27], "little") + 1
        return ImageHeader(width, int.from_bytes(data[27:30], "little") + 1)
    return None


def _exif_orientation(tiff: bytes) -> int:
    """Orientation in the first directory of EXIF data, 1 where it is not given or nonsense."""
    for tag, _, value, _ in _entries(tiff):
        if tag == _ORIENTATION:
            return value if 1 <= value <= 8 else 1
    return 1


def _tiff_size(tiff: bytes) -> ImageHeader:
    """Of its first page."""
    values = {tag: short if kind == _SHORT else long for tag, kind, short, long in _entries(tiff)}
    return ImageHeader(values.get(_WIDTH, 0), values.get(_HEIGHT, 0))


def _entries(tiff: bytes) -> Iterator[tuple[int, int, int, int]]:
    """The first directory of TIFF data: tag, type, and the value as a 16 and as a 32 bit number."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return
    start = struct.unpack(order + "I", tiff[4:8])[0]
    count = struct.unpack(order + "H", tiff[start : start + 2].ljust(2, b"\0"))[0]
    for place in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _, long = struct.unpack(order + "HHII", tiff[place : place + 12])
        yield tag, kind, struct.unpack(order + "H", tiff[place + 8 : place + 10])[0], long
