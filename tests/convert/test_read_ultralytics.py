"""Data sets for YOLO pose: fractions of 200 x 100 px."""

from pathlib import Path

import numpy as np
import pytest
from foreign_exports import PLAIN, picture

from hrpose.convert.programs.ultralytics import read
from hrpose.errors import DataError

YAML = """\
path: .
train: images/train
val: images/val
kpt_shape: [3, 3]
flip_idx: [0, 2, 1]
names:
  0: mouse
kpt_names:
  0: [nose, left_ear, right_ear]
"""
LINE = "0 0.5 0.5 0.2 0.4 0.45 0.5 2 0.55 0.25 1 0 0 0\n"


def dataset(folder: Path, line: str = LINE, yaml: str = YAML) -> Path:
    picture(folder / "images" / "train" / "a.png")
    picture(folder / "images" / "val" / "b.png")
    for part, name in (("train", "a"), ("val", "b")):
        path = folder / "labels" / part / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line)
    (folder / "data.yaml").write_text(yaml)
    return folder


def test_fractions_become_px(tmp_path: Path) -> None:
    labels = read(dataset(tmp_path), PLAIN)
    animal = labels.animals[0]
    assert animal.box == pytest.approx((80.0, 30.0, 40.0, 40.0))
    assert animal.keypoints[:2].tolist() == [[90.0, 50.0], [pytest.approx(110.0), 25.0]]
    assert np.isnan(animal.keypoints[2]).all()
    assert animal.visible.tolist() == [2, 1, 0]
    (category,) = labels.categories
    assert category.keypoints == ["nose", "left_ear", "right_ear"]
    assert category.flip_pairs == [("left_ear", "right_ear")]
    assert labels.split == {"train": [0], "val": [1]}
    assert [image.name for image in labels.images] == ["train/a.png", "val/b.png"]


def test_two_numbers_a_point(tmp_path: Path) -> None:
    yaml = YAML.replace("[3, 3]", "[3, 2]").split("kpt_names")[0]
    labels = read(dataset(tmp_path, "0 .5 .5 .2 .4 .45 .5 0 0 -1 -1\n", yaml), PLAIN)
    assert labels.animals[0].visible.tolist() == [2, 0, 0]
    assert labels.animals[0].keypoints[0].tolist() == [90.0, 50.0]
    assert labels.categories[0].keypoints == ["point1", "point2", "point3"]


def test_roboflows_paths_start_one_folder_too_high(tmp_path: Path) -> None:
    yaml = YAML.replace("path: .\n", "").replace("images/train", "../images/train")
    assert len(read(dataset(tmp_path, yaml=yaml), PLAIN).images) == 2


def test_an_image_in_two_parts_is_one_image(tmp_path: Path) -> None:
    labels = read(dataset(tmp_path, yaml=YAML.replace("images/val", "images/train")), PLAIN)
    assert labels.split == {"train": [0], "val": [0]}
    assert len(labels.images) == len(labels.animals) == 1


def test_an_image_without_labels_is_kept_and_told(tmp_path: Path) -> None:
    dataset(tmp_path)
    (tmp_path / "labels" / "val" / "b.txt").unlink()
    labels = read(tmp_path, PLAIN)
    assert (len(labels.images), len(labels.animals)) == (2, 1)
    assert labels.notes == ["1 images without a file of labels"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 .5 .5 .2 .4\n", r"line 1: found 5 numbers \(labels of detection.*5 \+ 3 x 3 = 14"),
        (LINE + LINE[:-3], r"a.txt: line 2: found 13 numbers; expected 5 \+ 3 x 3 = 14"),
        (LINE.replace("0.45 0.5", "90 50"), "line 1: found numbers above 1; expected fractions"),
        (LINE.replace("0.45 0.5 2", "0.45 0.5 3"), "a visibility that is not 0, 1 or 2"),
        ("4" + LINE[1:], "class 4 is none of data.yaml's names"),
        (LINE.replace("0.2", "x"), "line 1: found 'x'; expected a finite number"),
        (LINE.replace("0.2", "nan"), "line 1: found 'nan'; expected a finite number"),
    ],
)
def test_wrong_lines_are_named(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(dataset(tmp_path, line), PLAIN)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kpt_shape: [3, 3]\n", "", "data.yaml: found no kpt_shape.*choose YOLO pose"),
        ("[3, 3]", "[3, 4]", r"found kpt_shape \[3, 4\]; expected kpt_shape: \[K, 2 or 3\]"),
        ("[0, 2, 1]", "[0, 1, 1]", r"flip_idx \[0, 1, 1\] is no order of 0 to 2"),
        ("[0, 2, 1]", "[1, 2, 0]", "does not exchange points in pairs"),
        (
            "[nose, left_ear, right_ear]",
            "[nose]",
            "kpt_names of class 0 are 1, but kpt_shape says 3",
        ),
        ("images/val", "images/nowhere", "val is 'images/nowhere', which is not there"),
        ("path: .", "path: [", "data.yaml: found something else"),
    ],
)
def test_wrong_yaml_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(dataset(tmp_path, yaml=YAML.replace(old, new)), PLAIN)
    assert "\n" not in str(caught.value)
