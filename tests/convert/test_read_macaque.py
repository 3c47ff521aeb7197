"""MacaquePose's annotations.csv: JSON in cells, boxes and split as MMPose makes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_exports import PLAIN, picture, write_json

from hrpose.config.page import load
from hrpose.convert.official import macaque, names
from hrpose.errors import DataError

ROOT = Path(__file__).parents[2]


def outline(*corners: list[float]) -> list[dict[str, Any]]:
    return [{"name": None, "segment": list(corners)}]


def monkey(x: float, y: float) -> list[dict[str, Any]]:
    rest = [{"name": name, "position": None} for name in names.MACAQUE.names[1:]]
    return [{"name": "nose", "position": [x, y]}, *rest]


def macaques(folder: Path, rows: list[tuple[str, Any, Any]]) -> Path:
    lines = ['"image file name","keypoints","segmentation"']
    for name, points, outlines in rows:
        picture(folder / "images" / name)
        cells = [json.dumps(cell).replace('"', '""') for cell in (points, outlines)]
        lines.append(f'"{name}","{cells[0]}","{cells[1]}"')
    (folder / "annotations.csv").write_text("\n".join(lines))
    return folder


TRIANGLE = outline([10, 20], [40, 20], [10, 60])


def test_macaques_have_boxes_one_px_wider_than_their_outlines(tmp_path: Path) -> None:
    rows = [("a.png", [monkey(12.5, 30), monkey(7, 8)], [TRIANGLE, TRIANGLE])]
    labels = macaque.read(macaques(tmp_path, rows), PLAIN)
    first, second = labels.animals
    assert first.box == (10.0, 20.0, 31.0, 41.0)
    assert first.area == 600.0  # half of 30 x 40
    assert first.keypoints[0].tolist() == [12.5, 30.0] and second.keypoints[0].tolist() == [
        7.0,
        8.0,
    ]
    assert first.visible.tolist() == [2] + [0] * 16
    assert labels.notes[0].startswith("WARNING: the split is drawn here and is not the published")


def test_mmposes_macaques_come_back_from_the_official_form(tmp_path: Path, data_dir: Path) -> None:
    sample = json.loads((data_dir / "mmpose-samples/macaque/test_macaque.json").read_text())
    rows = []
    for image, entry in zip(sample["images"], sample["annotations"], strict=True):
        triples = np.array(entry["keypoints"]).reshape(-1, 3)
        points = [
            {"name": name, "position": [x, y] if seen else None}
            for name, (x, y, seen) in zip(names.MACAQUE.names, triples.tolist(), strict=True)
        ]
        corners = np.array(entry["segmentation"][0]).reshape(-1, 2).tolist()
        rows.append((image["file_name"], [points], [outline(*corners)]))
    for animal, entry in zip(
        macaque.read(macaques(tmp_path, rows), PLAIN).animals, sample["annotations"], strict=True
    ):
        assert animal.box == pytest.approx(entry["bbox"])
        assert animal.area == pytest.approx(entry["area"])
        triples = np.column_stack([np.nan_to_num(animal.keypoints), animal.visible])
        assert triples.ravel().tolist() == entry["keypoints"]


def test_macaques_are_split_by_a_list_where_there_is_one(tmp_path: Path) -> None:
    rows = [(f"{n}.png", [monkey(1, 2)], [TRIANGLE]) for n in "abc"]
    macaques(tmp_path, rows)
    (tmp_path / "macaque_test.txt").write_text("c.png\n")
    with pytest.raises(DataError, match=r"there is no macaque_train.json or macaque_train.txt"):
        macaque.read(tmp_path, PLAIN)
    write_json(
        tmp_path / "macaque_train.json",
        {"images": [{"file_name": "a.png"}, {"file_name": "b.png"}]},
    )
    labels = macaque.read(tmp_path, PLAIN)
    assert labels.split == {"macaque_train": [0, 1], "macaque_test": [2]}
    (tmp_path / "macaque_test.txt").write_text("b.png\n")
    with pytest.raises(DataError, match=r"macaque_test.txt: b.png is in macaque_train, too"):
        macaque.read(tmp_path, PLAIN)
    (tmp_path / "macaque_test.txt").write_text("x.png\n")
    with pytest.raises(DataError, match=r"names 1 images that the labels do not have, .* x.png"):
        macaque.read(tmp_path, PLAIN)


def test_the_split_of_mmposes_script_is_that_of_its_generator() -> None:
    parts = macaque.mmpose_parts(13_083)
    assert (len(parts["macaque_train"]), len(parts["macaque_test"])) == (12_500, 583)
    rows = [[str(place)] for place in range(13_083)]
    np.random.seed(0)  # noqa: NPY002  as the script does
    np.random.shuffle(rows)  # noqa: NPY002
    assert {int(row[0]) for row in rows[12_500:]} == set(parts["macaque_test"])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a.png", [monkey(1, 2)], [])], "a.png: keypoints of 1 monkeys and outlines of 0"),
        ([("a.png", [monkey(1, 2)], [[{}]])], "a.png: found outline .*expected corners x, y"),
        (
            [("a.png", [monkey(1, 2)[::-1]], [TRIANGLE])],
            "keypoint 1 is 'right_ankle'; expected 'no",
        ),
        ([("a.png", {}, [])], "a.png: found {}; expected a list with an entry a monkey"),
    ],
)
def test_wrong_macaques_are_named(tmp_path: Path, rows: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        macaque.read(macaques(tmp_path, rows), PLAIN)


def test_another_table_than_macaques_is_told(tmp_path: Path) -> None:
    (tmp_path / "annotations.csv").write_text("image,x,y,likelihood\na.png,1,2,.5\n")
    with pytest.raises(DataError, match=r"found 2 rows of \[4\] cells; expected MacaquePose's"):
        macaque.read(tmp_path, PLAIN)


def test_what_the_verb_writes_is_what_the_page_reads(tmp_path: Path, convert: Any) -> None:
    rows = [(f"{n}.png", [monkey(12.5, 30)], [TRIANGLE]) for n in "ab"]
    source = macaques(tmp_path / "macaquepose_v1", rows)
    (source / "macaque_train.txt").write_text("a.png\n")
    (source / "macaque_test.txt").write_text("b.png\n")
    status, said = convert("macaque", source, tmp_path / "macaque")
    assert (status, "split as macaque_train and macaque_test" in said) == (0, True)
    page = load(ROOT / "configs/animal/hrnet/macaque/hrnet_w32_macaque_256x192.py")["data"]
    for part, image in (("train", "a.png"), ("test", "b.png")):
        content = json.loads((tmp_path / "macaque" / page[part]["ann_file"]).read_text())
        (row,), (animal,) = content["images"], content["annotations"]
        assert row["file_name"] == image
        assert (tmp_path / "macaque" / page[part]["img_root"] / image).is_file()
        assert animal["bbox"] == [10, 20, 31, 41] and animal["keypoints"][:3] == [12.5, 30, 2]
