"""DeepLabCut's crop: its place and px as DeepLabCut 3.0.2 made them (golden/deeplabcut)."""

import hashlib
import json

import cv2
import numpy as np
import pytest

from hrpose.datasets.cache.region import Region, window_of
from hrpose.datasets.images import read_image
from hrpose.datasets.transforms import LoadImage
from hrpose.datasets.whole_pixel_crop import WholePixelCrop
from hrpose.errors import DataError
from hrpose.geometry import apply_affine, invert_affine
from hrpose.keypoints import KeypointMeta
from hrpose.predict.crops import Cropper

RNG = np.random.default_rng(0)
CASES = ["quadruped", "topviewmouse", "plain_locref"]


def cropper(size=(256, 256)):
    return Cropper([LoadImage(), WholePixelCrop(size)], KeypointMeta("one", ["nose"]))


@pytest.fixture(scope="module")
def items(golden):
    cases = json.loads((golden / "deeplabcut/forward.json").read_text())["cases"]
    return [item for case in CASES for item in cases[case]]


def test_the_place_of_crops_is_deeplabcut_s(items):
    assert len(items) == 7
    for item in items:
        image = np.zeros((*item["image_hw"], 3), np.uint8)
        _, matrix = cropper()(image, np.array(item["bbox_xywh"]))
        back = invert_affine(matrix)
        np.testing.assert_allclose(back[:, 2], item["offset_xy"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(back[:, :2], np.diag(item["scale_xy"]), rtol=0, atol=1e-12)
        in_crop, in_image = (
            np.array(item[name])[:, :2] for name in ("poses_in_crop_px", "bodyparts_image_px_headA")
        )
        np.testing.assert_allclose(apply_affine(in_crop, back), in_image, rtol=0, atol=1e-4)


def test_crops_of_photographs_are_deeplabcut_s_to_the_bit(items, data_dir):
    for item in items:
        image = read_image(data_dir / item["image"].removeprefix("data/"))
        crop, _ = cropper()(image, np.array(item["bbox_xywh"]))
        assert hashlib.sha256(crop.tobytes()).hexdigest()[:16] == item["crop_sha256_16"]


def photograph():
    noise = np.random.default_rng(3).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def test_a_crop_by_hand():
    image = photograph()
    # centre (15, 31), side 40: from (-5, 11) to before (35, 51)
    crop, matrix = cropper((64, 64))(image, np.array([0.0, 11.0, 30.0, 40.0]))
    piece = np.zeros((40, 40, 3), np.uint8)
    piece[:, 5:] = image[11:51, :35]
    assert np.array_equal(crop, cv2.resize(piece, (64, 64), interpolation=cv2.INTER_LINEAR))
    assert matrix.tolist() == [[1.6, 0, 8.0], [0, 1.6, -17.6]]


def test_halves_are_rounded_to_even_and_sides_may_differ_by_one():
    # centre (10.5, 10.25), side 9: x from 6 to 15; y from 5.75 to 14.75, so from 6 to 15
    _, matrix = cropper((64, 64))(photograph(), np.array([6.0, 6.0, 9.0, 8.5]))
    assert invert_affine(matrix)[:, 2].round(9).tolist() == [6, 6]
    # centre (10.5, 10), side 8: x from 6.5 to 14.5, so from 6 to 14; y from 6 to 14
    _, matrix = cropper((64, 64))(photograph(), np.array([6.5, 6.0, 8.0, 8.0]))
    assert (64 / np.diag(matrix)).tolist() == [8, 8]
    # centre (10.5, 10), side 7: x from 7 to 14; y from 6.5 to 13.5, so from 6 to 14
    _, matrix = cropper((64, 64))(photograph(), np.array([7.0, 6.5, 7.0, 7.0]))
    assert (64 / np.diag(matrix)).tolist() == [7, 8]


@pytest.mark.parametrize("box", [(200.0, 5.0, 10.0, 10.0), (5.2, 5.2, 0.1, 0.1)])
def test_boxes_outside_and_of_less_than_a_pixel(box):
    crop, matrix = cropper((64, 64))(photograph(), np.array(box))
    assert crop.shape == (64, 64, 3) and np.isfinite(matrix).all()
    assert crop.any() == (box[0] < 80)


def test_a_box_of_kilometres_is_refused():
    with pytest.raises(DataError, match=r"its box 0, 0, 1e\+06, 1 px makes a crop of 1000000 x"):
        cropper()(photograph(), np.array([0, 0, 1e6, 1.0]))


def test_a_cached_part_of_the_photograph_gives_the_same_crop():
    image = photograph()
    sample = {
        "box": np.array([30.0, 20.0, 12.0, 9.0]), "out": None, "image_path": "unused",
        "keypoints": np.array([[33, 22], [5, 5]], np.float32), "visible": np.array([1.0, 0.0]),
    }  # fmt: skip
    step = WholePixelCrop((64, 64))
    window = window_of(step.reach([], sample), (80, 60))
    part = image[window.top : window.bottom, window.left : window.right]
    assert part.size < image.size / 2
    results = []
    for region in (Region.whole(image), Region(part, (window.left, window.top), (80, 60))):
        image_of = dict(zip(("image", "origin", "photo"), region, strict=True))
        results.append(step({**sample, **image_of}, RNG))
    assert np.array_equal(results[0]["image"], results[1]["image"])
    moved = results[0]["keypoints"]
    assert moved[0].tolist() == pytest.approx([(33 - 30) * 64 / 12, (22 - 18) * 64 / 12], abs=1e-4)
    assert moved[1].tolist() == [5, 5]  # not labelled
