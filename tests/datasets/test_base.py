import pytest

from hrpose.config.registry import build
from hrpose.datasets.random_transforms import RandomFlip, RandomShift
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta


def test_an_order_that_makes_no_sense_is_refused(toy, meta):
    crop, warp = CropBox((64, 64)), Warp((64, 64))
    for steps, words in (
        ([LoadImage(), warp], "pipeline 1 .Warp.: needs 'center', which nothing before it adds"),
        ([LoadImage(), crop], "pipeline: no Warp"),
        ([LoadImage(), crop, warp, RandomShift()], "pipeline 3 .RandomShift.: comes after Warp"),
        ([crop, RandomFlip(), warp], "pipeline 1 .RandomFlip.: needs 'photo'"),
    ):
        with pytest.raises(ValueError, match=words):
            toy.open(meta, steps)


def test_half_body_without_halves_is_refused(toy, train_steps):
    whole = KeypointMeta(
        "toy", ["nose", "left_paw", "right_paw", "tail"], [["left_paw", "right_paw"]]
    )
    with pytest.raises(ValueError, match=r"RandomHalfBody.: keypoints of 'toy' name no upper_body"):
        toy.open(whole, train_steps)


def test_summary_names_a_few(toy, meta, test_steps):
    for entry in toy.annotations[:3]:
        entry["iscrowd"] = 1
    toy.annotations[3]["keypoints"] = []
    lines = toy.open(meta, test_steps).summary().splitlines()
    assert lines == [
        "CocoPoseDataset (toy): 2 animals",
        "left out 4: 3 marked iscrowd (annotation 50, 51, 52); 1 without keypoints (annotation 53)",
        f"from {toy.root / 'ann.json'}",
    ]


def test_from_a_config(toy, meta):
    toy.write()
    size = [64, 48]
    steps = [
        {"type": "LoadImage"},
        {"type": "CropBox", "input_size": size, "padding": 1.25},
        {"type": "RandomShift", "prob": 0.3, "shift": 0.2},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "RandomHalfBody", "prob": 0.3},
        {"type": "RandomScaleRotate", "scale": 0.5, "degrees": 40, "rotate_prob": 0.6},
        {"type": "Warp", "size": size},
        {"type": "Photometric", "prob": 0.5},
    ]
    page = {"type": "CocoPoseDataset", "ann_file": "ann.json", "img_root": "images"}
    pipeline = build(steps, "train_pipeline")
    data = build({**page, "root": str(toy.root)}, "data.train", keypoints=meta, pipeline=pipeline)
    assert data[0, 0]["image"].shape == (48, 64, 3)
    assert data.is_random


def test_digest_follows_what_the_animals_are(toy, meta, test_steps, train_steps):
    first = toy.open(meta, test_steps).digest()
    assert len(first) == 64
    assert toy.open(meta, train_steps).digest() == first
    assert toy.open(meta, test_steps, box_clean_up="mmpose").digest() != first
    toy.annotations[0]["bbox"][0] += 1
    assert toy.open(meta, test_steps).digest() != first
