"""Horse-10: MMPose's boxes, and the official splits with the counts of their README."""

import json
from pathlib import Path

import numpy as np
import pytest
from foreign_exports import PLAIN, picture

from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.convert.official import horse10
from hrpose.convert.official.names import HORSE10
from hrpose.errors import DataError

COUNTS = {1: (1470, 1459, 5185), 2: (1564, 1432, 5118), 3: (1386, 1329, 5399)}


def test_boxes_are_mmposes(data_dir: Path) -> None:
    sample = json.loads((data_dir / "mmpose-samples/horse10/test_horse10.json").read_text())
    for entry in sample["annotations"]:
        triples = np.array(entry["keypoints"]).reshape(-1, 3)
        box = horse10.box_of(triples[triples[:, 2] > 0, :2], (288, 162))
        assert box == tuple(entry["bbox"])
        assert box[2] * box[3] == entry["area"]


def test_a_box_by_hand() -> None:
    # x spans 10 to 110: 20 on each side, cut to 0 and 129; y 50 to 61: 2.2, whole px
    box = horse10.box_of(np.array([[10.0, 50.0], [110.0, 61.0]]), (129, 200))
    assert box == (0.0, 47.0, 129.0, 17.0)  # 0 to 128, 47 to 63


def test_the_three_splits_have_the_official_counts(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With labels for every image that the lists name; the reader of DeepLabCut stands aside."""
    lists = data_dir / "horse10-splits"
    names = {
        name
        for number in COUNTS
        for column in horse10._columns(lists / f"TrainTestInfo_shuffle{number}.csv").values()
        for name in column
    }
    images = [
        LabelledImage(name.removeprefix("labeled-data/"), Path(name), (288, 162))
        for name in sorted(names)
    ]
    points = np.full((22, 2), 50.0)
    animals = [LabelledAnimal(n, 0, points, np.full(22, 2)) for n in range(len(images))]
    found = LabelSet([Category("animal", HORSE10.names)], images, animals)
    monkeypatch.setattr(horse10.deeplabcut, "read", lambda source, options: found)
    labels = horse10.read(lists, PLAIN)
    assert len(labels.images) == 8114
    assert labels.split is not None
    for number, counts in COUNTS.items():
        parts = [f"{what}-split{number}" for what in ("train", "test-within", "test-across")]
        chosen = [set(labels.split[f"horse10-{part}"]) for part in parts]
        assert tuple(map(len, chosen)) == counts
        assert len(set.union(*chosen)) == 8114
    assert "not known" in labels.notes[-1]


def project(folder: Path, bodyparts: list[str], images: list[str]) -> Path:
    """A DeepLabCut project in which each point of an image lies at (its number, twice that)."""
    rows = [["scorer", *["Byron"] * 2 * len(bodyparts)]]
    rows.append(["bodyparts", *[part for part in bodyparts for _ in "xy"]])
    rows.append(["coords", *["x", "y"] * len(bodyparts)])
    values = [str(value) for n in range(len(bodyparts)) for value in (n + 10, 2 * n + 20)]
    rows += [[f"labeled-data/Horse/{name}", *values] for name in images]
    for name in images:
        picture(folder / "labeled-data" / "Horse" / name, 288, 162)
    table = folder / "labeled-data" / "Horse" / "CollectedData_Byron.csv"
    table.write_text("\n".join(",".join(row) for row in rows) + "\n")
    head = ",trainIndices,testIndices_withinDomain,testIndices_acrossDomain"
    for number in COUNTS:
        cells = [f"labeled-data/Horse/{name}" for name in images]
        (folder / f"TrainTestInfo_shuffle{number}.csv").write_text(
            f"{head}\n0,{cells[0]},{cells[1]},{cells[2]}\n1,,,{cells[3]}\n"
        )
    return folder


def test_a_project_in_another_order_of_body_parts(tmp_path: Path) -> None:
    images = [f"000{n}.png" for n in range(4)]
    parts = list(HORSE10.names)[::-1]
    labels = horse10.read(project(tmp_path, parts, images), PLAIN)
    assert [image.name for image in labels.images] == [f"labeled-data/Horse/{n}" for n in images]
    assert labels.image_folder == ""
    assert labels.categories[0].keypoints == HORSE10.names
    nose = labels.animals[0].keypoints[0]
    assert nose.tolist() == [31.0, 62.0]  # the last of 22 in the file
    assert labels.split is not None
    assert labels.split["horse10-test-across-split3"] == [2, 3]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    images = [f"000{n}.png" for n in range(4)]
    project(tmp_path, list(HORSE10.names), images)
    lists = tmp_path / "TrainTestInfo_shuffle2.csv"
    whole = lists.read_text()
    lists.write_text(whole.replace("0003.png", "0009.png"))
    with pytest.raises(DataError, match=r"_shuffle2.csv: .*names 1 images .*Horse/0009.png"):
        horse10.read(tmp_path, PLAIN)
    lists.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"found columns a, b; expected a column trainIndices"):
        horse10.read(tmp_path, PLAIN)
    lists.unlink()
    with pytest.raises(DataError, match=r"found 0 TrainTestInfo_shuffle2.csv; .*Horse-10-benchm"):
        horse10.read(tmp_path, PLAIN)
    lists.write_text(whole)
    project(tmp_path, ["Snout", *HORSE10.names[1:]], images)
    with pytest.raises(DataError, match="found no body part Nose; expected the 22 of Horse-10"):
        horse10.read(tmp_path, PLAIN)
