"""What images belong to."""

import json

import numpy as np
import pytest
from report_cases import measured, poses

from hrpose.errors import DataError, RunError
from hrpose.report.groups import group_images, stem_of
from hrpose.structures import Labels


def labels(*names: str) -> Labels:
    coco = {"images": [{"id": n, "file_name": name} for n, name in enumerate(names)]}
    return Labels(None, coco, None)


NO_FILE = {"data": {"test": {"type": "Drawn"}}}


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("cage/mouse_0012.png", "cage/mouse"),
        ("labeled-data/BrownHorse/0123.png", "labeled-data/BrownHorse"),
        ("dao-8-10-_png.rf.0d68a557328f42f793dafe237ff19fb9.jpg", "dao-8"),
        ("videos\\cam1\\img007.png", "videos/cam1/img"),
        ("000012.jpg", "."),
    ],
)
def test_a_name_without_its_number(name, group):
    assert stem_of(name) == group


def test_names_that_are_ids_tell_nothing():
    found = group_images(labels("9f3a.jpg", "77b1.jpg", "c2d4.jpg", "c2d5.jpg"), NO_FILE, "video")
    assert found.of_image is None and "most images are groups of their own" in found.how
    found = group_images(labels("1.jpg", "2.jpg", "3.jpg"), NO_FILE, "video")
    assert found.of_image is None and "all 3 images are one group" in found.how


def test_what_convert_wrote_goes_before_names(tmp_path):
    names = ["x_1.png", "x_2.png", "y_3.png", "y_4.png"]
    images = [{"id": n, "file_name": f, "group": "even" * (n % 2)} for n, f in enumerate(names)]
    content = {"images": images, "annotations": [{"id": 1}], "categories": []}
    (tmp_path / "labels.json").write_text(json.dumps(content))
    page = {"data": {"root": str(tmp_path), "test": {"ann_file": "labels.json"}}}
    found = group_images(labels(*names), page, "video")
    assert found.of_image == {0: "", 1: "even", 2: "", 3: "even"}
    assert found.counts == {"": 2, "even": 2} and "annotation file" in found.how
    for image in images:
        del image["group"]
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert group_images(labels(*names), page, "video").counts == {"x": 2, "y": 2}


def test_a_pattern_and_none():
    four = labels("x1-a.png", "x2-a.png", "x3-b.png", "x4-b.png")
    assert group_images(four, NO_FILE, r"-(\w)").of_image == {0: "a", 1: "a", 2: "b", 3: "b"}
    assert group_images(four, NO_FILE, "image").of_image is None
    with pytest.raises(RunError, match=r"--by '\(': expected video, image or a regular expression"):
        group_images(four, NO_FILE, "(")
    with pytest.raises(DataError, match="--by 'q' fits no part of the file name"):
        group_images(four, NO_FILE, "q")


def test_images_of_one_group_are_drawn_together():
    """Half of the images, one of two groups, are all wrong: drawn by group the share is 0, .5 or 1,
    by image it stays near .5."""
    found = poses(40)
    found[:20] += 40
    alone = measured(found)
    low, high = alone.mean_ends(alone.right)
    assert 0.2 < low < 0.5 < high < 0.8
    grouped = measured(found)
    object.__setattr__(grouped, "groups", {n: n < 20 for n in range(40)})
    assert grouped.mean_ends(grouped.right) == [0, 1]
    own = {n: n for n in range(40)}  # each in its own group: the same draws as by image
    object.__setattr__(grouped, "groups", own)
    np.testing.assert_array_equal(grouped.mean_ends(grouped.right), [low, high])
