"""Every way to hand in the wrong data ends in one sentence that names the place and the remedy."""

import json

import pytest

from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"root": "/nowhere/data"}, r"data root /nowhere/data does not exist; / exists and holds"),
        ({"ann_file": "gone.json"}, r"annotation file .*/gone\.json does not exist; .* ann\.json"),
        ({"ann_file": "images"}, r"annotation file .*/images cannot be read"),
        ({"img_root": "pictures"}, r"image folder .*/pictures does not exist; .*images"),
        ({"img_root": "ann.json"}, r"image folder .*ann\.json is not a folder"),
        ({"file_names": "dog*"}, r"no file_name fits 'dog\*' of file_names; one is '0\.jpg'"),
        ({"category": "dog"}, r"no category is called 'dog'; there are 'cat'"),
        ({"box_file": "gone.json"}, r"box file .*gone\.json does not exist"),
        ({"box_file": "ann.json"}, r"box file .*ann\.json: expected a list of detections"),
    ],
)
def test_wrong_paths_and_names(toy, meta, test_steps, options, words):
    with pytest.raises(DataError, match=words):
        toy.open(meta, test_steps, **options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [', r"ann\.json is not valid JSON: .*line 1 column"),
        ("\x00", r"ann\.json is not valid JSON"),
        ("[]", r"ann\.json holds a list, as detections are.*box_file"),
        ("3", r"ann\.json holds no object"),
        ('{"images": {}}', r"'images' must be a list of objects"),
        ('{"images": []}', r"'images' is empty or missing; nothing to train or test on"),
        ('{"images": [{"id": 1, "file_name": "a"}], "annotations": []}', r"'annotations' is empty"),
    ],
)
def test_broken_annotation_files(toy, meta, test_steps, text, words):
    toy.write = lambda: (toy.root / "ann.json").write_text(text)
    with pytest.raises(DataError, match=words):
        toy.open(meta, test_steps)


def test_all_left_out_says_why(toy, meta, test_steps):
    for entry in toy.annotations:
        entry["iscrowd"] = 1
    with pytest.raises(DataError, match=r"no animal can be used\n.*\n.*6 marked iscrowd"):
        toy.open(meta, test_steps)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_id": 77}, r"annotation 52: image_id 77 is not among 'images'; add the image"),
        ({"image_id": [1]}, r"annotation 52: image_id \[1\] is not among"),
        ({"category_id": 9}, r"annotation 52: category_id 9 is not .*, which are 1 \(cat\)"),
        ({"keypoints": [1, 2, 2]}, r"annotation 52 has 3 keypoint numbers, expected 3 \* 4"),
        ({"keypoints": ["a"] * 12}, r"annotation 52: keypoints must be a list of numbers"),
        ({"bbox": [1, 2, 3]}, r"annotation 52: bbox has 3 numbers, expected x, y, w, h"),
        ({"bbox": {"x": 1}}, r"annotation 52: bbox must be a list of numbers"),
    ],
)
def test_broken_annotations(toy, meta, test_steps, changes, words):
    toy.annotations[2].update(changes)
    with pytest.raises(DataError, match=r"ann\.json: " + words):
        toy.open(meta, test_steps)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../secret.jpg", "a/../../b.jpg", "C:\\x.jpg", "..\\x.jpg", "\\\\host\\x"],
)
def test_names_that_leave_the_folder(toy, meta, test_steps, name):
    toy.images[1]["file_name"] = name
    with pytest.raises(
        DataError, match=r"ann\.json: image 21: file_name .* leads out of the image"
    ):
        toy.open(meta, test_steps)


@pytest.mark.parametrize("name", ["a/b.jpg", "./0.jpg", "a/../0.jpg", "a..b.jpg", "12:30.jpg"])
def test_names_that_stay_inside(toy, meta, test_steps, name):
    toy.images[1]["file_name"] = name
    assert len(toy.open(meta, test_steps)) == 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"file_name": ""}, "file_name is '', expected a path"),
        ({"file_name": 5}, "file_name is 5, expected a path"),
        ({"file_name": "a\0.jpg"}, r"file_name 'a\\x00.jpg' holds a null character"),
        ({"width": "wide"}, "width 'wide' and height 80 must be numbers"),
    ],
)
def test_broken_images(toy, meta, test_steps, changes, words):
    toy.images[1].update(changes)
    with pytest.raises(DataError, match=rf"ann\.json: image 21: {words}"):
        toy.open(meta, test_steps)


def test_image_id_twice(toy, meta, test_steps):
    toy.images[1]["id"] = 20
    with pytest.raises(DataError, match=r"ann\.json: image id 20 occurs twice"):
        toy.open(meta, test_steps)


def test_clean_up_needs_the_size(toy, meta, test_steps):
    del toy.images[1]["width"]
    assert len(toy.open(meta, test_steps)) == 6
    with pytest.raises(DataError, match=r"annotation 51: .*no width.*set box_clean_up='none'"):
        toy.open(meta, test_steps, box_clean_up="mmpose")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a", "b"], r"'toy' has 4 .*|has 2 keypoints"),
        (["nose", "right_paw", "left_paw", "tail"], r"another order .* number 1 is 'right_paw'"),
        (["nose", "left paw", "right_paw", "tail"], r"other keypoint names .*'left paw' there and"),
    ],
)
def test_categories_that_disagree_with_the_meta(toy, meta, test_steps, names, words):
    toy.content["categories"][0]["keypoints"] = names
    with pytest.raises(DataError, match=rf"ann\.json: category 'cat' \(id 1\) .*{words}"):
        toy.open(meta, test_steps)


def test_annotations_that_disagree_with_the_meta(toy, test_steps):
    del toy.content["categories"][0]["keypoints"]
    with pytest.raises(DataError, match=r"annotation 50 has 12 keypoint numbers, expected 3 \* 2"):
        toy.open(KeypointMeta("two", ["a", "b"]), test_steps)


def test_files_whose_categories_disagree(toy, meta, test_steps):
    other = {**toy.content, "categories": [{"id": 1, "name": "dog"}]}
    (toy.root / "more.json").write_text(json.dumps(other))
    with pytest.raises(DataError, match=r"more\.json: category 1 is 'dog', .*'cat'"):
        toy.open(meta, test_steps, ann_file=["ann.json", "more.json"])


def test_category_ids_are_numbers(toy, meta, test_steps):
    toy.content["categories"][0]["id"] = "cat"
    with pytest.raises(DataError, match="category id 'cat' must be a whole number"):
        toy.open(meta, test_steps)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"image_id": 20, "category_id": 1, "bbox": [1, 2, 3, 4]}, "detection 0: score is None"),
        ({"image_id": 20, "category_id": 1, "bbox": [1, 2], "score": 1}, "detection 0: bbox has 2"),
        ({"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 1}, "no animal can be"),
    ],
)
def test_broken_detections(toy, meta, test_steps, entry, words):
    (toy.root / "boxes.json").write_text(json.dumps([entry]))
    with pytest.raises(DataError, match=words):
        toy.open(meta, test_steps, box_file="boxes.json")
