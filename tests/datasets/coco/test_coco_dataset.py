import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from hrpose.datasets.coco.entry import clean_box
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta


def test_arrays_by_hand(toy, meta, test_steps):
    data = toy.open(meta, test_steps)
    truth = data.truth()
    assert len(data) == len(truth) == 6
    assert truth.keypoints[2].tolist() == [[12, 22], [22, 40], [45, 48.5], [0, 0]]
    assert truth.visible.tolist() == [[1, 1, 1, 0]] * 6  # v = 1 counts as labelled
    assert truth.boxes[3].tolist() == [13, 20, 40, 30]
    assert truth.annotation_ids.tolist() == [50, 51, 52, 53, 54, 55]
    assert truth.image_ids.tolist() == [20, 21, 22, 23, 24, 25]
    assert truth.category_ids.tolist() == [1] * 6
    assert truth.areas.tolist() == [1000] * 6
    assert truth.box_scores.tolist() == [1] * 6
    assert truth.keypoints.dtype == truth.boxes.dtype == truth.areas.dtype == np.float32
    assert truth.annotation_ids.dtype == np.int64
    assert data.left_out == []
    assert data.summary().splitlines()[0] == "CocoPoseDataset (toy): 6 animals"


def test_order_is_that_of_the_images(toy, meta, test_steps):
    """As MMPose feeds them: image by image, and the animals of one image in file order."""
    toy.annotations.reverse()
    extra = {**toy.annotations[0], "id": 99, "image_id": 20}
    toy.annotations.insert(0, extra)
    assert toy.open(meta, test_steps).truth().annotation_ids.tolist() == [
        *(99, 50, 51, 52),
        *(53, 54, 55),
    ]


def test_what_real_files_do(toy, meta, test_steps):
    """ATRW's `filename`, ids from 0, Roboflow's placeholder, floats, no sizes, no area."""
    for i, (image, entry) in enumerate(zip(toy.images, toy.annotations, strict=True)):
        image["filename"] = image.pop("file_name")
        del image["width"], image["height"], entry["area"], entry["iscrowd"]
        image["id"] = entry["image_id"] = entry["id"] = i
        entry["keypoints"] = [float(value) for value in entry["keypoints"]]
    toy.content["categories"].insert(0, {"id": 0, "name": "animals", "supercategory": "none"})
    data = toy.open(meta, test_steps)
    assert data.truth().annotation_ids.tolist() == [0, 1, 2, 3, 4, 5]
    assert data.truth().areas.tolist() == [1200] * 6  # of the box
    assert data[0]["image"].shape == (64, 64, 3)
    assert data.coco()["images"][0] == {"id": 0, "file_name": "0.jpg"}
    assert [category["id"] for category in data.coco()["categories"]] == [1]


def test_coco_dict_holds_all_that_cocoeval_reads(toy, meta, test_steps):
    for key in ("area", "iscrowd", "num_keypoints"):
        del toy.annotations[0][key]
    toy.annotations[1].update(keypoints=[0] * 12, num_keypoints=7)
    data = toy.open(meta, test_steps)
    first, second, *_ = data.coco()["annotations"]
    assert first == {
        "id": 50,
        "image_id": 20,
        "category_id": 1,
        "keypoints": [12, 22, 2, 20, 40, 1, 45, 48.5, 2, 0, 0, 0],
        "num_keypoints": 3,
        "bbox": [10, 20, 40, 30],
        "area": 1200,
        "iscrowd": 0,
    }
    assert second["num_keypoints"] == 0
    assert len(data.coco()["annotations"]) == 6
    assert json.loads(json.dumps(data.coco())) == data.coco()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iscrowd": 1}, "marked iscrowd"),
        ({"keypoints": []}, "without keypoints"),
        ({"keypoints": None}, "without keypoints"),
        ({"keypoints": [0] * 12}, "without a labelled keypoint"),
        ({"keypoints": [3, 4, 0] * 4}, "without a labelled keypoint"),
        ({"keypoints": [float("nan"), 4, 2] * 4}, "with a labelled keypoint that is not finite"),
        ({"bbox": None}, "without a box"),
        ({"bbox": [0, 0, float("inf"), 5]}, "with a box that is not finite"),
        ({"bbox": [5, 5, 0, 10]}, "with a box without area"),
        ({"bbox": [5, 5, -3, 10]}, "with a box without area"),
        ({"bbox": [100, 5, 10, 10]}, "with a box outside the image"),
        ({"bbox": [5, -20, 10, 20]}, "with a box outside the image"),
    ],
)
def test_left_out_and_why(toy, meta, test_steps, changes, reason):
    toy.annotations[2].update(changes)
    data = toy.open(meta, test_steps)
    assert data.left_out == [(52, reason)]
    assert len(data) == 5
    assert 52 not in data.truth().annotation_ids
    assert f"left out 1: 1 {reason} (annotation 52)" in data.summary()
    kept = next(entry for entry in data.coco()["annotations"] if entry["id"] == 52)
    assert np.isfinite([*kept["keypoints"], *kept["bbox"], kept["area"]]).all()


def test_unlabelled_coordinates_need_not_be_finite(toy, meta, test_steps):
    toy.annotations[2]["keypoints"][9:] = [None, None, 0]
    data = toy.open(meta, test_steps)
    assert data.left_out == []
    assert data.truth().keypoints[2, 3].tolist() == [0, 0]


def test_a_missing_box_may_be_missing_altogether(toy, meta, test_steps):
    del toy.annotations[0]["bbox"]
    assert toy.open(meta, test_steps).left_out == [(50, "without a box")]


def test_area_0_is_left_out_as_the_reference_does(toy, meta, test_steps):
    toy.annotations[2]["area"] = 0
    assert len(toy.open(meta, test_steps)) == 6
    data = toy.open(meta, test_steps, box_clean_up="mmpose")
    assert data.left_out == [(52, "of area 0")]
    assert len(data.coco()["annotations"]) == 6


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([10, 20, 40, 30], [10, 20, 39, 29]),  # one px off each side
        ([-5, -6, 40, 30], [0, 0, 39, 29]),  # moved inside, not cut on the left
        ([80, 60, 40, 30], [80, 60, 19, 19]),  # ends at W - 1, H - 1
        ([10.5, 20, 40, 30], [10.5, 20, 39, 29]),
        ([10, 20, 1, 30], None),
        ([99, 20, 40, 30], None),
    ],
)
def test_box_clean_up_by_hand(box, expected):
    found, reason = clean_box(np.array(box, float), (100, 80), "mmpose", "x")
    if expected is None:
        assert reason == "with a box that clean-up leaves nothing of"
    else:
        assert reason is None
        assert found.tolist() == expected
    assert clean_box(np.array(box, float), (100, 80), "none", "x")[0].tolist() == box


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([10, 20, 40, 30], [10, 20, 40, 30]),
        ([-5, -6, 40, 30], [0, 0, 35, 24]),  # cut at every border
        ([80, 60, 40, 30], [80, 60, 19, 19]),
        ([10, 20, 1, 30], [10, 20, 1, 30]),
        ([99, 20, 40, 30], None),
    ],
)
def test_box_clean_up_of_mmpose_1_by_hand(box, expected):
    found, reason = clean_box(np.array(box, float), (100, 80), "mmpose-1.x", "x")
    if expected is None:
        assert reason == "with a box that clean-up leaves nothing of"
    else:
        assert reason is None
        assert found.tolist() == expected


def test_names_of_the_files_may_be_others(toy, meta, test_steps):
    category = toy.content["categories"][0]
    names = [f"official {name}" for name in meta.names]
    category["keypoints"] = [f"{name} " for name in meta.names]  # a blank is no other name
    assert len(toy.open(meta, test_steps)) == 6
    category["keypoints"] = names
    with pytest.raises(DataError, match="other keypoint names"):
        toy.open(meta, test_steps)
    assert len(toy.open(replace(meta, aliases=names), test_steps)) == 6


def test_category(toy, meta, test_steps):
    dog = {"id": 2, "name": "dog", "keypoints": ["snout"]}
    toy.content["categories"].append(dog)
    toy.annotations[1].update(category_id=2, keypoints=[1, 2, 2])
    data = toy.open(meta, test_steps, category="cat")
    assert data.truth().annotation_ids.tolist() == [50, 52, 53, 54, 55]
    assert data.left_out == [(51, "of another category")]
    assert len(data.coco()["annotations"]) == 5
    with pytest.raises(DataError, match=r"'dog' \(id 2\) has 1 keypoints, .*'toy' has 4"):
        toy.open(meta, test_steps)
    snout = KeypointMeta("dogs", ["snout"])
    assert len(toy.open(snout, test_steps, category="dog")) == 1


def test_no_categories_at_all(toy, meta, test_steps):
    del toy.content["categories"]
    data = toy.open(meta, test_steps)
    assert len(data) == 6
    assert data.coco()["categories"] == [{"id": 1, "name": "animal"}]


@pytest.mark.parametrize("ids", [["a", "b", "c", "d", "e", "f"], [7, 7, 7, 7, 7, 7], [None] * 6])
def test_annotation_ids_of_any_kind(toy, meta, test_steps, ids):
    for entry, name in zip(toy.annotations, ids, strict=True):
        entry["id"] = name
    data = toy.open(meta, test_steps)
    assert data.truth().annotation_ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert [entry["source_id"] for entry in data.coco()["annotations"]] == ids
    name = "number 1 of the list (it has no id)" if ids[0] is None else ids[0]
    assert data.describe(0).startswith(f"annotation {name} of ")
    note = f"annotation ids are not unique whole numbers ({ids[0]!r}"
    assert note in data.summary() and "): counted from 1, in file order" in data.summary()


def test_image_ids_of_any_kind(toy, meta, test_steps):
    for image, entry in zip(toy.images, toy.annotations, strict=True):
        image["id"] = entry["image_id"] = image["file_name"]
    truth = toy.open(meta, test_steps).truth()
    assert truth.image_ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert truth.annotation_ids.tolist() == [50, 51, 52, 53, 54, 55]


def test_several_files_read_as_one(toy, meta, test_steps):
    toy.write()
    (toy.root / "more").mkdir()
    (toy.root / "more" / "0.jpg").write_bytes((toy.root / "images" / "3.jpg").read_bytes())
    more = {**toy.content, "images": toy.images[:1], "annotations": toy.annotations[:1]}
    (toy.root / "more.json").write_text(json.dumps(more))
    both = {"ann_file": ["ann.json", "more.json"], "img_root": ["images", "more"]}
    data = toy.open(meta, test_steps, **both)
    assert data.truth().annotation_ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert data.record(6, 0)["image_path"] == str(toy.root / "more" / "0.jpg")
    assert data.describe(6) == f"annotation 50 of {toy.root / 'more.json'}"
    assert "file" not in data.coco()["images"][0]
    assert data.digest() != toy.open(meta, test_steps).digest()
    some = toy.open(meta, test_steps, file_names="[03].*", **both)
    expected = [toy.root / name for name in ("images/0.jpg", "images/3.jpg", "more/0.jpg")]
    assert [some.record(i, 0)["image_path"] for i in range(len(some))] == list(map(str, expected))
    assert "3 of 7 images have names like '[03].*'" in some.summary()
    assert len(some.coco()["annotations"]) == 3
    with pytest.raises(ValueError, match="img_root: 3 folders for 2 files"):
        toy.open(meta, test_steps, ann_file=both["ann_file"], img_root=["a", "b", "c"])
    with pytest.raises(ValueError, match="box_file: goes with one ann_file, not with 2"):
        toy.open(meta, test_steps, box_file="boxes.json", **both)


def test_detector_boxes(toy, meta, test_steps):
    boxes = [
        {"image_id": 21, "category_id": 1, "bbox": [10.0, 20, 30, 40], "score": 0.9},
        {"image_id": 20, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5},
        {"image_id": 20, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.49},
        {"image_id": 20, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.9},
        {"image_id": 99, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9},
        {"image_id": 20, "category_id": 1, "bbox": [1, 2, 0, 4], "score": 0.9},
    ]
    (toy.root / "boxes.json").write_text(json.dumps(boxes))
    data = toy.open(meta, test_steps, box_file="boxes.json", box_score_thr=0.5)
    truth = data.truth()
    assert truth.boxes.tolist() == [[10, 20, 30, 40], [1, 2, 3, 4]]
    assert truth.box_scores.tolist() == [np.float32(0.9), 0.5]
    assert truth.image_ids.tolist() == [21, 20]
    assert truth.annotation_ids.tolist() == [-1, -1]
    assert truth.areas.tolist() == [1200, 12]
    assert not truth.visible.any()
    assert len(data.coco()["annotations"]) == 6
    assert [reason for _, reason in data.left_out] == [
        "with a score below 0.5",
        "of another category",
        "on an image that the annotation file does not have",
        "with a box without area",
    ]
    assert data[0]["image"].shape == (64, 64, 3)
    assert "a detection on image 21" in data.describe(0)
    assert data.digest() != toy.open(meta, test_steps, box_file="boxes.json").digest()


def test_labels_only_needs_no_image(toy, meta, test_steps):
    whole = toy.open(meta, test_steps)
    shutil.rmtree(toy.root / "images")
    with pytest.raises(DataError, match=r"image folder .* does not exist"):
        toy.open(meta, test_steps)
    labels = toy.open(meta, test_steps, labels_only=True)
    assert labels.digest() == whole.digest() and labels.coco() == whole.coco()
    assert labels.truth().keypoints.tolist() == whole.truth().keypoints.tolist()
    assert toy.open(meta, test_steps, labels_only=True, img_root="/nowhere").summary()


def test_an_odd_row_changes_nothing_for_those_read_with_it(toy, meta, test_steps):
    """Plain lists are read together; a nested one, or text that is a number, by itself."""
    expected = toy.open(meta, test_steps).truth()
    flat = toy.annotations[1]["keypoints"]
    toy.annotations[1]["keypoints"] = [flat[i : i + 3] for i in range(0, len(flat), 3)]
    toy.annotations[3]["bbox"] = [str(value) for value in toy.annotations[3]["bbox"]]
    found = toy.open(meta, test_steps).truth()
    assert found.keypoints.tolist() == expected.keypoints.tolist()
    assert found.visible.tolist() == expected.visible.tolist()
    assert found.boxes.tolist() == expected.boxes.tolist()


def test_boxes_that_are_not_used_may_be_no_numbers(toy, meta, test_steps):
    toy.annotations[2]["bbox"] = ["left", "top", 1, 2]
    data = toy.open(meta, test_steps, box="keypoints")
    assert len(data) == 6
    with pytest.raises(DataError, match=r"annotation 52: bbox must be a list of numbers"):
        toy.open(meta, test_steps)
