"""Sizes from headers, compared with what OpenCV decodes."""

import io
import itertools
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from hrpose.datasets.images import decode_image
from hrpose.datasets.preflight.image_header import ImageHeader, parse_header


def encode(
    kind: str, orientation: int | None = None, size=(60, 40), mode="RGB", **options
) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    if orientation is not None:
        options["exif"] = Image.Exif()
        options["exif"][0x010F] = "a maker of cameras"
        options["exif"][0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "orientation"),
    itertools.product(["JPEG", "PNG"], [None, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
)
def test_the_size_is_that_of_the_decoded_image(kind, orientation):
    data = encode(kind, orientation)
    header = parse_header(data)
    height, width = decode_image(data, "x").shape[:2]
    assert header.shown == (width, height) == ((40, 60) if header.swapped else (60, 40))
    assert header.swapped == (orientation in (5, 6, 7, 8))


@pytest.mark.parametrize(
    "data",
    [
        encode("JPEG", progressive=True), encode("JPEG", mode="L"), encode("JPEG", mode="CMYK"),
        encode("PNG", mode="RGBA"), encode("BMP"), encode("WEBP"), encode("WEBP", lossless=True),
        encode("WEBP", mode="RGBA"),
        cv2.imencode(".png", np.zeros((40, 60), np.uint16))[1].tobytes(),
    ],
    ids=["progressive", "grey", "cmyk", "rgba", "bmp", "webp", "lossless", "webp rgba", "16 bit"],
)  # fmt: skip
def test_other_kinds(data):
    assert decode_image(data, "x").shape[:2] == (40, 60)
    assert parse_header(data) == ImageHeader(60, 40)


def test_a_bitmap_from_the_top_down():
    data = bytearray(encode("BMP"))
    data[22:26] = struct.pack("<i", -40)
    assert decode_image(bytes(data), "x").shape == (40, 60, 3)
    assert parse_header(bytes(data)) == ImageHeader(60, 40)


@pytest.mark.parametrize("kind", ["TIFF", "JPEG2000", "WEBP"])
def test_sizes_of_what_is_decoded_anyway(kind):
    """They are needed for the bound on pixels alone."""
    data = encode(kind, 6 if kind == "WEBP" else None)
    assert parse_header(data) == ImageHeader(60, 40)
    stream = data[data.find(b"\xff\x4f\xff\x51") :]
    assert kind != "JPEG2000" or parse_header(stream) == ImageHeader(60, 40)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xd8\xff\xd9" + bytes(20), b"<html>404</html>", b"\x89PNG", b"BM", b"II*\0",
        b"RIFF1234WEBP", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(90),
        encode("GIF"), b"\xff\xd8" + bytes(100),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20),
    ],
)  # fmt: skip
def test_what_has_no_size(data):
    assert parse_header(data) is None


def test_a_long_header():
    data = encode("JPEG", 6)
    thumbnail = b"\xff\xe2" + struct.pack(">H", 40_000) + bytes(39_998)
    data = data[:2] + thumbnail + data[2:]
    for count in (3, 1000, 40_010):
        assert parse_header(data[:count]) is None
    assert parse_header(data) == ImageHeader(60, 40, 6)


def test_noise_in_a_header_raises_nothing():
    random = np.random.default_rng(0)
    kinds = ["JPEG", "PNG", "BMP", "WEBP", "TIFF", "JPEG2000"]
    for kind, orientation in itertools.product(kinds, [None, 6]):
        whole = np.frombuffer(encode(kind, orientation), np.uint8)
        for _ in range(300):
            data = whole.copy()
            data[random.integers(2, min(300, len(data)), 5)] = random.integers(0, 256, 5)
            parse_header(data[: random.integers(1, len(data))].tobytes())
