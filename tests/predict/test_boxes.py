"""Boxes from files: what they may look like, and what is said of those that are wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from hrpose.errors import DataError
from hrpose.predict.frames import Frame
from hrpose.predict.inputs import Job
from hrpose.predict.look.boxes import check_boxes, parse_box, read_boxes

PICTURE = np.zeros((4, 4, 3), np.uint8)


def frame(label: str, number: int = 0) -> Frame:
    return Frame(label, number, None, PICTURE)


def csv(tmp_path: Path, text: str, animals: int = 1):
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    return read_boxes(path, animals)


def test_boxes_of_frames(tmp_path):
    boxes = csv(tmp_path, "frame,x,y,w,h\n0,1,2,3,4\n007,5,6,7,8.5\n")
    assert boxes(frame("0", 0)).boxes.tolist() == [[1, 2, 3, 4]]
    assert boxes(frame("7", 7)).boxes.tolist() == [[5, 6, 7, 8.5]]
    missing = frame("3", 3)
    assert len(boxes(missing)) == 0
    assert missing.note == "no box in boxes.csv"


def test_boxes_of_images_by_the_end_of_their_paths(tmp_path):
    boxes = csv(tmp_path, "image,x,y,w,h\na/1.png,1,2,3,4\nb\\1.png,5,6,7,8\n")
    assert boxes(frame("/data/a/1.png")).boxes.tolist() == [[1, 2, 3, 4]]
    assert boxes(frame("b/1.png")).boxes.tolist() == [[5, 6, 7, 8]]
    assert len(boxes(frame("/data/c/1.png"))) == 0
    with pytest.raises(DataError, match=r"both fit the image 1\.png"):
        boxes(frame("1.png"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y,w,h\n1,2,3,4\n", "its first line names x, y, w, h; expected frame"),
        ("frame,x,y,w\n", "its first line names frame, x, y, w;"),
        ("frame,x,y,w,h\n0,1,2,three,4\n", "line 2: expected four numbers, got .*w='three'"),
        ("frame,x,y,w,h\n0,1,2\n", "line 2: expected four numbers"),
        ("frame,x,y,w,h\n0,1,2,0,4\n", r"line 2: \[1.0, 2.0, 0.0, 4.0\] is no box"),
        ("frame,x,y,w,h\n0.5,1,2,3,4\n", "line 2: frame is '0.5', expected a whole number"),
        ("frame,x,y,w,h,id\n0,1,2,3,4,a\n1,1,2,3,4,b\n", r"has 2 ids \(a, b\), .*set --animals 2"),
    ],
)
def test_each_fault_names_its_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        csv(tmp_path, text)


def test_more_boxes_than_places(tmp_path):
    boxes = csv(tmp_path, "frame,x,y,w,h\n5,1,2,3,4\n5,5,6,7,8\n")
    with pytest.raises(DataError, match=r"line 3: 5 has 2 boxes, .*set --animals 2"):
        boxes(frame("5", 5))


def test_one_id_twice_in_a_frame(tmp_path):
    boxes = csv(tmp_path, "frame,x,y,w,h,id\n5,1,2,3,4,a\n5,5,6,7,8,a\n", animals=2)
    with pytest.raises(DataError, match="two boxes of one id"):
        boxes(frame("5", 5))


def test_a_coco_file_is_cleaned_up_as_the_page_does(tmp_path):
    path = tmp_path / "boxes.json"
    image = {"id": 3, "file_name": "a.png", "width": 40, "height": 30}
    entry = {"id": 1, "image_id": 3, "bbox": [-2.0, 5.0, 20.0, 10.0], "track_id": 4}
    path.write_text(json.dumps({"images": [image], "annotations": [entry]}))
    plain, cleaned = (read_boxes(path, 1, how)(frame("a.png")) for how in ("none", "mmpose"))
    assert plain.boxes.tolist() == [[-2, 5, 20, 10]]
    assert cleaned.boxes.tolist() == [[0, 5, 19, 9]]
    assert plain.ids == ["4"]


def test_a_file_that_is_not_of_these_inputs(tmp_path):
    video = Job("v", "video", [Path("v.mp4")])
    images = Job("cage", "images", [Path("a.png")], ["a.png"])
    frames = csv(tmp_path, "frame,x,y,w,h\n0,1,2,3,4\n")
    with pytest.raises(DataError, match="has frames of a video; for images"):
        check_boxes(frames, [images])
    with pytest.raises(DataError, match="has the boxes of one video, but there are 2"):
        check_boxes(frames, [video, Job("w", "video", [Path("w.mp4")])])
    names = csv(tmp_path, "image,x,y,w,h\nother.png,1,2,3,4\n")
    with pytest.raises(DataError, match=r"names images, but v\.mp4 is a video"):
        check_boxes(names, [video])
    with pytest.raises(DataError, match="has a box for none of the images"):
        check_boxes(names, [images])


def test_four_numbers():
    assert parse_box("10,20.5,30,40") == [10, 20.5, 30, 40]
    assert parse_box("boxes.csv") is None
    for text in ("1,2,3", "1,2,0,4", "1,2,nan,4"):
        with pytest.raises(DataError, match="expected x,y,w,h"):
            parse_box(text)
