"""Image files to RGB arrays, with an error for every file that is not one whole image."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from hrpose.datasets.palette_png import decode_palette_png
from hrpose.datasets.preflight.image_header import parse_header
from hrpose.errors import DataError, LoaderError

# OpenCV 4.10 has no flag for RGB; from 4.11 on libjpeg and libpng hand it out at no cost.
_RGB_FLAG: int | None = getattr(cv2, "IMREAD_COLOR_RGB", None)
MENDING = "restore the file, or set on_bad_image='skip' to go on without it"
"""The end of each message on an image that cannot be used."""
NO_MORE_FILES = (errno.EMFILE, errno.ENFILE)
"""Error numbers of a process, or a system, that may open no further file: no file's own fault."""
MOST_PIXELS = 2**28
"""Of an image: more than any camera's 200 million, and .8 GB once decoded. Some tens of KB can hold
a multiple of that, for which the system would end a loader process without a word.
"""
OPENCV_LIMITS = [
    os.environ.get(f"OPENCV_IO_MAX_IMAGE_{what}") for what in ("PIXELS", "WIDTH", "HEIGHT")
]
"""OpenCV's own bounds, which it reads once; None where they are as it comes."""


def read_image(path: str | Path) -> np.ndarray:
    """The image in file `path` as (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    Grey, alpha, CMYK, palette and 16-bit images are converted.

    Raises:
        DataError: the file is missing, empty, cut off, not an image, or of over `MOST_PIXELS`.
    """
    return decode_image(read_file(path), str(path))


def read_file(path: str | Path) -> bytes:
    """The bytes of the image file `path`.

    Raises:
        DataError: it cannot be read.
        LoaderError: no file can, since too many are open.
    """
    try:
        with io.FileIO(path) as file:  # in a third of the time that a Path takes
            return file.readall()
    except FileNotFoundError:
        raise DataError(f"{path}: no such image; check img_root and the file name") from None
    except OSError as problem:
        if problem.errno in NO_MORE_FILES:
            raise LoaderError(
                f"{path}: {problem.strerror}, so it cannot be read: raise the limit "
                "(ulimit -n 65536) or set data.workers lower"
            ) from None
        raise DataError(f"{path}: cannot be read ({problem.strerror}); {MENDING}") from None
    except ValueError as problem:  # a null character, or half a character
        raise DataError(f"{path!r}: is no path ({problem}); {MENDING}") from None


def decode_image(data: bytes, name: str) -> np.ndarray:
    """The encoded image `data` as `read_image` gives it; `name` is for messages."""
    if not data:
        raise DataError(f"{name}: the file is empty; {MENDING}")
    if is_cut_off(data):
        raise DataError(f"{name}: the image is cut off (it has no end marker); {MENDING}")
    header = parse_header(data)
    if header is not None and header.width * header.height > MOST_PIXELS:
        raise DataError(
            f"{name}: is {header.width} x {header.height} px, more than the {MOST_PIXELS:,} px "
            "that an image may have; make a smaller copy, and its labels with it"
        )
    plain = decode_palette_png(data)
    if plain is not None:
        return plain
    buffer = np.frombuffer(_without_animation(data), np.uint8)
    try:
        image = cv2.imdecode(buffer, cv2.IMREAD_COLOR if _RGB_FLAG is None else _RGB_FLAG)
    except cv2.error as problem:
        if "CV_IO_MAX_IMAGE" in problem.err:
            raise DataError(
                f"{name}: is larger than OpenCV may read here ({problem.err}); raise "
                "OPENCV_IO_MAX_IMAGE_PIXELS, _WIDTH or _HEIGHT of the environment, or make a "
                "smaller copy, and its labels with it"
            ) from None
        raise DataError(f"{name}: OpenCV refuses it ({problem.err}); {MENDING}") from None
    if image is None:
        raise DataError(f"{name}: not an image that OpenCV can decode; {MENDING}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if _RGB_FLAG is None else image


def is_cut_off(data: bytes) -> bool:
    """Whether a JPEG, PNG or BMP file lacks its end; OpenCV decodes those with only a warning."""
    if data.startswith(b"\xff\xd8"):
        return not data.endswith(b"\xff\xd9") and data.find(b"\xff\xd9", _scan_start(data)) < 0
    if data.startswith(b"\x89PNG"):  # a chunk beyond the end would cost OpenCV its length in memory
        return not any(data[start + 4 : start + 8] == b"IEND" for start, _ in _png_chunks(data))
    if data.startswith(b"BM"):
        return len(data) < int.from_bytes(data[2:6], "little")
    return False


def _png_chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each chunk of a PNG file that is there whole."""
    start = 8
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        if end > len(data):
            return
        yield start, end
        start = end


def _without_animation(data: bytes) -> bytes:
    """A PNG file without further frames: OpenCV 4.11 ends the process over damaged ones."""
    if not data.startswith(b"\x89PNG"):
        return data
    animation = (b"acTL", b"fcTL", b"fdAT")
    chunks = list(_png_chunks(data))
    still = [(start, end) for start, end in chunks if data[start + 4 : start + 8] not in animation]
    if len(still) == len(chunks):
        return data
    return data[:8] + b"".join(data[start:end] for start, end in still)


def _scan_start(data: bytes) -> int:
    """Where a JPEG's first scan starts; the segments before it may hold a whole thumbnail."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        if data[place + 1] == 0xFF:  # fill byte
            place += 1
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return place
