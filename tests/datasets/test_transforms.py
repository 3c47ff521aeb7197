import hashlib

import cv2
import numpy as np
import pytest

from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.half_body import RandomHalfBody
from hrpose.datasets.photometric import Photometric
from hrpose.datasets.random_transforms import (
    RandomFlip,
    RandomScaleRotate,
    RandomShift,
)
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.datasets.whole_pixel_crop import WholePixelCrop
from hrpose.errors import DataError
from hrpose.geometry import apply_affine, invert_affine

RNG = np.random.default_rng(0)


def sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def reference_set(facts, meta, root, udp=False) -> CocoPoseDataset:
    size = tuple(facts["input_size"])
    steps = [LoadImage(), CropBox(size, facts["padding"]), Warp(size, udp)]
    name = f"test_{meta.dataset}.json"
    return CocoPoseDataset(name, "", meta, steps, str(root), box_clean_up=facts["box_clean_up"])


def check_against_reference(facts, meta, root):
    """Crops to the last bit, joints to 1e-4 px, as MMPose v0.14 makes them."""
    data, udp = (reference_set(facts, meta, root, udp) for udp in (False, True))
    assert len(data) == len(facts["samples"])
    for i, expected in enumerate(facts["samples"]):
        record = {**data.record(i, 0), "meta": meta, "image_size": None}
        assert np.array_equal(record["box"], expected["box"])
        visible = np.array(expected["visible"])
        joints = np.array(expected["keypoints"]).reshape(-1, 2)
        assert np.array_equal(record["visible"], visible)
        assert np.allclose(record["keypoints"], joints, atol=1e-4)
        assert sha(LoadImage()(dict(record), RNG)["image"]) == expected["source_sha"]
        plan = data.pipeline[1](record, RNG)
        assert np.allclose(plan["center"], expected["center"], rtol=1e-7, atol=0)
        assert np.allclose(plan["size"] / 200, expected["scale"], rtol=1e-6, atol=0)
        sample = data[i]
        assert sha(sample["image"]) == expected["crop_sha"]
        joints_input = np.array(expected["keypoints_input"]).reshape(-1, 2)
        assert np.abs(sample["keypoints"] - joints_input).max() < 1e-4
        assert np.array_equal(sample["visible"], visible)
    first = facts["samples"][0]
    seen = np.array(first["visible"]) > 0
    expected_udp = np.array(first["udp_keypoints_input"]).reshape(-1, 2)
    assert sha(udp[0]["image"]) == first["udp_crop_sha"]
    assert np.abs(udp[0]["keypoints"] - expected_udp)[seen].max() < 1e-4


def test_horse10_crops_are_the_reference_s(golden, references, reference_meta):
    check_against_reference(
        references["horse10"], reference_meta("horse10"), golden / "data" / "horse10"
    )


@pytest.mark.parametrize("dataset", ["macaque", "atrw"])
def test_macaque_and_atrw_crops_are_the_reference_s(data_dir, references, reference_meta, dataset):
    root = data_dir / "mmpose-samples" / dataset
    check_against_reference(references[dataset], reference_meta(dataset), root)


class Watched(dict):
    """A dict that remembers which keys were looked at."""

    def __init__(self, *args):
        super().__init__(*args)
        self.seen = set()

    def __getitem__(self, key):
        self.seen.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.seen.add(key)
        return super().get(key, default)


def sample_for(step, meta) -> dict:
    image = np.random.default_rng(0).integers(0, 255, (80, 100, 3), dtype=np.uint8)
    sample = {
        "image_path": "unused",
        "image_size": None,
        "image": image,
        "box": np.array([10.0, 20, 40, 30]),
        "keypoints": np.array([[12, 22], [20, 40], [45, 48.5], [0, 0]], np.float32),
        "visible": np.array([1, 1, 1, 0], np.float32),
        "index": 0,
        "meta": meta,
    }
    if not isinstance(step, LoadImage):
        LoadImage()(sample, RNG)
    if not isinstance(step, LoadImage | CropBox):
        CropBox((64, 64))(sample, RNG)
    if isinstance(step, Photometric):
        Warp((64, 64))(sample, RNG)
    return sample


@pytest.mark.parametrize(
    "step",
    [
        LoadImage(),
        CropBox((64, 64)),
        RandomShift(prob=1),
        RandomFlip(prob=1),
        RandomHalfBody(prob=1, min_visible=3, upper_prob=0),
        RandomScaleRotate(rotate_prob=1),
        Warp((64, 64)),
        WholePixelCrop((64, 64)),
        Photometric(prob=1, blur=1, noise=3),
    ],
    ids=lambda step: type(step).__name__,
)
def test_declarations(step, meta, toy):
    """Each reads only what it says, changes all that it says, adds all that it says, no more; and
    never writes into an array that it was given.
    """
    before = sample_for(step, meta)
    if isinstance(step, LoadImage):
        del before["image"]
        before["image_path"] = str(toy.root / "images" / "0.jpg")
        before["image_size"] = (50, 50)
    copies = {k: v.copy() for k, v in before.items() if isinstance(v, np.ndarray)}
    watched = Watched(before)
    after = step(watched, np.random.default_rng(1))
    given = set(before)
    assert watched.seen - set(step.adds) <= {*step.reads, *step.changes}
    assert set(step.reads) <= watched.seen
    assert set(after) - given == set(step.adds)
    changed = {key for key in given if after[key] is not before[key]}
    assert changed == set(step.changes)
    assert not set(step.reads) & set(step.changes)
    for key, copy in copies.items():
        assert np.array_equal(before[key], copy), f"{key} was written into"


def test_a_mirrored_crop_is_the_crop_of_the_mirrored_image(meta):
    """Warping once with the mirror inside the matrix equals mirroring the whole image first."""
    sample = sample_for(Warp, meta)
    sample["image"] = cv2.GaussianBlur(sample["image"], (0, 0), 3)
    mirrored = {**sample, "image": np.ascontiguousarray(sample["image"][:, ::-1])}
    for each in (sample, mirrored):
        RandomFlip(prob=1)(each, RNG)
        each["rotation"] = 20.0
    mirrored["flipped"] = False  # its pixels are mirrored already
    once, twice = (Warp((64, 48))(each, RNG) for each in (sample, mirrored))
    assert np.abs(once["image"].astype(int) - twice["image"]).max() <= 1
    assert np.array_equal(once["keypoints"], twice["keypoints"])


def test_the_kept_matrix_leads_back_to_the_image(toy, meta, train_steps):
    """Keypoints in input px, through the inverse, are the annotated ones, mirrored or not."""
    data = toy.open(meta, train_steps)
    flips = set()
    for epoch in range(6):
        for index in range(len(data)):
            sample = data[epoch, index]
            flipped = bool(np.linalg.det(sample["matrix"][:, :2]) < 0)
            flips.add(flipped)
            back = apply_affine(sample["keypoints"], invert_affine(sample["matrix"]))
            order = meta.flip_index if flipped else list(range(len(meta)))
            seen = sample["visible"] > 0
            assert seen.tolist() == [True, True, True, False]
            expected = data.truth().keypoints[index][order]
            assert np.allclose(back[seen], expected[seen], atol=1e-3)
            assert not sample["keypoints"][~seen].any()
    assert flips == {True, False}


def test_warp_by_hand(meta):
    """A 4 x 4 px box at (2, 1), padding 1, on 8 x 8 px: input px are twice the offset, and what
    lies outside the image is black.
    """
    sample = sample_for(CropBox, meta)
    sample.update(image=np.full((6, 7, 3), 90, np.uint8), photo=(7, 6))
    sample["box"] = np.array([2.0, 1, 4, 4])
    sample["keypoints"] = np.array([[4, 3], [2, 1], [6, 5], [9, 9]], np.float32)
    for step in (CropBox((8, 8), padding=1), Warp((8, 8))):
        sample = step(sample, RNG)
    assert sample["keypoints"].tolist() == [[4, 4], [0, 0], [8, 8], [9, 9]]  # the last: no label
    assert np.allclose(sample["matrix"], [[2, 0, -4], [0, 2, -2]])
    assert (sample["image"] == 90).all()
    sample = sample_for(CropBox, meta)
    sample["box"] = np.array([200.0, 200, 10, 10])
    for step in (CropBox((8, 8)), Warp((8, 8))):
        sample = step(sample, RNG)
    assert not sample["image"].any()


def test_keypoints_that_leave_the_crop_stay_visible(meta):
    sample = sample_for(CropBox, meta)
    sample["box"] = np.array([40.0, 40, 10, 10])
    for step in (CropBox((64, 64)), Warp((64, 64))):
        sample = step(sample, RNG)
    assert (sample["keypoints"][:2] < 0).any()
    assert sample["visible"].tolist() == [1, 1, 1, 0]


def test_an_image_that_is_there_is_kept(meta):
    sample = sample_for(LoadImage, meta)
    assert LoadImage()(sample, RNG)["image"] is sample["image"]


def test_labels_made_for_another_size_of_the_image(toy, meta, test_steps):
    """Annotations of the 200 x 160 px original on images of 100 x 80 px."""
    for image, entry in zip(toy.images, toy.annotations, strict=True):
        image.update(width=200, height=160)
        entry["bbox"] = [2 * value for value in entry["bbox"]]
        entry["keypoints"] = [
            value if k % 3 == 2 else 2 * value for k, value in enumerate(entry["keypoints"])
        ]
    data = toy.open(meta, test_steps)
    with pytest.raises(DataError, match=r"is 100 x 80 px, its annotation says 200 x 160.*ation 50"):
        data[0]


def test_a_wrong_size_with_labels_that_fit_is_let_pass(toy, meta, test_steps):
    toy.images[0].update(width=104, height=84)
    assert toy.open(meta, test_steps)[0]["image"].shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CropBox((0, 64)), r"input_size \(0, 64\): must be"),
        (lambda: Warp((64,)), r"size \(64,\): must be"),
        (lambda: CropBox((64, 64), padding=0), "padding 0: must be above 0"),
        (lambda: RandomFlip(prob=1.5), "prob 1.5: must be a probability"),
        (lambda: RandomScaleRotate(scale=1), "scale 1: must be from 0 to below 1"),
        (lambda: Photometric(blur=-1), "must not be below 0"),
    ],
)
def test_wrong_settings(make, words):
    with pytest.raises(ValueError, match=words):
        make()
