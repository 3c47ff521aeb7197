"""Sizes from headers, compared with what OpenCV decodes."""

import io
import itertools
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from hrpose.datasets.images import decode_image
from hrpose.datasets.preflight.image_header import Header, MoreNeeded, may_be_cut_off, parse_header


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
    header = parse_header(data, data)
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
    assert parse_header(data, data) == Header(60, 40)


def test_a_bitmap_from_the_top_down():
    data = bytearray(encode("BMP"))
    data[22:26] = struct.pack("<i", -40)
    assert decode_image(bytes(data), "x").shape == (40, 60, 3)
    assert parse_header(bytes(data)) == Header(60, 40)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xd8\xff\xd9" + bytes(20), b"<html>404</html>", b"\x89PNG", b"BM",
        b"RIFF1234WEBP",
        encode("TIFF"), encode("GIF"), encode("WEBP", 6), b"\xff\xd8" + bytes(100),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20),
    ],
)  # fmt: skip
def test_what_only_decoding_can_tell(data):
    assert parse_header(data, data) is None


def test_a_long_header_asks_for_more():
    data = encode("JPEG", 6)
    thumbnail = b"\xff\xe2" + struct.pack(">H", 40_000) + bytes(39_998)
    data = data[:2] + thumbnail + data[2:]
    for count in (3, 1000, 40_010):
        with pytest.raises(MoreNeeded):
            parse_header(data[:count])
    assert parse_header(data) == Header(60, 40, 6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_cut_is_seen_at_the_end(kind):
    data = encode(kind)
    assert not may_be_cut_off(data[:500], data[-100:], len(data))
    for cut in (1, 20, len(data) // 2):
        short = data[:-cut]
        assert may_be_cut_off(short[:500], short[-100:], len(short))


def test_noise_in_a_header_raises_nothing_else():
    random = np.random.default_rng(0)
    for kind, orientation in itertools.product(["JPEG", "PNG"], [None, 6]):
        whole = np.frombuffer(encode(kind, orientation), np.uint8)
        for _ in range(300):
            data = whole.copy()
            data[random.integers(2, min(300, len(data)), 5)] = random.integers(0, 256, 5)
            cut = data[: random.integers(1, len(data))].tobytes()
            try:
                parse_header(cut, cut[-50:])
            except MoreNeeded:
                assert cut.startswith(b"\xff\xd8")
