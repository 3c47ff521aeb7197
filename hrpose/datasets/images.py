"""Image files to RGB arrays, with an error for every file that is not one whole image."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from hrpose.datasets.palette_png import decode_palette_png
from hrpose.errors import DataError

# OpenCV 4.10 has no flag for RGB; from 4.11 on libjpeg and libpng hand it out at no cost.
_RGB_FLAG: int | None = getattr(cv2, "IMREAD_COLOR_RGB", None)
MENDING = "restore the file, or set on_bad_image='skip' to go on without it"
"""The end of each message on an image that cannot be used."""


def read_image(path: str | Path) -> np.ndarray:
    """The image in file `path` as (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    Grey, alpha, CMYK, palette and 16-bit images are converted.

    Raises:
        DataError: the file is missing, empty, cut off, or not an image.
    """
    try:
        with io.FileIO(path) as file:  # in a third of the time that a Path takes
            data = file.readall()
    except FileNotFoundError:
        raise DataError(f"{path}: no such image; check img_root and the file name") from None
    except OSError as problem:
        raise DataError(f"{path}: cannot be read ({problem.strerror}); {MENDING}") from None
    except ValueError as problem:  # a null character, or half a character
        raise DataError(f"{path!r}: is no path ({problem}); {MENDING}") from None
    return decode_image(data, str(path))


def decode_image(data: bytes, name: str) -> np.ndarray:
    """The encoded image `data` as `read_image` gives it; `name` is for messages."""
    if not data:
        raise DataError(f"{name}: the file is empty; {MENDING}")
    if is_cut_off(data):
        raise DataError(f"{name}: the image is cut off (it has no end marker); {MENDING}")
    plain = decode_palette_png(data)
    if plain is not None:
        return plain
    buffer = np.frombuffer(data, np.uint8)
    try:
        image = cv2.imdecode(buffer, cv2.IMREAD_COLOR if _RGB_FLAG is None else _RGB_FLAG)
    except cv2.error as problem:
        raise DataError(f"{name}: OpenCV refuses it ({problem.err}); {MENDING}") from None
    if image is None:
        raise DataError(f"{name}: not an image that OpenCV can decode; {MENDING}")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if _RGB_FLAG is None else image


def is_cut_off(data: bytes) -> bool:
    """Whether a JPEG, PNG or BMP file lacks its end; OpenCV decodes those with only a warning."""
    if data.startswith(b"\xff\xd8"):
        return not data.endswith(b"\xff\xd9") and data.find(b"\xff\xd9", _scan_start(data)) < 0
    if data.startswith(b"\x89PNG"):
        return data.rfind(b"IEND") < 0
    if data.startswith(b"BM"):
        return len(data) < int.from_bytes(data[2:6], "little")
    return False


def _scan_start(data: bytes) -> int:
    """Where a JPEG's first scan starts; the segments before it may hold a whole thumbnail."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        if data[place + 1] == 0xFF:  # fill byte
            place += 1
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return place
