"""From an annotation file to the crop that the network sees."""

import functools
import hashlib

import cv2
import numpy as np
import torch

from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.random_transforms import RandomShift
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.geometry import affine_matrix
from parity.codecs import pipeline_file
from parity.links import DATASETS, INPUTS, UNIT, Measured, Reference, Worst, link
from parity.moves import drawn_shift
from parity.recipe import model

CHAPTER = "Records and crops"
RECORDS = "data/db_*_v014.json"
PADDINGS = {"horse10": 1.25, "macaque": 1.25, "atrw": 1.0}
UNUSED = np.random.default_rng(0)


@functools.cache
def sample_set(reference: Reference, dataset: str, udp: bool = False) -> CocoPoseDataset:
    """The sample images as the data set's config page reads them for testing."""
    folder = reference.samples(dataset)
    size = INPUTS[dataset]
    steps = [LoadImage(), CropBox(size, PADDINGS[dataset]), Warp(size, udp)]
    clean_up = "none" if dataset == "horse10" else "mmpose"
    name = f"test_{dataset}.json"
    meta = reference.meta(dataset)
    return CocoPoseDataset(name, "", meta, steps, str(folder), box_clean_up=clean_up)


def count(what: str) -> str:
    return f"7 {what}: 3 Horse-10, 2 MacaquePose, 2 ATRW"


@link(CHAPTER, "Boxes and keypoints of the records", RECORDS, 1e-4, "px")
def records(reference: Reference) -> Measured:
    worst = Worst()
    for dataset in DATASETS:
        data = sample_set(reference, dataset)
        stored = reference.json(f"data/db_{dataset}_v014.json")["test_mode"]
        ours = [data.record(i, 0) for i in range(len(data))]
        worst.unequal([record["image_path"].rsplit("/", 1)[1] for record in ours],
                      [record["image_file"].rsplit("/", 1)[1] for record in stored])  # fmt: skip
        for our, their in zip(ours, stored, strict=True):
            worst.absolute(our["box"], their["bbox"])
            worst.absolute(our["keypoints"], np.array(their["joints_3d"])[:, :2])
            worst.absolute(our["visible"], np.array(their["joints_3d_visible"])[:, 0])
    return Measured(worst.value, count("animals"))


@link(CHAPTER, "Centre and size of the crop, testing", RECORDS, 1e-3, "px")
def planned(reference: Reference) -> Measured:
    return measure_plans(reference, "test_mode")


@link(CHAPTER, "Centre and size of the crop, training, same draws", RECORDS, 1e-3, "px")
def planned_for_training(reference: Reference) -> Measured:
    return measure_plans(reference, "train_mode")


def measure_plans(reference: Reference, mode: str) -> Measured:
    """v0.14 draws the random shift when it loads the records; fed the same draws, so do we."""
    worst = Worst()
    for dataset in DATASETS:
        data = sample_set(reference, dataset)
        draws = np.random.RandomState(0)
        for i, their in enumerate(reference.json(f"data/db_{dataset}_v014.json")[mode]):
            sample = data.pipeline[1](data.record(i, 0), UNUSED)
            if mode == "train_mode":
                sample = RandomShift(0.3, 0.2)(sample, drawn_shift(draws))
            worst.absolute(sample["center"], their["center"])
            worst.absolute(sample["size"], np.float32(their["scale"]) * UNIT)
    return Measured(worst.value, count("animals"))


@link(CHAPTER, "Decoded images, RGB", "data/test_pipeline_*.json", 0, "images that differ")
def images(reference: Reference) -> Measured:
    worst = Worst()
    for dataset in DATASETS:
        data = sample_set(reference, dataset)
        for i, their in enumerate(reference.json(f"{pipeline_file(dataset)}.json")["samples"]):
            record = {**data.record(i, 0), "image_size": None}
            worst.unequal(sha(LoadImage()(record, UNUSED)["image"]), their["src_sha"])
    return Measured(worst.value, count("images, by SHA-256"))


def sha(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


@link(CHAPTER, "Test crops, uint8", "data/test_pipeline_*.npz", 0, "grey levels")
def test_crops(reference: Reference) -> Measured:
    worst, values = Worst(), 0
    for dataset in DATASETS:
        arrays = reference.arrays(f"{pipeline_file(dataset)}.npz")
        for i, sample in enumerate(sample_set(reference, dataset)):
            worst.absolute(sample["image"], arrays[f"crop_u8_{i}"])
            values += sample["image"].size
    return Measured(worst.value, f"7 crops, {values:,} values")


@link(CHAPTER, "Test crops of UDP, uint8", "data/test_pipeline_horse10*.npz", 0, "grey levels")
def udp_crops(reference: Reference) -> Measured:
    worst, crops = Worst(), 0
    for dataset in DATASETS:
        arrays = reference.arrays(f"{pipeline_file(dataset)}.npz")
        if "udp_crop_u8_0" in arrays:
            worst.absolute(
                sample_set(reference, dataset, True)[0]["image"], arrays["udp_crop_u8_0"]
            )
            crops += 1
    return Measured(worst.value, f"{crops} crops")


@link(CHAPTER, "Keypoints in the crop", "data/test_pipeline_*.npz", 1e-4, "input px")
def keypoints(reference: Reference) -> Measured:
    worst, points = Worst(), 0
    for dataset in DATASETS:
        arrays = reference.arrays(f"{pipeline_file(dataset)}.npz")
        for i, sample in enumerate(sample_set(reference, dataset)):
            worst.absolute(sample["visible"], arrays[f"joints_3d_visible_{i}"][:, 0])
            worst.absolute(sample["keypoints"], arrays[f"joints_3d_{i}"][:, :2])
            points += len(sample["visible"])
    return Measured(worst.value, f"{points} keypoints")


@link(CHAPTER, "Normalised input", "data/test_pipeline_*.json", 1e-6, "value")
def normalised(reference: Reference) -> Measured:
    """Mean and spread of every channel, corner and centre of the tensor that the network gets."""
    worst = Worst()
    for dataset in DATASETS:
        topdown = model(dataset, 4)
        seen: list[torch.Tensor] = []
        topdown.backbone.register_forward_pre_hook(
            lambda _, inputs, seen=seen: seen.append(inputs[0])
        )
        samples = reference.json(f"{pipeline_file(dataset)}.json")["samples"]
        for i, their in enumerate(samples):
            crop = sample_set(reference, dataset)[i]["image"]
            with torch.no_grad():
                topdown(torch.from_numpy(crop.transpose(2, 0, 1)[None].copy()))
            tensor = seen.pop()[0].double().numpy()
            worst.absolute(tensor.mean((1, 2)), their["mean"])
            worst.absolute(tensor.std((1, 2)), their["std"])
            worst.absolute(tensor[:, :4, :4], their["corner"])
    return Measured(worst.value, count("crops"))


@link(CHAPTER, "Training crops, mirrored", "none: MMPose's two steps, done here", 8, "grey levels")
def mirrored_crops(reference: Reference) -> Measured:
    """MMPose mirrors the image, then warps; we warp once, by the product of both matrices. OpenCV
    rounds positions to 1/32 px, and halves in one direction, which the mirror turns around: where
    that happens a value may change by 1/32 of the steepest edge, 255 / 32.
    """
    largest, differing, values = 0, 0, 0
    for dataset in DATASETS:
        data = sample_set(reference, dataset)
        for i in range(len(data)):
            sample = LoadImage()({**data.record(i, 0), "image_size": None}, UNUSED)
            sample = data.pipeline[1](sample, UNUSED)
            image, (x, y) = sample["image"], sample["center"]
            center = np.float32([image.shape[1] - 1 - x, y])
            for degrees in (0.0, 30.0):
                sample.update(image=image, center=center, rotation=degrees, flipped=True)
                ours = data.pipeline[2](sample, UNUSED)["image"].astype(int)
                matrix = affine_matrix(center, sample["size"], degrees, INPUTS[dataset])
                mirror = np.ascontiguousarray(image[:, ::-1])
                theirs = cv2.warpAffine(mirror, matrix, INPUTS[dataset], flags=cv2.INTER_LINEAR)
                apart = np.abs(ours - theirs)
                largest = max(largest, int(apart.max()))
                differing += np.count_nonzero(apart)
                values += apart.size
    share = f"{differing / values:.2%}"
    return Measured(largest, f"14 crops, plain and turned by 30 degrees; {share} of values differ")
