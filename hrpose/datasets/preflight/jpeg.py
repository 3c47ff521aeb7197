"""Whether a JPEG can be decoded, told by its segments in a tenth of the time.

libjpeg gives up over tables, frames and scans that contradict one another; damaged pixels it takes
with a warning. So a file whose segments are all of the common kinds, and fit each other as libjpeg
asks for, is decoded whatever its pixels are; of any other, only decoding can tell.
Markers and segments are those of ITU-T T.81, annex B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from hrpose.datasets.images import MOST_PIXELS, OPENCV_LIMITS
from hrpose.datasets.preflight.image_header import ImageHeader

_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_HUFFMAN, _END, _SCAN, _QUANTIZERS, _RESTARTS, _EXIF = 0xC4, 0xD9, 0xDA, 0xDB, 0xDD, 0xE1
_COMMENTS = {*range(0xE0, 0xF0), 0xFE}
_IN_SCAN = np.isin(np.arange(256), [0x00, *range(0xD0, 0xD8), 0xFF])
"""By the byte behind 0xFF: whether a scan goes on, over a pixel's byte, a restart or a fill."""
_LONGEST_SIDE = 65_500  # px; libjpeg's own bound
_SURE = MOST_PIXELS // 8  # px; of larger ones, memory may be short


def jpeg_decodes(data: bytes, header: ImageHeader) -> bool:
    """Whether the JPEG file `data` will be decoded to the size that its `header` says; where not,
    only decoding can tell.
    """
    if not data.startswith(b"\xff\xd8") or max(header.width, header.height) > _LONGEST_SIDE:
        return False
    if header.width * header.height > _SURE or any(OPENCV_LIMITS):
        return False
    if header.swapped:  # OpenCV turns nothing where it takes offence at other EXIF data
        return False
    file = _Segments()
    try:
        for marker, body in _segments(data):
            if marker == _END:
                return bool(file.scanned) and file.scanned == set(file.frame)
            if not file.fits(marker, body):
                return False
    except (IndexError, KeyError):  # it is cut off there; or names what was not defined
        return False
    return False


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment, up to the end marker; ends early where it is odd."""
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker == _END:
            yield marker, b""
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if length < 2 or place + 2 + length >= len(data):
            return
        yield marker, data[place + 4 : place + 2 + length]
        place += 2 + length
        if marker == _SCAN:
            place = _scan_end(data, place)


def _scan_end(data: bytes, start: int) -> int:
    """Where the pixels that begin at `start` end: at the next marker that is not part of them."""
    step = 1 << 16
    while start < len(data):  # in parts, as scans of a progressive file may be short and many
        part = np.frombuffer(data, np.uint8, min(step + 1, len(data) - start), start)
        at = np.flatnonzero(part[:-1] == 0xFF)
        ends = at[~_IN_SCAN[part[at + 1]]]
        if ends.size:
            return start + int(ends[0])
        start += step
    return len(data)


@dataclass
class _Segments:
    """What the segments of a file have defined so far."""

    quantizers: set[int] = field(default_factory=set)
    codes: set[int] = field(default_factory=set)
    """Huffman tables: their number, and 16 more for those of AC coefficients."""
    frame: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """Of each component: sampling across and down, number of its quantizers."""
    progressive: bool = False
    scanned: set[int] = field(default_factory=set)
    has_exif: bool = False

    def fits(self, marker: int, body: bytes) -> bool:
        """Whether the next segment is of a common kind and fits those before it."""
        if marker in _COMMENTS:
            return marker != _EXIF or self._fits_exif(body)
        if marker in (_BASELINE, _EXTENDED, _PROGRESSIVE):
            return not self.frame and self._fits_frame(marker, body)
        if marker == _QUANTIZERS:
            return self._fits_quantizers(body)
        if marker == _HUFFMAN:
            return self._fits_codes(body)
        if marker == _SCAN:
            return bool(self.frame) and self._fits_scan(body)
        return marker == _RESTARTS and len(body) == 2

    def _fits_exif(self, body: bytes) -> bool:
        """OpenCV takes for EXIF data whatever has the mark of TIFF at this place."""
        if body[8:10] not in (b"*\0", b"\0*"):
            return True
        first = not self.has_exif and not self.frame
        self.has_exif = True
        return first and body[:10] in (b"Exif\0\0II*\0", b"Exif\0\0MM\0*")

    def _fits_frame(self, marker: int, body: bytes) -> bool:
        count = body[5]
        if body[0] != 8 or count not in (1, 3, 4) or len(body) != 6 + 3 * count:
            return False
        self.progressive = marker == _PROGRESSIVE
        for place in range(6, len(body), 3):
            self.frame[body[place]] = (body[place + 1] >> 4, body[place + 1] & 15, body[place + 2])
        if len(self.frame) != count:
            return False
        for axis in (0, 1):
            factors = [component[axis] for component in self.frame.values()]
            if not all(1 <= factor <= 4 and max(factors) % factor == 0 for factor in factors):
                return False
        return True

    def _fits_quantizers(self, body: bytes) -> bool:
        place = 0
        while place < len(body):
            if body[place] & 15 > 3 or body[place] >> 4 > 1:
                return False
            self.quantizers.add(body[place] & 15)
            place += 65 if body[place] < 16 else 129
        return place == len(body)

    def _fits_codes(self, body: bytes) -> bool:
        place = 0
        while place < len(body):
            table, counts = body[place], body[place + 1 : place + 17]
            if table & ~0x13 or len(counts) != 16:
                return False
            code = 0
            for bits, count in enumerate(counts, 1):
                code = 2 * code + count
                if code >= 1 << bits:  # one made of ones alone is not allowed
                    return False
            symbols = body[place + 17 : place + 17 + sum(counts)]
            if len(symbols) != sum(counts) or (table < 16 and symbols and max(symbols) > 15):
                return False
            self.codes.add(table)
            place += 17 + len(symbols)
        return True

    def _fits_scan(self, body: bytes) -> bool:
        count = body[0]
        if not 1 <= count <= len(self.frame) or len(body) != 4 + 2 * count:
            return False
        named = {body[place]: body[place + 1] for place in range(1, 1 + 2 * count, 2)}
        parts = [self.frame[name] for name in named]
        if len(named) != count or not {part[2] for part in parts} <= self.quantizers:
            return False
        if count > 1 and sum(part[0] * part[1] for part in parts) > 10:  # blocks of one step
            return False
        only_one = count == len(self.frame) and not self.progressive
        if only_one and self.scanned:
            return False
        first, last, high, low = *body[-3:-1], body[-1] >> 4, body[-1] & 15
        if self.progressive:
            dc = first == 0
            if last != 0 if dc else (count > 1 or not first <= last <= 63):
                return False
            if low > 13 or (high != 0 and low != high - 1):
                return False
            needed = {tables >> 4 if dc else 16 + (tables & 15) for tables in named.values()}
            needed = set() if dc and high else needed
        else:
            if (first, last, high, low) != (0, 63, 0, 0):
                return False
            needed = {tables >> 4 for tables in named.values()}
            needed |= {16 + (tables & 15) for tables in named.values()}
        self.scanned |= set(named)
        return needed <= self.codes
