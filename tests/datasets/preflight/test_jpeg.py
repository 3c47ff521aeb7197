"""Which JPEG files need not be decoded to know that they can be."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from hrpose.datasets.preflight.image_header import ImageHeader, parse_header
from hrpose.datasets.preflight.jpeg import jpeg_decodes


def encode(mode="RGB", size=(90, 60), orientation=None, **options) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    if orientation is not None:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def decodes(data: bytes) -> bool:
    header = parse_header(data)
    return header is not None and jpeg_decodes(data, header)


@pytest.mark.parametrize(
    "data",
    [
        encode(), encode(progressive=True), encode("L"), encode("CMYK"), encode(optimize=True),
        encode(subsampling=0), encode(subsampling=1), encode(restart_marker_blocks=2),
        encode(restart_marker_rows=1, progressive=True), encode(orientation=1),
        encode(comment=b"a"),
        encode(size=(700, 600)), encode() + b"garbage", encode() + encode("L"),
        cv2.imencode(".jpg", np.zeros((60, 90, 3), np.uint8))[1].tobytes(),
    ],
)  # fmt: skip
def test_common_files_need_no_decoding(data):
    assert decodes(data)


def test_real_photographs(data_dir):
    files = sorted((data_dir / "livestock-horse/images").rglob("*.jpg"))
    assert len(files) == 682 and all(decodes(file.read_bytes()) for file in files)


def put(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


WHOLE = encode()
FRAME, CODES, QUANTIZERS, SCAN = (WHOLE.find(bytes([0xFF, m])) for m in (0xC0, 0xC4, 0xDB, 0xDA))


@pytest.mark.parametrize(
    "data",
    [
        put(WHOLE, FRAME + 1, b"\xc3"),  # lossless
        put(WHOLE, FRAME + 1, b"\xc9"),  # arithmetic coding
        put(WHOLE, FRAME + 4, b"\x0c"),  # 12 bits a sample
        put(WHOLE, FRAME + 9, b"\x02"),  # components
        put(WHOLE, FRAME + 11, b"\x44"),  # 16 blocks in one step
        put(WHOLE, FRAME + 12, b"\x03"),  # a quantizer that is not there
        put(WHOLE, CODES + 4, b"\x07"),  # number of a Huffman table
        put(WHOLE, CODES + 5, b"\x03"),  # three codes of one bit
        put(WHOLE, QUANTIZERS + 4, b"\x05"),
        put(WHOLE, SCAN + 5, b"\x09"),  # a component that is not there
        put(WHOLE, SCAN + 11, b"\x01"),  # the first coefficient of a baseline scan
        put(WHOLE, SCAN + 60, b"\xff\xc4\x00\x03\x00"),  # a table in the middle of the pixels
        put(WHOLE, SCAN + 60, b"\xff\xda"),
        put(WHOLE, FRAME + 7, struct.pack(">H", 65_501)),  # width
        WHOLE[:-2], WHOLE[: SCAN + 200], WHOLE[:SCAN] + b"\xff\xd9",
        WHOLE[:FRAME] + WHOLE[FRAME:SCAN],
        encode(orientation=6),  # its turn may be lost to other EXIF data
        b"\xff\xd8" + WHOLE[FRAME:],
    ],
)  # fmt: skip
def test_what_only_decoding_can_tell(data):
    assert not decodes(data)


def test_large_ones_are_decoded(monkeypatch):
    assert not jpeg_decodes(WHOLE, ImageHeader(20_000, 3_000))
    monkeypatch.setattr("hrpose.datasets.preflight.jpeg.OPENCV_LIMITS", ["1000", None, None])
    assert not decodes(WHOLE)
