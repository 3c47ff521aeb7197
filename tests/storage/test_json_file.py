import json

import pytest

from hrpose.errors import DataError
from hrpose.storage.json_file import read_coco_json, read_json


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"images": [1], "annotations": [2], "images": []}', "the whole has 'images' twice"),
        (
            '{"images": [], "annotations": [{"id": 3}, {"id": 8, "bbox": [1], "bbox": [2]}]}',
            "annotations[1] (id 8) has 'bbox' twice",
        ),
        ('[{"a": 1}, {"a": {"b": [0, {"c": 1, "c": 1}]}}]', "[1].a.b[1] has 'c' twice"),
        # the part that is lost has the fault too
        ('{"a": {"b": 1, "b": 2}, "a": 3}', "the whole has 'a' twice"),
    ],
)
def test_a_key_that_stands_twice_is_named_with_its_place(tmp_path, text, where):
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_json(path, "annotation file")
    assert str(caught.value) == (
        f"annotation file {path}: {where}; readers disagree on which one counts: keep one of them"
    )


def test_equal_keys_of_different_objects_are_two_keys(tmp_path):
    content = {"images": [{"id": 1, "a": {"id": 1}}, {"id": 1}], "annotations": [{}]}
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content))
    assert read_json(path, "annotation file")[0] == content
    assert type(read_json(path, "annotation file")[0]) is dict
    assert read_coco_json(path)[0]["images"] == content["images"]
