import json

import numpy as np
import pytest

from hrpose.animals.body import KEYPOINTS
from hrpose.datasets.coco.dataset import CocoPoseDataset
from hrpose.datasets.synthetic import SyntheticAnimals, write_coco
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.geometry import apply_affine
from hrpose.keypoints import KeypointMeta

META = KeypointMeta("horse10", KEYPOINTS, skeleton=[["Nose", "Eye"]])
PIPELINE = (LoadImage(), CropBox((64, 64)), Warp((64, 64)))


def animals(length: int = 4, seed: int = 3, **more) -> SyntheticAnimals:
    arguments = {"keypoints": META, "pipeline": PIPELINE} | more
    return SyntheticAnimals(length, seed, **arguments)


def test_same_seed_same_bytes_and_another_seed_another_animal():
    first, again, other = animals()[2], animals(length=9)[2], animals(seed=4)[2]
    np.testing.assert_array_equal(first["image"], again["image"])
    np.testing.assert_array_equal(first["keypoints"], again["keypoints"])
    assert (first["image"] != other["image"]).mean() > 0.5


def test_seed_of_augmentation_leaves_the_animals_alone():
    one, two = animals(), animals()
    two.seed = 99
    np.testing.assert_array_equal(one[0, 1]["image"], two[0, 1]["image"])


def test_fresh_animals_change_with_the_epoch_and_others_do_not():
    stays, fresh = animals(), animals(fresh=True)
    np.testing.assert_array_equal(stays[0, 1]["image"], stays[5, 1]["image"])
    np.testing.assert_array_equal(stays[0, 1]["image"], fresh[0, 1]["image"])
    assert (fresh[0, 1]["image"] != fresh[5, 1]["image"]).mean() > 0.5
    np.testing.assert_array_equal(fresh[5, 1]["image"], animals(fresh=True)[5, 1]["image"])


def test_truth_equals_the_samples():
    dataset = animals(length=6)
    truth = dataset.truth()
    assert len(truth) == len(dataset) == 6
    for index in range(6):
        sample, record = dataset[index], dataset.record(index, 0)
        np.testing.assert_array_equal(record["keypoints"], truth.keypoints[index])
        np.testing.assert_array_equal(record["box"], truth.boxes[index])
        np.testing.assert_array_equal(sample["visible"], truth.visible[index])
        seen = sample["visible"] > 0
        moved = apply_affine(truth.keypoints[index], sample["matrix"])
        np.testing.assert_allclose(sample["keypoints"][seen], moved[seen], atol=1e-3)
        assert sample["image"].shape == (64, 64, 3)
        assert truth.areas[index] == pytest.approx(record["box"][2] * record["box"][3])


def test_keypoints_may_be_some_in_any_order():
    few = KeypointMeta("few", ["Wither", "Nose"])
    one, all_of_them = animals(keypoints=few).truth(), animals().truth()
    np.testing.assert_array_equal(one.keypoints, all_of_them.keypoints[:, [12, 0]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"length": 0}, "length 0"),
        ({"seed": -1}, "seed -1"),
        ({"image_size": (20, 160)}, r"image_size \(20, 160\)"),
        ({"image_size": (1024, 160)}, r"image_size \(1024, 160\)"),
        ({"keypoints": KeypointMeta("x", ["Nose", "Trunk"])}, "'Trunk'"),
    ],
)
def test_bad_arguments(change, words):
    with pytest.raises(ValueError, match=words):
        animals(**change)


def test_digest_tells_animals_apart():
    digests = [
        animals().digest(),
        animals(seed=5).digest(),
        animals(length=5).digest(),
        animals(fresh=True).digest(),
        animals(image_size=(96, 96)).digest(),
    ]
    assert len(set(digests)) == 5
    assert animals().digest() == digests[0]


def test_coco_has_visibility_and_truth():
    dataset = animals(length=30)
    coco, truth = dataset.coco(), dataset.truth()
    assert coco["categories"][0]["keypoints"] == list(KEYPOINTS)
    assert coco["categories"][0]["skeleton"] == [[1, 2]]
    labels = np.array([a["keypoints"] for a in coco["annotations"]]).reshape(30, 22, 3)
    np.testing.assert_array_equal(labels[..., :2].astype(np.float32), truth.keypoints)
    np.testing.assert_array_equal(labels[..., 2] > 0, truth.visible > 0)
    assert set(np.unique(labels[..., 2])) >= {1, 2}
    assert [a["id"] for a in coco["annotations"]] == truth.annotation_ids.tolist()
    assert [a["num_keypoints"] for a in coco["annotations"]] == truth.visible.sum(1).tolist()


def test_write_coco_round_trip(tmp_path):
    dataset = animals(length=3)
    path = write_coco(dataset, tmp_path / "set")
    assert json.loads(path.read_text()) == dataset.coco()
    back = CocoPoseDataset(
        ann_file=str(path),
        img_root=str(tmp_path / "set" / "images"),
        keypoints=META,
        pipeline=PIPELINE,
        box_clean_up="none",
    )
    assert len(back) == 3
    wanted, got = dataset.truth(), back.truth()
    np.testing.assert_array_equal(got.keypoints, wanted.keypoints)
    np.testing.assert_array_equal(got.visible, wanted.visible)
    np.testing.assert_allclose(got.boxes, wanted.boxes)
    for index in range(3):
        np.testing.assert_array_equal(back[index]["image"], dataset[index]["image"])


def test_write_coco_is_deterministic(tmp_path):
    for name in ("a", "b"):
        write_coco(animals(length=2), tmp_path / name)
    for file in ("annotations.json", "images/000000.png", "images/000001.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
