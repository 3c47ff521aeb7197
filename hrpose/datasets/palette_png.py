"""PNG files with a palette, as MMPose's samples of Horse-10 are, in three quarters of the time.

zlib of the standard library inflates the indices and OpenCV looks the colours up; libpng would go
through them row by row. PNG (Portable Network Graphics) Specification, W3C, 2003, sections 5 and 9.
"""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

_START = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_EIGHT_BIT_PALETTE = bytes((8, 3, 0, 0, 0))  # bits, colour type, compression, filter, interlace
_MOST_PIXELS = 1 << 26


def decode_palette_png(data: bytes) -> np.ndarray | None:
    """The PNG file `data` as (H, W, 3) uint8 RGB; None where it is not of the plain kind.

    Plain are whole files of eight bits, without transparency, interlacing, row filters or any
    chunk besides header, palette, pixels and end. All others, broken ones too, are for OpenCV.
    """
    if data[:16] != _START or data[24:29] != _EIGHT_BIT_PALETTE:
        return None
    chunks = _chunks(data)
    if chunks is None:
        return None
    width, height = struct.unpack(">II", data[16:24])
    palette, pixels = chunks
    size = height * (width + 1)  # each row begins with the number of its filter
    if not 0 < width * height <= _MOST_PIXELS:
        return None
    inflation = zlib.decompressobj()
    try:
        inflated = inflation.decompress(pixels, size + 1)  # no more, however much there is
    except zlib.error:
        return None
    if not inflation.eof or len(inflated) != size:
        return None
    rows = np.frombuffer(inflated, np.uint8).reshape(height, width + 1)
    indices = rows[:, 1:]
    if rows[:, 0].any() or (palette.size < 768 and indices.max() >= palette.size // 3):
        return None
    colours = np.zeros((256, 1, 3), np.uint8)
    colours.reshape(-1)[: palette.size] = palette
    return cv2.applyColorMap(indices, colours)


def _chunks(data: bytes) -> tuple[np.ndarray, bytes] | None:
    """The palette and the compressed pixels; None where other chunks or none of these are there."""
    found: dict[bytes, list[bytes]] = {b"IHDR": [], b"PLTE": [], b"IDAT": []}
    place = 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind, end = data[place + 4 : place + 8], place + 8 + length
        content = data[place + 4 : end]
        if zlib.crc32(content) != int.from_bytes(data[end : end + 4], "big"):
            return None
        if kind == b"IEND":
            break
        if kind not in found:
            return None
        found[kind].append(content[4:])
        place = end + 4
    else:
        return None
    if len(found[b"IHDR"]) != 1 or len(found[b"PLTE"]) != 1:
        return None
    palette = np.frombuffer(found[b"PLTE"][0], np.uint8)
    if palette.size % 3 or palette.size > 768:
        return None
    return palette, b"".join(found[b"IDAT"])
