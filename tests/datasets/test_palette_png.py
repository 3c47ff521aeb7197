import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from hrpose.datasets.images import decode_image
from hrpose.datasets.palette_png import decode_palette_png


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc


def png(
    indices: np.ndarray,
    palette: np.ndarray,
    bits=8,
    kind=3,
    interlace=0,
    filters=0,
    more=b"",
    cut=None,
    tail=b"",
    rows=0,
) -> bytes:
    """A palette PNG of one chunk of pixels for each `cut` bytes; `more` is put before them."""
    height, width = indices.shape
    lines = np.concatenate([np.full((height, 1), filters, np.uint8), indices], axis=1)
    pixels = zlib.compress(lines.tobytes() + tail)
    parts = [
        pixels[i : i + (cut or len(pixels))] for i in range(0, len(pixels), cut or len(pixels))
    ]
    head = struct.pack(">IIBBBBB", width, rows or height, bits, kind, 0, 0, interlace)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            chunk(b"PLTE", palette.tobytes()),
            more,
            *(chunk(b"IDAT", part) for part in parts),
            chunk(b"IEND", b""),
        ]
    )


@pytest.fixture
def drawn():
    random = np.random.default_rng(3)
    return random.integers(0, 100, (31, 47), np.uint8), random.integers(0, 256, (100, 3), np.uint8)


def opencv(data: bytes) -> np.ndarray | None:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize("cut", [None, 100])
@pytest.mark.parametrize("colours", [100, 256])
def test_equals_opencv(drawn, colours, cut):
    indices, palette = drawn
    palette = np.resize(palette, (colours, 3))
    data = png(indices, palette, cut=cut)
    image = decode_palette_png(data)
    assert image.flags.c_contiguous and image.dtype == np.uint8
    assert np.array_equal(image, palette[indices])
    assert np.array_equal(image, opencv(data))


def test_files_of_another_writer():
    photograph = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)
    image = Image.fromarray(cv2.resize(photograph, (288, 162))).quantize(256)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    decoded = decode_palette_png(buffer.getvalue())
    assert np.array_equal(decoded, np.asarray(image.convert("RGB")))


def test_the_photographs_of_horse10(data_dir):
    files = sorted((data_dir / "mmpose-samples" / "horse10").glob("*.png"))
    assert files
    for file in files:
        data = file.read_bytes()
        assert np.array_equal(decode_palette_png(data), opencv(data)), file


OTHERS = {
    "transparency": lambda i, p: png(i, p, more=chunk(b"tRNS", b"\x80")),
    "a chunk that may turn it": lambda i, p: png(i, p, more=chunk(b"eXIf", b"MM\0*")),
    "row filters": lambda i, p: png(i, p, filters=1),
    "interlaced": lambda i, p: png(i, p, interlace=1),
    "four bits": lambda i, p: png(i, p, bits=4),
    "grey": lambda i, p: png(i, p, kind=0),
    "index beyond the palette": lambda i, p: png(i, p[:99]),
    "palette too long": lambda i, p: png(i, np.resize(p, (257, 3))),
    "palette of odd length": lambda i, p: png(i, p.reshape(-1)[:-1]),
    "two palettes": lambda i, p: png(i, p, more=chunk(b"PLTE", p.tobytes())),
    "fewer pixels than rows": lambda i, p: png(i, p, rows=32),
    "more rows than memory": lambda i, p: png(i, p, rows=2**31 - 1),
    "more pixels than rows": lambda i, p: png(i, p, tail=b"\0"),
    "far more pixels than rows": lambda i, p: png(i, p, tail=bytes(1 << 24)),
    "no pixels at all": lambda i, p: png(i[:0], p),
    "cut off": lambda i, p: png(i, p)[:-20],
    "no end": lambda i, p: png(i, p)[:-12],
    "JPEG": lambda i, p: b"\xff\xd8\xff\xe0",
    "empty": lambda i, p: b"",
}


@pytest.mark.parametrize("name", OTHERS)
def test_all_others_are_left_to_opencv(drawn, name):
    data = OTHERS[name](*drawn)
    assert decode_palette_png(data) is None


@pytest.mark.parametrize("name", ["transparency", "index beyond the palette"])
def test_others_are_still_read(drawn, name):
    data = OTHERS[name](*drawn)
    assert np.array_equal(decode_image(data, "x"), opencv(data))


def test_a_flipped_bit_is_noticed(drawn):
    data = bytearray(png(*drawn))
    for place in range(29, len(data) - 12, 97):
        data[place] ^= 16
        assert decode_palette_png(bytes(data)) is None, place
        data[place] ^= 16
    assert decode_palette_png(bytes(data)) is not None
