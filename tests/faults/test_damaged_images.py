"""Damaged images: what the look lets through is decoded."""

import os
import subprocess
import sys
import time

import cv2
import pytest
from damaged_images import by_pillow, damaged, kinds, png_of

from hrpose.datasets.images import read_image
from hrpose.datasets.preflight import look
from hrpose.datasets.preflight.image_file import look_at_file
from hrpose.datasets.preflight.look import look_through, require_good_images
from hrpose.errors import DataError

WAYS = 60
KINDS = kinds()


@pytest.mark.parametrize(
    "container",
    [
        pytest.param(
            container,
            marks=pytest.mark.fault(
                name=f"image: damaged {container}",
                does=f"{len(files)} kinds of {container} file, each as it is and damaged in {WAYS} "
                "ways: cut off, bytes changed, zeros, sizes, parts moved, two in one, garbage",
                expects="what the look lets through is decoded to the size that the look says, "
                "what it refuses is not decoded, and both in the same words",
            ),
        )
        for container, files in KINDS.items()
    ],
)
def test_what_passes_is_decoded(tmp_path, happened, container):
    path = tmp_path / "image"
    passed = refused = 0
    for number, whole in enumerate(KINDS[container]):
        for data in damaged(whole, KINDS[container], number, WAYS):
            path.write_bytes(data)
            found = look_at_file(str(path), False, {})
            try:
                height, width = read_image(path).shape[:2]
            except DataError as error:
                assert found.why is not None and str(error).startswith(f"{path}: {found.why}")
                refused += 1
            else:
                assert found.good is not None and found.good[:2] == (width, height)
                passed += 1
    readable = container not in ("GIF", "AVIF") or passed  # by newer OpenCV alone
    assert refused > 5 and (passed >= len(KINDS[container]) or not readable)
    happened(f"{passed} pass and are decoded, {refused} are refused by both")


@pytest.mark.fault(
    name="image: damaged animated PNG",
    does="an animated PNG, cut off in 40 places, is read in a process of its own",
    expects="read as the still picture, or a DataError; OpenCV 4.11 ended the process",
)
def test_damaged_animation(tmp_path, happened):
    whole = by_pillow("PNG", save_all=True, append_images=True)
    assert b"acTL" in whole and b"fdAT" in whole
    for number in range(40):
        (tmp_path / f"{number}.png").write_bytes(whole[: len(whole) * (number + 1) // 41])
    (tmp_path / "40.png").write_bytes(whole)
    code = """
import sys
from pathlib import Path
from hrpose.datasets.images import read_image
from hrpose.errors import DataError
for path in Path(sys.argv[1]).iterdir():
    try:
        print(read_image(path).shape)
    except DataError:
        print("DataError")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 41 and set(lines) == {"(60, 90, 3)", "DataError"}
    happened("the whole file is read as its still picture, the 40 others are a DataError each"
             if lines.count("DataError") == 40 else "all 41 are read or refused")  # fmt: skip


@pytest.mark.fault(
    name="image: decoding bomb",
    does="dao-1.png is a PNG of 50 KB with 20,000 x 20,000 px; on_bad_image='error', then 'skip'",
    expects="refused with its size before anything is decoded, by the look and by training alike",
)
def test_bomb(herd, happened, monkeypatch):
    bomb = png_of(20_000, 20_000)
    assert len(bomb) < 60_000
    (herd.folder / "dao-1.png").write_bytes(bomb)
    decode = cv2.imdecode
    monkeypatch.setattr(
        cv2, "imdecode", lambda data, *how: decode(data, *how) if len(data) != len(bomb) else None
    )
    words = "is 20000 x 20000 px, more than the 268,435,456 px that an image may have"
    with pytest.raises(DataError) as caught:
        require_good_images(herd.open(), "train")
    assert f"dao-1.png: {words}" in str(caught.value)
    skipping = herd.open(on_bad_image="skip")
    assert words in require_good_images(skipping, "train")
    assert words in skipping[1]["bad"][0] and "image" in skipping[0]
    happened(f"DataError: dao-1.png: {words}")


@pytest.mark.fault(
    name="image: larger than OpenCV's own limit",
    does="the look at good images with OPENCV_IO_MAX_IMAGE_PIXELS=1000 in the environment",
    expects="one DataError for all, which names the variable",
)
def test_limit_of_opencv(herd, happened):
    (herd.folder / "dao-2.png").write_bytes(by_pillow("JPEG"))
    code = """
import sys
from pathlib import Path
from hrpose.datasets.preflight.image_file import look_at_file
for path in sorted(Path(sys.argv[1]).glob("dao-*.png")):
    print(look_at_file(str(path), False, {}).why)
"""
    herd.open()
    done = subprocess.run(
        [sys.executable, "-c", code, str(herd.folder)], capture_output=True, text=True, check=True,
        env={**os.environ, "OPENCV_IO_MAX_IMAGE_PIXELS": "1000"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all("is larger than OpenCV may read here" in line for line in lines)
    assert all("OPENCV_IO_MAX_IMAGE_PIXELS" in line for line in lines)
    happened(f"each image: {lines[0]}")


@pytest.mark.fault(
    name="Ctrl-C in the look",
    does="Ctrl-C when the first of 400 images, each of which takes .1 s, was looked at",
    expects="the look ends when the threads are done with one image each",
)
def test_ctrl_c(herd, happened, monkeypatch):
    data = herd.open()
    monkeypatch.setattr(look, "look_at_file", lambda *_: time.sleep(0.1) or look.ImageFile("slow"))
    record = data.record
    monkeypatch.setattr(type(data), "__len__", lambda _: 400)
    monkeypatch.setattr(
        data, "record", lambda index, epoch: {**record(0, epoch), "image_path": f"{index}.jpg"}
    )
    begun = []

    def bar(items, total, title):
        next(items)
        begun.append(time.monotonic())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look_through(data, bar=bar)
    took = time.monotonic() - begun[0]
    assert took < 1, "a task of 16 images takes 1.6 s"
    happened(f"ended after {took:.1f} s")
