"""A COCO file is read some objects at a time, or refused so that it is read as a whole."""

import hashlib
import json

import pytest

from hrpose.datasets.coco import stream as coco_stream
from hrpose.datasets.coco.stream import LISTS, CocoStream, UnusualError

CONTENT = {
    "info": {"version": "1.0", "url": "http://x", "year": 2026, "list": [{"a": [1, 2]}]},
    "images": [{"id": 1, "file_name": "é}, {.png"}, {"id": 2, "file_name": "日本 \\ \n.png"}],
    "annotations": [
        {"id": number, "keypoints": [1.5, -0.0, 2], "attributes": [{"a": number}, {"b": "}, {"}]}
        for number in range(4)
    ]
    + [{"id": 2**70, "area": float("inf")}, {}]
    + [{"id": number, "bbox": [0.1 * number, 1e-7 * number, 3, 4]} for number in range(30)],
    "categories": [],
    "number": 123456,
}
WAYS = [{}, {"indent": 2}, {"separators": (",", ":"), "ensure_ascii": False}]


def read(path):
    stream = CocoStream(path)
    found = {name: [] for name in LISTS}
    for name, objects in stream:
        found[name] += objects
    return found, stream.digest()


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("block", [1, 2, 3, 7, 50, 400, 1 << 20])
def test_the_lists_are_those_of_the_file_wherever_its_parts_end(
    tmp_path, monkeypatch, way, options, block
):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(CONTENT, **options), encoding="utf-8")
    monkeypatch.setattr(coco_stream, "_BLOCK", block)
    found, digest = read(path)
    assert repr(found) == repr({name: CONTENT[name] for name in LISTS})
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_much_longer_than_a_part_is_never_in_memory(tmp_path, monkeypatch, way):
    monkeypatch.setattr(coco_stream, "_BLOCK", 1000)
    monkeypatch.setattr(coco_stream, "_TAIL", 300)
    path = tmp_path / "a.json"
    rows = [{"id": number, "keypoints": [number, 2.5, 2] * 4} for number in range(2000)]
    path.write_text(json.dumps({"images": [], "annotations": rows}))
    stream, longest, seen = CocoStream(path), 0, 0
    for _, objects in stream:
        seen += len(objects)
        longest = max(longest, len(stream._text))
    assert seen == 2000 and longest < 3000 < path.stat().st_size / 30


UNUSUAL = {
    "nothing": "",
    "a list": "[]",
    "cut off in a row": '{"annotations": [{"id": 1}, {"id"',
    "cut off behind a row": '{"annotations": [{"id": 1}',
    "cut off behind a list": '{"annotations": [{"id": 1}]',
    "a comma too many": '{"annotations": [{"id": 1},]}',
    "no comma": '{"annotations": [{"id": 1} {"id": 2}]}',
    "something behind": '{"annotations": [{"id": 1}]} 3',
    "a key twice": '{"annotations": [{"id": 1, "id": 2}, {"id": 3}]}',
    "a key twice within": '{"annotations": [{"id": 1, "b": {"c": 1, "c": 1}}, {"id": 3}]}',
    "a list twice": '{"images": [], "images": []}',
    "a row that is none": '{"annotations": [{"id": 1}, 3, {"id": 4}]}',
    "no list": '{"annotations": {"id": 1}}',
    "a half of a surrogate, raw": b'{"annotations": [{"id": "\xff"}]}',
    "UTF-16": '{"annotations": []}'.encode("utf-16"),
    "too deep": '{"annotations": [' + "[" * 100_000 + "]}",
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_all_else_is_left_to_the_reader_of_whole_files(tmp_path, way, kind):
    content = UNUSUAL[kind]
    path = tmp_path / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UnusualError):
        read(path)


def test_a_missing_file_is_left_to_the_reader_of_whole_files(tmp_path):
    with pytest.raises(UnusualError):
        read(tmp_path / "none.json")
