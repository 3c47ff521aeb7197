"""Labels are read some at a time, into columns: what that costs, and that nothing else shows it."""

import json
import tracemalloc

import pytest

from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.coco import stream as coco_stream
from hrpose.datasets.coco.stream import CocoStream, UnusualError
from hrpose.errors import DataError

COUNT = 3000


def write(path, images, annotations):
    category = {"id": 1, "name": "cat", "keypoints": ["nose", "left_paw", "right_paw", "tail"]}
    content = {"images": images, "annotations": annotations}
    path.write_text(json.dumps({**content, "categories": [category, {"id": 2, "name": "x"}]}))


def image(number, **changes):
    return {"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480, **changes}


def animal(number, **changes):
    points = [value for k in range(4) for value in (100.25 + number % 50 + k, 120.5 + 9 * k, 2)]
    fields = {"bbox": [90.5, 110.5, 80, 60], "area": 3000.5, "iscrowd": 0, "num_keypoints": 4}
    own = {"id": number, "image_id": number, "category_id": 1, "keypoints": points}
    return {**own, **fields, **changes}


ODD = [
    animal(1, keypoints=[None, "5", 2] * 4),
    animal(2, keypoints=[]),
    animal(3, bbox=None),
    animal(4, image_id=5, keypoints=[1, 2, float("nan")] * 4),
    animal(5, area=-1, num_keypoints="4"),
    animal(6, iscrowd="0", head_size=12.5),
    animal(7, iscrowd=True),
    animal(8, category_id=2, keypoints=[1, 2, 2] * 7, attributes=[{"a": 1}, {"a": 2}]),
    animal(9, category_id=1.0, image_id=9.0),
    animal(10, num_keypoints=3, area=2**70),
    animal(11),
    animal(12, image_id=11),
]
IMAGES = [image(1, width=640.0), image(2, file_name="a b.jpg"), image(3, width=None), image(4)]
IMAGES += [image(n) for n in range(60, 4, -1)]


def said(data) -> list:
    count = range(len(data))
    places = [(data.describe(index), data.place(index), data.record(index, 0)) for index in count]
    return [data.coco(), data.summary(), data.faults, data.left_out, data.digest(), places]


@pytest.mark.parametrize("kind", ["numbers", "texts", "two files"])
def test_it_is_the_same_wherever_the_parts_end_and_as_a_whole(
    tmp_path, monkeypatch, way, meta, test_steps, kind
):
    images, annotations = IMAGES, [*ODD, *(animal(number) for number in range(13, 61))]
    if kind == "texts":
        images = [{**one, "id": f"i{one['id']}"} for one in images]
        annotations = [{**one, "image_id": f"i{int(one['image_id'])}"} for one in annotations]
    names = ["a.json", "b.json"] if kind == "two files" else "a.json"
    for name in ("a.json", "b.json"):
        write(tmp_path / name, images, annotations)

    def read():
        args = (names, "", meta, test_steps, str(tmp_path))
        return said(CocoPoseDataset(*args, labels_only=True, category="cat"))

    once = read()
    left_out = 6  # 1, 2, 3, 4, 7, 8
    assert len(once[-1]) == (60 - left_out) * (2 if kind == "two files" else 1)
    for block in (1, 300, 5000):
        monkeypatch.setattr(coco_stream, "_BLOCK", block)
        assert repr(read()) == repr(once)

    def refuse(self):
        raise UnusualError

    monkeypatch.setattr(CocoStream, "__iter__", refuse)
    assert repr(read()) == repr(once)


def test_an_animal_takes_little_memory(tmp_path, monkeypatch, way, meta, test_steps):
    monkeypatch.setattr(coco_stream, "_BLOCK", 1 << 15)
    numbers = range(1, COUNT + 1)
    write(tmp_path / "a.json", list(map(image, numbers)), list(map(animal, numbers)))
    args = ("a.json", "", meta, test_steps, str(tmp_path))
    CocoPoseDataset(*args, labels_only=True)  # what is imported then is not of the animals
    tracemalloc.start()
    data = CocoPoseDataset(*args, labels_only=True)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(data) == COUNT
    assert kept < 600 * COUNT and most < 1000 * COUNT  # with a dict each: 960 and 2,640


def test_errors_far_into_a_file_name_their_place(tmp_path, monkeypatch, way, meta, test_steps):
    monkeypatch.setattr(coco_stream, "_BLOCK", 2000)
    images = [image(number) for number in range(1, 61)]
    for changes, words in [
        ({"keypoints": [1, 2, 2]}, "annotation 50 has 3 keypoint numbers, expected 3 * 4"),
        ({"bbox": [1, "a", 2, 3]}, "annotation 50: bbox must be a list of numbers"),
        ({"image_id": 61}, "annotation 50: image_id 61 is not among 'images'"),
        ({"category_id": 9}, "annotation 50: category_id 9 is not among 'categories'"),
    ]:
        rows = [animal(n, **(changes if n == 50 else {})) for n in range(1, 61)]
        write(tmp_path / "a.json", images, rows)
        with pytest.raises(DataError) as problem:
            CocoPoseDataset("a.json", "", meta, test_steps, str(tmp_path), labels_only=True)
        assert words in str(problem.value)
