"""Images."""

import io

import cv2
import numpy as np
import pytest
from herds import COLOURS, picture
from PIL import Image

from hrpose.datasets.preflight.look import look_through, require_good_images
from hrpose.errors import DataError


def encoded(kind: str = "PNG", mode: str = "RGB", pixels=None, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture() if pixels is None else pixels).convert(mode).save(
        buffer, kind, **options
    )
    return buffer.getvalue()


def deep() -> bytes:
    """The picture with 16 bits a channel."""
    return cv2.imencode(".png", picture()[..., ::-1].astype(np.uint16) * 257)[1].tobytes()


def colours_at_keypoints(sample) -> np.ndarray:
    """(K, 3) RGB of the crop at its keypoints."""
    x, y = sample["keypoints"].round().astype(int).T
    return sample["image"][y, x].astype(int)


BROKEN = {
    "zero-byte": (b"", "the file is empty"),
    "cut off": (encoded("JPEG", quality=95)[:-300], "the image is cut off"),
    "not an image": (b"<html>404 Not ImageFile</html>", "not an image that OpenCV can decode"),
}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(
            data, words, id=name,
            marks=pytest.mark.fault(
                name=f"image: {name}",
                does=f"dao-1.png is {name}; on_bad_image='error', then 'skip'",
                expects="before training: DataError names image and annotation; with 'skip' it is "
                "counted and named and the others are used",
            ),
        )
        for name, (data, words) in BROKEN.items()
    ],
)  # fmt: skip
def test_broken_image(herd, happened, data, words):
    (herd.folder / "dao-1.png").write_bytes(data)
    with pytest.raises(DataError) as caught:
        require_good_images(herd.open(), "train")
    (line,) = [line for line in str(caught.value).splitlines() if "dao-1.png" in line]
    assert words in line and "[annotation 8 of " in line
    skipping = herd.open(on_bad_image="skip")
    assert (
        "4 images looked at (JPEG files read, others decoded), 1 cannot be used"
        in require_good_images(skipping, "train")
    )
    assert words in skipping[1]["bad"][0] and "image" not in skipping[1]
    assert all("image" in skipping[index] for index in (0, 2, 3))
    happened(f"DataError: dao-1.png: {words} [annotation 8 of horses.json]; with 'skip' the run "
             "goes on with the other 3")  # fmt: skip


@pytest.mark.fault(
    name="image: missing",
    does="dao-1.png is removed",
    expects="DataError before training names image and annotation",
)
def test_missing_image(herd, happened):
    (herd.folder / "dao-1.png").unlink()
    (problem,) = look_through(herd.open()).problems
    assert str(problem).startswith(f"{herd.folder}/dao-1.png: no such image [annotation 8 of ")
    with pytest.raises(DataError, match="1 cannot be used"):
        require_good_images(herd.open(), "train")
    happened("DataError: dao-1.png: no such image [annotation 8 of horses.json]")


@pytest.mark.fault(
    name="image: name in the wrong case",
    does="the annotation says dao-1.png, the file is Dao-1.PNG",
    expects="DataError before training names the file that is there",
)
def test_wrong_case(herd, happened):
    (herd.folder / "dao-1.png").rename(herd.folder / "Dao-1.PNG")
    if (herd.folder / "dao-1.png").exists():
        pytest.skip("this file system does not tell apart names that differ in case")
    (problem,) = look_through(herd.open()).problems
    assert problem.why.startswith(f"no such image; there is {herd.folder}/Dao-1.PNG: names that")
    happened("DataError: dao-1.png: no such image; there is Dao-1.PNG: names that differ in case "
             "or spelling are different files")  # fmt: skip


KINDS = {
    "CMYK": (encoded("JPEG", "CMYK", quality=98), 60),
    "16-bit": (deep(), 3),
    "grey": (encoded("PNG", "L"), None),
    "RGBA": (encoded("PNG", "RGBA"), 3),
    "palette": (encoded("PNG", "P"), 60),
}


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        pytest.param(
            *case, id=kind,
            marks=pytest.mark.fault(
                name=f"image: {kind}",
                does=f"dao-0.png is {kind}",
                expects="converted to 8-bit RGB; each keypoint still lies on its dot",
            ),
        )
        for kind, case in KINDS.items()
    ],
)  # fmt: skip
def test_unusual_image(herd, happened, data, tolerance):
    (herd.folder / "dao-0.png").write_bytes(data)
    dataset = herd.open()
    assert look_through(dataset).problems == look_through(dataset, full=True).problems == []
    sample = dataset[0]
    assert sample["image"].dtype == np.uint8 and sample["image"].shape == (64, 96, 3)
    found = colours_at_keypoints(sample)
    if tolerance is None:
        assert (found.max(axis=1) - found.min(axis=1)).max() == 0
        assert found.min() > 50, "the dots are brighter than the ground of 40"
        happened("read as RGB with equal channels; a dot under each keypoint")
    else:
        off = int(np.abs(found - COLOURS).max())
        assert off <= tolerance
        happened(f"read as RGB; colours at the keypoints off by {off} of 255 at most")


@pytest.mark.fault(
    name="image: EXIF-rotated",
    does="the picture stored in each of the 8 EXIF orientations, as JPEG and as PNG",
    expects="it is turned as the EXIF data say: each keypoint still lies on its dot",
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation(herd, happened, kind):
    turn_back = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }
    for orientation, stored in turn_back.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        pixels = np.ascontiguousarray(stored(picture()))
        options = {"quality": 98} if kind == "JPEG" else {}
        data = encoded(kind, pixels=pixels, exif=exif, **options)
        (herd.folder / "dao-0.png").write_bytes(data)
        dataset = herd.open()
        assert look_through(dataset).problems == []
        off = np.abs(colours_at_keypoints(dataset[0]) - COLOURS).max()
        assert off <= (60 if kind == "JPEG" else 3), orientation
    happened(f"8 of 8 orientations of {kind} are aligned")


@pytest.mark.fault(
    name="image: EXIF-rotated, labels made before the turn",
    does="width and height are those before the EXIF turn, and the labels lie outside after it",
    expects="DataError before training says that the EXIF orientation is the reason",
)
def test_labels_of_the_unturned_image(herd, happened):
    exif = Image.Exif()
    exif[0x0112] = 6
    (herd.folder / "dao-0.png").write_bytes(encoded("JPEG", exif=exif))
    with pytest.raises(DataError) as caught:
        require_good_images(herd.open(), "train")
    words = (
        "is 64 x 96 px, its annotation says 96 x 64 and lies partly outside; it is that size "
        "before its EXIF orientation is applied, which is done here"
    )
    assert words in str(caught.value)
    happened(f"DataError: dao-0.png: {words}")
