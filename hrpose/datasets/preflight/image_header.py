"""The size of an image from its first bytes: JPEG, PNG, BMP and WebP, as OpenCV will decode them.

Offsets and field sizes are those of the formats' specifications.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEAD, TAIL = 16_384, 2_048
"""How many bytes at the start and at the end of a file are looked at first."""
_NO_SIZE = {0xC4, 0xC8, 0xCC}  # JPEG: Huffman tables, reserved, arithmetic conditioning
_ALONE = {0x01, *range(0xD0, 0xD9)}  # JPEG: markers that no length follows
_ORIENTATION = 0x0112
_SHORT = 3


@dataclass(frozen=True)
class Header:
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


class MoreNeeded(Exception):
    """The header goes on behind the bytes at hand."""


def parse_header(head: bytes, tail: bytes = b"") -> Header | None:
    """The header of the image file that starts with `head` and ends with `tail`.

    Returns None where these bytes do not settle it: no image, another format, or a WebP file with
    EXIF data. Raises MoreNeeded where a longer `head` may settle it.
    """
    header = None
    if head.startswith(b"\xff\xd8"):
        header = _jpeg(head)
    elif head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        header = Header(width, height, _png_orientation(head, tail))
    elif head.startswith(b"BM") and len(head) >= 26 and head[14] >= 40:
        width, height = struct.unpack("<ii", head[18:26])
        header = Header(width, abs(height))  # negative: the rows run from the top down
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        header = _webp(head)
    return header if header and header.width > 0 and header.height > 0 else None


def may_be_cut_off(head: bytes, tail: bytes, length: int) -> bool:
    """Whether a file of `length` bytes does not end as its format does; the whole file decides."""
    if head.startswith(b"\xff\xd8"):
        return not tail.endswith(b"\xff\xd9")
    if head.startswith(b"\x89PNG"):
        return tail[-8:-4] != b"IEND"
    if head.startswith(b"BM"):
        return length < int.from_bytes(head[2:6], "little")
    if head.startswith(b"RIFF"):
        return length < int.from_bytes(head[4:8], "little") + 8
    return False


def _jpeg(data: bytes) -> Header | None:
    orientation, place = 1, 2
    while True:
        if place + 10 > len(data):
            raise MoreNeeded
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
        elif marker in _ALONE:
            place += 2
        elif marker in (0xD9, 0xDA):  # the end, or a scan, before any size
            return None
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return Header(width, height, orientation)
        else:
            length = int.from_bytes(data[place + 2 : place + 4], "big")
            if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\x00\x00":
                if place + 2 + length > len(data):
                    raise MoreNeeded
                orientation = _exif_orientation(data[place + 10 : place + 2 + length])
            place += 2 + length


def _png_orientation(head: bytes, tail: bytes) -> int:
    """Orientation in the chunk eXIf, which stands before the pixels or after them."""
    for part in (head[: head.find(b"IDAT")], tail):
        place = part.find(b"eXIf")
        if place >= 0:
            return _exif_orientation(part[place + 4 :])
    return 1


def _webp(data: bytes) -> Header | None:
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:
        width, height = struct.unpack("<HH", data[26:30])
        return Header(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return Header((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X" and len(data) >= 30 and not data[20] & 0x08:  # 0x08: EXIF, at the end
        width = int.from_bytes(data[24:27], "little") + 1
        return Header(width, int.from_bytes(data[27:30], "little") + 1)
    return None


def _exif_orientation(tiff: bytes) -> int:
    """Orientation in the first directory of EXIF data, 1 where it is not given or nonsense."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return 1
    start = struct.unpack(order + "I", tiff[4:8])[0]
    count = struct.unpack(order + "H", tiff[start : start + 2].ljust(2, b"\0"))[0]
    for place in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _, value = struct.unpack(order + "HHIH", tiff[place : place + 10])
        if tag == _ORIENTATION and kind == _SHORT:
            return value if 1 <= value <= 8 else 1
    return 1
