"""The data sets that nobody here made, read whole."""

import json

import numpy as np
import pytest

from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.geometry import apply_affine, invert_affine
from hrpose.keypoints import KeypointMeta

STEPS = (LoadImage(), CropBox((192, 128)), Warp((192, 128)))


def meta_of(path, category=0) -> KeypointMeta:
    names = json.loads(path.read_text())["categories"][category]["keypoints"]
    return KeypointMeta(path.stem, names)


@pytest.fixture
def horses(data_dir):
    return data_dir / "livestock-horse"


@pytest.fixture
def horse_meta(horses):
    return meta_of(horses / "annotations" / "test_annotations.coco.json", 1)


@pytest.mark.parametrize(("split", "count"), [("train", 477), ("val", 138), ("test", 67)])
def test_livestock_horses(horses, horse_meta, split, count):
    data = CocoPoseDataset(
        f"annotations/{split}_annotations.coco.json",
        f"images/{split}",
        horse_meta,
        STEPS,
        root=str(horses),
    )
    truth = data.truth()
    assert len(data) == count
    assert data.left_out == []
    assert truth.visible.all()
    assert truth.annotation_ids.tolist() == list(range(count))
    assert sorted({len(category) for category in data.coco()["categories"]}) == [5]
    for index in range(0, count, 16):
        sample = data[index]
        back = apply_affine(sample["keypoints"], invert_affine(sample["matrix"]))
        assert np.allclose(back, truth.keypoints[index], atol=1e-3)
        assert sample["image"].std() > 10


def test_livestock_horses_by_place(horses, horse_meta):
    splits = ("train", "val", "test")
    counts = {
        place: len(
            CocoPoseDataset(
                [f"annotations/{split}_annotations.coco.json" for split in splits],
                [f"images/{split}" for split in splits],
                horse_meta,
                STEPS,
                root=str(horses),
                file_names=f"{place}-*",
            )
        )
        for place in ("dao", "zu")
    }
    assert counts == {"dao": 373, "zu": 297}


@pytest.mark.parametrize(
    ("name", "used", "unlabelled"),
    [
        ("keypoint_train", 2193, 1416),
        ("keypoint_val", 343, 172),
        ("pose_tiger02_test", 641, 391),
    ],
)
def test_atrw(data_dir, tmp_path, name, used, unlabelled):
    """The official files, with `filename`; the images are not to be had here."""
    path = data_dir / "atrw-annotations" / f"{name}.json"
    data = CocoPoseDataset(str(path), str(tmp_path), meta_of(path), STEPS, box_clean_up="mmpose")
    assert len(data) == used
    assert len(data.coco()["annotations"]) == used + unlabelled
    assert {reason for _, reason in data.left_out} == {"without a labelled keypoint"}
    assert len(data.left_out) == unlabelled
    assert f"{unlabelled} without a labelled keypoint" in data.summary()


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("horse10", 52),
        ("macaque", 31),
        ("atrw", 30),
        ("animalpose", 32),
        ("ap10k", 32),
        ("zebra", 18),
        ("fly", 64),
        ("locust", 70),
    ],
)
def test_samples_of_every_animal(data_dir, name, points):
    folder = data_dir / "mmpose-samples" / name
    path = folder / f"test_{name}.json"
    data = CocoPoseDataset(str(path), str(folder), meta_of(path), STEPS)
    assert len(data) == (3 if name == "horse10" else 2)
    assert data.left_out == []
    assert data.truth().visible.sum() == points
    for index in range(len(data)):
        assert data[index]["image"].shape == (128, 192, 3)
