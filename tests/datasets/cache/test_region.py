"""Which part of a photograph is kept, and that a crop from it is the crop from the photograph."""

import math

import cv2
import numpy as np
import pytest

from hrpose.datasets import transforms
from hrpose.datasets.base import wanted_window
from hrpose.datasets.cache import region as module
from hrpose.datasets.cache.region import Region, View, Window, cut, window_of
from hrpose.datasets.half_body import RandomHalfBody
from hrpose.datasets.photometric import Photometric
from hrpose.datasets.random_transforms import (
    RandomFlip,
    RandomScaleRotate,
    RandomShift,
)
from hrpose.datasets.transforms import CropBox, LoadImage, Transform, Warp
from hrpose.geometry import affine_matrix, compose, mirror_matrix, udp_matrix
from hrpose.keypoints import KeypointMeta

PHOTO = (200, 100)
SIZES = [(64, 64), (48, 64), (64, 48), (61, 47)]


def test_window_by_hand():
    """A crop of 20 x 10 px around (50, 40): half of it and 4 px each way."""
    view = View((50, 40), (20, 10))
    assert window_of([view], PHOTO) == Window(36, 31, 64, 49, PHOTO)
    assert window_of([view._replace(shift=(3, 2))], PHOTO) == Window(33, 29, 67, 51, PHOTO)
    # turned: the half diagonal, 11.18, if the corner can point to the side
    assert window_of([view._replace(degrees=90)], PHOTO) == Window(34, 24, 66, 56, PHOTO)
    other = View((10, 60), (8, 8))
    assert window_of([view, other], PHOTO) == Window(2, 31, 64, 68, PHOTO)


def test_window_ends_with_the_photograph():
    assert window_of([View((5, 95), (20, 20))], PHOTO) == Window(0, 81, 19, 100, PHOTO)


@pytest.mark.parametrize(
    "view", [View((100, 50), (190, 90)), View((400, 50), (20, 20)), View((100, 50), (900, 900))]
)
def test_nearly_all_or_nothing_is_the_whole(view):
    assert window_of([view], PHOTO) is None


def test_the_furthest_turn_is_the_widest():
    """Against trying all turns: half the width and height of the box around a turned box."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        width, height, most = rng.uniform(1, 100, 3)
        turns = np.radians(np.linspace(0, most, 2000))
        wide = (width * np.cos(turns) + height * np.sin(turns)).max() / 2
        tall = (height * np.cos(turns) + width * np.sin(turns)).max() / 2
        assert module._half_extent(width, height, most) == pytest.approx((wide, tall), abs=1e-4)
        assert module._half_extent(width, height, -most) == pytest.approx((wide, tall), abs=1e-4)


@pytest.fixture(scope="module")
def photographs(data_dir):
    """Real ones, and one of noise, which shows any difference."""
    folder = data_dir / "mmpose-samples"
    paths = [
        *sorted((folder / "macaque").glob("*.jpg")),
        *sorted((folder / "horse10").glob("*.png")),
    ]
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    return [cv2.imread(str(paths[0])), cv2.imread(str(paths[-1])), noise]


def drawn_plan(rng, photo, size):
    """Matrix and view of a random crop: also over the border, mirrored, with UDP; some of them at
    half px and not turned, where row starts lie between two of OpenCV's fixed points.
    """
    center = np.float32(rng.uniform([-20, -20], [photo[0] + 20, photo[1] + 20]))
    width = np.float32(math.exp(rng.uniform(math.log(20), math.log(300))))
    extent = np.array([width, width * np.float32(size[1] / size[0])], np.float32)
    degrees = float(rng.normal(0, 40)) if rng.random() < 0.6 else 0.0
    if rng.random() < 0.3:
        center, extent = np.round(center * 2) / 2, np.round(extent)
    make = udp_matrix if rng.random() < 0.3 else affine_matrix
    matrix = make(center, extent, degrees, size)
    x, y = map(float, center)
    if rng.random() < 0.5:
        matrix, x = compose(matrix, mirror_matrix(photo[0])), photo[0] - 1 - x
    tall = float(max(extent[1], extent[0] * size[1] / size[0]))
    return matrix, View((x, y), (float(extent[0]), tall), (0.0, 0.0), degrees)


def test_a_crop_from_a_region_is_that_of_the_photograph(photographs, monkeypatch):
    """1,500 random crops, to the last bit; both ways to get there are taken."""
    rng, remapped, from_region = np.random.default_rng(1), [], 0
    remap = cv2.remap
    monkeypatch.setattr(cv2, "remap", lambda *args: remapped.append(1) or remap(*args))
    for number in range(1500):
        image = photographs[number % len(photographs)]
        photo, size = image.shape[1::-1], SIZES[number % 4]
        matrix, view = drawn_plan(rng, photo, size)
        expected = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)
        assert np.array_equal(cut(Region.whole(image), matrix, size), expected)
        window = window_of([view], photo)
        if window is None:
            continue
        part = image[window.top : window.bottom, window.left : window.right].copy()
        part.flags.writeable = False  # as it comes from a cache
        crop = cut(Region(part, (window.left, window.top), photo), matrix, size)
        assert crop is not None
        assert np.array_equal(crop, expected)
        from_region += 1
    assert from_region > 800
    assert 10 < len(remapped) < 0.2 * from_region


def test_a_region_that_is_too_small_gives_no_crop(photographs):
    image = photographs[2]
    matrix = affine_matrix(np.float32([200, 150]), np.float32([64, 64]), 0.0, (64, 64))
    assert (
        cut(Region(image[100:200, 150:250], (150, 100), (400, 300)), matrix, (64, 64)) is not None
    )
    for rows, columns in (
        (slice(119, 200), slice(150, 250)),
        (slice(100, 181), slice(150, 250)),
        (slice(100, 200), slice(169, 250)),
        (slice(100, 200), slice(150, 231)),
    ):
        small = Region(image[rows, columns], (columns.start, rows.start), (400, 300))
        assert cut(small, matrix, (64, 64)) is None


def record_of(rng, meta, photo) -> dict:
    """An animal anywhere in the photograph, its labelled keypoints in the box."""
    x, y = rng.uniform([0, 0], [photo[0] - 20, photo[1] - 20])
    box = np.array([x, y, *rng.uniform(15, 60, 2)])
    keypoints = (box[:2] + rng.uniform(0, 1, (len(meta), 2)) * box[2:]).astype(np.float32)
    visible = (rng.random(len(meta)) < 0.8).astype(np.float32)
    return {
        "image_path": "unread", "image_size": photo, "region": None, "box": box, "meta": meta,
        "keypoints": keypoints, "visible": visible, "index": 0,
    }  # fmt: skip


MOVES = {
    "all, in the usual order": lambda: [
        RandomShift(1), RandomFlip(), RandomHalfBody(0.5, 3), RandomScaleRotate(),
    ],
    "in another order": lambda: [
        RandomHalfBody(0.5, 3), RandomScaleRotate(0.2, 60, 1), RandomFlip(), RandomShift(1, 0.4),
    ],
    "of MMPose 1.x": lambda: [
        RandomFlip(), RandomHalfBody(0.5, 3, 0.7, 2), RandomShift(1, 0.2, True),
        RandomScaleRotate(0.5, 80, 1, True),
    ],
    "none": list,
}  # fmt: skip


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("udp", [False, True])
def test_reach_is_far_enough(moves, udp, photographs, monkeypatch):
    """What the transforms say beforehand holds every crop they draw: the photograph is not read."""
    monkeypatch.setattr(transforms, "read_image", None)
    # the halves of a mirrored animal are others: a is the mirror image of d
    meta = KeypointMeta("six", list("abcdef"), [("a", "d")], list("abc"), list("def"))
    image, photo = photographs[2], (400, 300)
    rng, parts = np.random.default_rng(2), []
    size = (48, 64)
    steps = [LoadImage(), CropBox(size), *MOVES[moves](), Warp(size, udp), Photometric()]
    for _ in range(40):
        record = record_of(rng, meta, photo)
        window = wanted_window(steps, record)
        if window is None:
            continue
        left, top, right, bottom, _ = window
        parts.append((right - left) * (bottom - top) / (400 * 300))
        region = Region(image[top:bottom, left:right], (left, top), photo)
        for seed in range(20):
            whole = {**record, "region": Region.whole(image)}
            part = {**record, "region": region}
            for step in steps[:-1]:
                whole = step(whole, np.random.default_rng(seed))
                part = step(part, np.random.default_rng(seed))
            assert np.array_equal(part["image"], whole["image"])
            assert np.array_equal(part["keypoints"], whole["keypoints"])
    assert len(parts) > 20
    assert np.median(parts) < 0.6


class Strange(Transform):
    """A user's own, which looks at the photograph."""

    reads = ("image",)


def test_what_cannot_be_known_is_the_whole(meta):
    record = record_of(np.random.default_rng(0), meta, (4000, 3000))
    steps = [LoadImage(), CropBox((64, 64)), Warp((64, 64))]
    assert wanted_window(steps, record) is not None
    assert wanted_window([*steps, Strange()], record) is not None  # after Warp it sees the crop
    assert wanted_window([steps[0], Strange(), *steps[1:]], record) is None
    assert wanted_window(steps, {**record, "image_size": None}) is None


def test_going_further_than_announced_costs_time_but_changes_nothing(
    meta, photographs, monkeypatch
):
    image = photographs[2]
    monkeypatch.setattr(transforms, "read_image", lambda path: image)
    record = record_of(np.random.default_rng(0), meta, (400, 300))
    steps = [LoadImage(), CropBox((64, 64)), Warp((64, 64))]
    left, top, right, bottom, photo = wanted_window(steps, record)
    part = Region(image[top:bottom, left:right], (left, top), photo)
    crops = []
    for region in (part, Region.whole(image)):
        sample = {**record, "region": region}
        for step in steps[:2]:
            sample = step(sample, None)
        sample["size"] = sample["size"] * np.float32(2)
        crops.append(steps[2](sample, None)["image"])
    assert np.array_equal(*crops)
