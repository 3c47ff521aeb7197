"""What the looks for faults say of data that nobody here made: only what is so."""

import json
import sys

import pytest

from hrpose.cli import main
from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.faults.sides import swapped_sides
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta
from hrpose.sides import sides_of

STEPS = (LoadImage(), CropBox((64, 64)), Warp((64, 64)))
HORSES = {"zero-ids": [0], "placeholder": []}
FOUND = {
    "livestock-horse/annotations/train_annotations.coco.json": HORSES,
    "livestock-horse/annotations/val_annotations.coco.json": HORSES,
    "livestock-horse/annotations/test_annotations.coco.json": HORSES,
    # keypoints at -1002 in an image 339 px wide, and the like
    "atrw-annotations/keypoint_val.json": {"outside-box": [3907], "bare": 172, "outside-image": 3},
    "mmpose-samples/animalpose/test_animalpose.json": {},
    "mmpose-samples/ap10k/test_ap10k.json": {},
    "mmpose-samples/atrw/test_atrw.json": {},
    "mmpose-samples/fly/test_fly.json": {},
    "mmpose-samples/horse10/test_horse10.json": {},
    "mmpose-samples/locust/test_locust.json": {},
    "mmpose-samples/macaque/test_macaque.json": {},
    "mmpose-samples/zebra/test_zebra.json": {},
}
TABLES = {
    "mirror-mouse-dlc/CollectedData.csv": {},
    # img0102.jpg: leftear lies to the right of the snout
    "openfield-dlc/labeled-data/m4s1/CollectedData_Pranav.csv": {"swapped": [103]},
}


def said(path):
    names = next(
        category["keypoints"]
        for category in json.loads(path.read_text())["categories"]
        if category.get("keypoints")
    )
    meta = KeypointMeta("real", names, sides_of(names).pairs)
    data = CocoPoseDataset(str(path), "", meta, STEPS, labels_only=True)
    return {
        one.kind: [place.annotation_id for place in one.places]
        for one in [*data.faults, *swapped_sides(data)]
    }


def agrees(found, expected):
    shorter = {k: len(v) if isinstance(expected.get(k), int) else v for k, v in found.items()}
    assert shorter == expected


@pytest.mark.parametrize("name", FOUND)
def test_coco_files(data_dir, name):
    agrees(said(data_dir / name), FOUND[name])


@pytest.mark.parametrize("name", TABLES)
def test_deeplabcut_projects(data_dir, tmp_path, monkeypatch, name):
    words = ["hrpose", "convert", "deeplabcut", data_dir / name, tmp_path / "out", "--link"]
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    main()
    agrees(said(tmp_path / "out" / "labels.json"), TABLES[name])
