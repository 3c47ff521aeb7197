import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from hrpose.datasets import images
from hrpose.datasets.images import decode_image, read_image
from hrpose.errors import DataError

COLOUR = (200, 100, 20)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def flat(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (60, 40), COLOUR).convert(mode)


def busy() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    return Image.fromarray(cv2.resize(noise, (300, 200)))


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (encode(flat(), "PNG"), COLOUR),
        (encode(flat(), "JPEG", quality=95), COLOUR),
        (encode(flat(), "JPEG", quality=95, progressive=True), COLOUR),
        (encode(flat(), "BMP"), COLOUR),
        (encode(flat("RGBA"), "PNG"), COLOUR),
        (encode(flat("CMYK"), "JPEG", quality=95), COLOUR),
        (encode(flat("L"), "JPEG", quality=95), (121, 121, 121)),
        (encode(flat("LA"), "PNG"), (121, 121, 121)),
        (cv2.imencode(".png", np.full((40, 60), 100 * 257, np.uint16))[1].tobytes(), (100,) * 3),
    ],
    ids=["png", "jpeg", "progressive", "bmp", "rgba", "cmyk", "grey", "grey+alpha", "16 bit"],
)
def test_every_kind_becomes_rgb(data, colour):
    image = decode_image(data, "x")
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - colour).max() <= 2


def test_exif_orientation_turns_the_image():
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: the left column becomes the top row
    halves = np.zeros((40, 60, 3), np.uint8)
    halves[:, :20] = COLOUR
    image = decode_image(encode(Image.fromarray(halves), "PNG", exif=exif), "x")
    assert image.shape == (60, 40, 3)
    assert (image[:20] == COLOUR).all()
    assert not image[20:].any()


def test_rgb_without_opencv_s_own_flag(monkeypatch):
    data = encode(busy(), "JPEG")
    expected = decode_image(data, "x")
    monkeypatch.setattr(images, "_RGB_FLAG", None)  # as in OpenCV 4.10
    assert np.array_equal(decode_image(data, "x"), expected)


@pytest.mark.parametrize(
    ("kind", "share"), itertools.product(["JPEG", "PNG", "BMP", "WEBP"], [0.3, 0.9, 0.999])
)
def test_a_cut_file_is_refused(kind, share):
    data = encode(busy(), kind)
    assert decode_image(data, "whole").shape == (200, 300, 3)
    with pytest.raises(DataError, match=r"cut off|not an image"):
        decode_image(data[: int(len(data) * share)], "x")


def test_an_embedded_thumbnail_does_not_hide_the_cut():
    data = encode(busy(), "JPEG")
    thumbnail = encode(busy().resize((30, 20)), "JPEG")
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = data[:2] + segment + data[2:]
    assert decode_image(whole, "x").shape == (200, 300, 3)
    with pytest.raises(DataError, match="cut off"):
        decode_image(whole[: len(whole) // 2], "x")


def test_bytes_behind_the_end_do_no_harm():
    for kind in ("JPEG", "PNG"):
        assert decode_image(encode(busy(), kind) + bytes(100), "x").shape == (200, 300, 3)


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "is empty"), (b"<html>404</html>", "not an image")]
)
def test_what_is_no_image_is_named(tmp_path, data, words):
    path = tmp_path / "tiger.jpg"
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"tiger.jpg: .*{words}"):
        read_image(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"gone\.jpg: no such image"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match="cannot be read"):
        read_image(tmp_path)
