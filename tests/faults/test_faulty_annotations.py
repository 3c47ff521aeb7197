"""Annotations."""

import math

import pytest

from hrpose.errors import DataError


def refused(herd, words: str) -> str:
    """The message of the DataError that names file and fault, without the folder."""
    with pytest.raises(DataError) as caught:
        herd.open()
    text = str(caught.value)
    assert "horses.json" in text and words in text
    return f"DataError: {text.replace(str(herd.root) + '/', '')}"


def noted(herd, words: str, animals: int) -> str:
    """The line of the summary, which every log starts with, that says `words`."""
    data = herd.open()
    assert len(data) == animals
    (line,) = [line for line in data.summary().splitlines() if words in line]
    return f"{animals} of 4 animals are used; the log says: {line}"


@pytest.mark.fault(
    name="name that leaves the image folder",
    does="file_name is `../secret.jpg`, `/etc/passwd`, `a/../../b.jpg`, `C:\\x.jpg`, `\\\\host\\x`",
    expects="refused before any image is read, naming annotation file and image",
)
@pytest.mark.parametrize(
    "name", ["../secret.jpg", "/etc/passwd", "a/../../b.jpg", "C:\\x.jpg", "\\\\host\\x"]
)
def test_hostile_name(herd, happened, name):
    herd.content["images"][2]["file_name"] = name
    refused(herd, f"image 2: file_name {name!r} leads out of the image folder")
    happened("DataError: horses.json: image 2: file_name '...' leads out of the image folder")


@pytest.mark.fault(
    name="name that rewrites the log",
    does="a file_name holds a line break and a faked line of the log; a sequence that clears the "
    "terminal",
    expects="refused, with the name as Python writes it",
)
@pytest.mark.parametrize("name", ["a\n2026 INFO all is well.png", "\x1b[2Jred.png"])
def test_name_that_rewrites_the_log(herd, happened, name):
    herd.content["images"][1]["file_name"] = name
    sentence = refused(herd, "holds a control character")
    assert sentence.isprintable() and repr(name) in sentence
    happened(sentence)


@pytest.mark.fault(
    name="name with a null character",
    does="file_name holds `\\0`",
    expects="a DataError, not a bare ValueError of the operating system's call",
)
def test_null_character(herd, happened):
    herd.content["images"][2]["file_name"] = "dao\0.png"
    happened(refused(herd, "image 2: file_name 'dao\\x00.png' holds a null character"))


@pytest.mark.fault(
    name="keypoint NaN or infinite",
    does="a labelled keypoint of annotation 7 is NaN, infinite, or null",
    expects="the animal is left out, counted and named; the others are used",
)
@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_keypoint_not_finite(herd, happened, value):
    herd.first["keypoints"][3] = value
    happened(noted(herd, "left out 1: 1 with a labelled keypoint that is not finite (annot", 3))


@pytest.mark.fault(
    name="keypoint negative or outside the image",
    does="a labelled keypoint at x = -3; another at y = 200 of 64 px",
    expects="legal (animals are cut by the border), kept, counted and named",
)
@pytest.mark.parametrize(("place", "value"), [(0, -3), (4, 200)])
def test_keypoint_outside(herd, happened, place, value):
    herd.first["keypoints"][place] = value
    happened(noted(herd, "1 with a labelled keypoint outside the image (annotation 7)", 4))


@pytest.mark.fault(
    name="keypoint visible at (0, 0)",
    does="a keypoint at (0, 0) has v = 2",
    expects="kept as annotated, counted and named with advice: it is mostly a missing one",
)
def test_keypoint_in_the_corner(herd, happened):
    herd.first["keypoints"][:3] = [0, 0, 2]
    happened(noted(herd, "1 with a labelled keypoint at exactly (0, 0)", 4))


@pytest.mark.fault(
    name="visibility 3",
    does="a keypoint has v = 3",
    expects="taken as labelled, counted and named",
)
def test_visibility_3(herd, happened):
    herd.first["keypoints"][2] = 3
    assert herd.open().truth().visible[0].tolist() == [1, 1, 1, 1]
    happened(noted(herd, "1 with a v other than 0, 1 or 2", 4))


@pytest.mark.fault(
    name="box missing, zero or negative",
    does="annotation 7 has no bbox; one of width 0; one of height -5",
    expects="the animal is left out, counted and named",
)
@pytest.mark.parametrize(
    ("box", "words"),
    [(None, "without a box"), ([5, 5, 0, 9], "without area"), ([5, 5, 9, -5], "without area")],
)  # fmt: skip
def test_broken_box(herd, happened, box, words):
    herd.first["bbox"] = box
    happened(noted(herd, words, 3))


@pytest.mark.fault(
    name="boxes as x1, y1, x2, y2",
    does="all boxes are two corners instead of x, y, width, height",
    expects="a loud warning: such boxes are legal numbers, and every crop would be wrong",
)
def test_boxes_as_corners(herd, happened):
    for annotation in herd.content["annotations"]:
        annotation["bbox"] = [50, 10, 85, 55]
    happened(noted(herd, "warning: 4 of 4 boxes reach far outside their images", 4))


@pytest.mark.fault(
    name="area missing",
    does="annotation 7 has no area; one that is negative",
    expects="that of the box is taken, counted and named",
)
@pytest.mark.parametrize("area", [None, -1])
def test_area_missing(herd, happened, area):
    herd.first["area"] = area
    assert herd.open().truth().areas[0] == 70 * 45
    happened(noted(herd, "1 without an area of 0 or more: that of the box is taken (annotation", 4))


@pytest.mark.fault(
    name="wrong num_keypoints",
    does="num_keypoints says 17 of 4 keypoints",
    expects="counted anew from v, for metrics too; counted and named",
)
def test_wrong_num_keypoints(herd, happened):
    herd.first["num_keypoints"] = 17
    assert herd.open().coco()["annotations"][0]["num_keypoints"] == 4
    happened(noted(herd, "1 whose num_keypoints is not how many v are above 0", 4))


@pytest.mark.fault(
    name="duplicate annotation ids",
    does="two annotations have the id 7",
    expects="both are used under new ids, and it is said which id was there twice",
)
def test_duplicate_annotation_ids(herd, happened):
    herd.content["annotations"][1]["id"] = 7
    assert herd.open().truth().annotation_ids.tolist() == [1, 2, 3, 4]
    happened(noted(herd, "annotation ids are not unique whole numbers (7): counted from 1", 4))


@pytest.mark.fault(
    name="duplicate image ids",
    does="two images have the id 0, so whose an annotation is cannot be told",
    expects="refused, naming the id",
)
def test_duplicate_image_ids(herd, happened):
    herd.content["images"][1]["id"] = 0
    happened(refused(herd, "image id 0 occurs twice; give each its own"))


@pytest.mark.fault(
    name="keypoint count against names",
    does="annotation 7 has 3 keypoints of 4; the category names 3; the category names others",
    expects="refused, naming annotation or category and both counts",
)
@pytest.mark.parametrize(
    ("keypoints", "names", "words"),
    [
        (9, None, "annotation 7 has 9 keypoint numbers, expected 3 * 4"),
        (12, ["nose", "left_ear", "tail"], "category 'horse' (id 1) has 3 keypoints"),
        (12, ["nose", "right_ear", "left_ear", "tail"], "the same keypoints in another order"),
    ],
)
def test_keypoint_count(herd, happened, keypoints, names, words):
    herd.first["keypoints"] = herd.first["keypoints"][:keypoints]
    herd.content["categories"][0]["keypoints"] = names
    happened(refused(herd, words))


@pytest.mark.fault(
    name="empty split",
    does="no images; no annotations; only animals marked iscrowd",
    expects="refused: nothing to train or test on",
)
@pytest.mark.parametrize("empty", ["images", "annotations", "animals"])
def test_empty_split(herd, happened, empty):
    if empty == "animals":
        for annotation in herd.content["annotations"]:
            annotation["iscrowd"] = 1
        message = refused(herd, "no animal can be used").splitlines()
        assert "left out 4: 4 marked iscrowd" in message[2]
        happened(f"{message[0]}: {message[2]}")
    else:
        herd.content[empty] = []
        happened(refused(herd, f"'{empty}' is empty or missing; nothing to train or test on"))
