"""Label Studio's JSON export: a mouse and its points, in per cent of 200 x 100 px."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_exports import PLAIN, picture, write_json

from hrpose.convert.formats import ReadOptions
from hrpose.convert.programs.labelstudio import read
from hrpose.errors import DataError

SIZE = {"original_width": 200, "original_height": 100, "image_rotation": 0}


def point(key: str, name: str, x: float, y: float, parent: str = "") -> dict[str, Any]:
    value = {"x": x, "y": y, "width": 0.5, "keypointlabels": [name]}
    tied = {"parentID": parent} if parent else {}
    return {"id": key, "type": "keypointlabels", "value": value, "to_name": "img", **SIZE, **tied}


def box(key: str, x: float, y: float, w: float, h: float, turn: float = 0) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": w, "height": h, "rotation": turn}
    value["rectanglelabels"] = ["mouse"]  # type: ignore[assignment]
    return {"id": key, "type": "rectanglelabels", "value": value, "to_name": "img", **SIZE}


def relation(start: str, end: str) -> dict[str, Any]:
    return {"from_id": start, "to_id": end, "type": "relation", "direction": "right"}


def task(*results: dict[str, Any], number: int = 7, **more: Any) -> dict[str, Any]:
    annotation = {"id": 1, "result": list(results), "was_cancelled": False}
    data = {"image": "/data/upload/3/0a1b2c3d-frame_1.png"}
    return {"id": number, "data": data, "annotations": [annotation], **more}


def export(folder: Path, *tasks: Any) -> Path:
    picture(folder / "frame_1.png")
    return write_json(folder / "project.json", list(tasks))


def test_percentages_become_px_and_ids_are_kept(tmp_path: Path) -> None:
    labels = read(
        export(tmp_path, task(box("b", 10, 20, 30, 40), point("n", "nose", 25, 50))), PLAIN
    )
    (animal,) = labels.animals
    assert animal.keypoints.tolist() == [[50.0, 50.0]]  # 25% of 200, 50% of 100
    assert animal.visible.tolist() == [2]
    assert animal.box == (20.0, 20.0, 60.0, 40.0)
    assert (animal.source_id, labels.images[0].source_id) == ("b", 7)
    assert labels.images[0].name == "frame_1.png"
    assert labels.images[0].size == (200, 100)
    assert labels.categories[0].name == "mouse"


@pytest.mark.parametrize(
    "address",
    [
        "/tasks/1643/presign/?fileuri=czM6Ly9maXNoLXBvc2Uvb3V0cHV0LzA0Ni5wbmc=",  # s3, in base64
        "/data/local-files/?d=output/046.png",
        "s3://fish-pose/output/046.png",
        "https://example.org/fish%2Dpose/output/046.png?token=1",
        "/data/upload/1/deadbeef-046.png",
    ],
)
def test_images_are_found_by_every_kind_of_address(tmp_path: Path, address: str) -> None:
    content = task(point("n", "nose", 25, 50))
    content["data"] = {"img": address, "note": "a fish"}
    picture(tmp_path / "fish" / "output" / "046.png")
    labels = read(write_json(tmp_path / "x.json", content), PLAIN)  # one task, not in a list
    assert labels.images[0].source == tmp_path / "fish" / "output" / "046.png"


def test_parents_and_relations_tell_two_animals_apart(tmp_path: Path) -> None:
    labels = read(
        export(
            tmp_path,
            task(
                box("b1", 0, 0, 60, 100),
                box("b2", 20, 0, 60, 100),  # both boxes hold all points
                point("n1", "nose", 30, 10, parent="b1"),
                point("n2", "nose", 40, 10),
                point("t2", "tail", 50, 10),
                relation("n2", "b2"),
                relation("t2", "n2"),
            ),
        ),
        PLAIN,
    )
    assert labels.categories[0].keypoints == ("nose", "tail")
    first, second = labels.animals
    assert (first.source_id, second.source_id) == ("b1", "b2")
    assert first.keypoints[0].tolist() == [60.0, 10.0]
    assert np.isnan(first.keypoints[1]).all() and first.visible.tolist() == [2, 0]
    assert second.keypoints.tolist() == [[80.0, 10.0], [100.0, 10.0]]


def test_without_ties_the_box_around_a_point_is_its_own(tmp_path: Path) -> None:
    left, right = box("l", 0, 0, 40, 100), box("r", 50, 0, 40, 100)
    points = [point("a", "nose", 10, 10), point("b", "nose", 60, 10)]
    labels = read(export(tmp_path, task(left, right, *points)), PLAIN)
    assert [animal.keypoints[0, 0] for animal in labels.animals] == [20.0, 120.0]
    stray = task(left, right, point("a", "nose", 45, 10))
    with pytest.raises(DataError, match=r"task 7 .*'nose' at \(90.0, 10.0\) lies in none .*child"):
        read(export(tmp_path, stray), PLAIN)


def test_a_turned_box_is_taken_as_what_it_spans(tmp_path: Path) -> None:
    # 20 px wide and 10 px high, turned by 90 degrees around its first corner (100, 50)
    turned = box("b", 50, 50, 10, 10, turn=90)
    labels = read(export(tmp_path, task(turned, point("n", "nose", 48, 55))), PLAIN)
    assert labels.animals[0].box == pytest.approx((90.0, 50.0, 10.0, 20.0))
    assert labels.notes == ["1 turned boxes: the upright box around each is taken"]


def test_of_several_annotators_ground_truth_counts_else_the_last(tmp_path: Path) -> None:
    def by(x: float, **more: Any) -> dict[str, Any]:
        return {"id": x, "result": [point("n", "nose", x, 50)], **more}

    several = task(number=1)
    several["annotations"] = [by(10, updated_at="2024-03-01"), by(20, updated_at="2024-01-01")]
    truth = task(number=2)
    truth["annotations"] = [by(30, ground_truth=True), by(40, updated_at="2024-09-01")]
    skipped = task(number=3)
    skipped["annotations"] = [by(50, was_cancelled=True)]
    labels = read(export(tmp_path, several, truth, skipped), PLAIN)
    assert [animal.keypoints[0, 0] for animal in labels.animals] == [20.0, 60.0]
    assert "1 cancelled (skipped) annotations left out" in labels.notes
    assert "1 tasks without annotation left out" in labels.notes


def test_predictions_count_only_where_asked_for(tmp_path: Path) -> None:
    guess = task(number=2)
    guess |= {"annotations": [], "predictions": [{"result": [point("n", "nose", 50, 50)]}]}
    path = export(tmp_path, task(point("n", "nose", 25, 50)), guess)
    assert len(read(path, PLAIN).animals) == 1
    assert len(read(path, ReadOptions(predicted=True)).animals) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"image": "a.png", "kp": []}], "found entries with image, kp .*not JSON-MIN"),
        ({"images": [], "categories": []}, "found a COCO file; expected a list of tasks"),
        ([], "found an empty list.*label some images"),
        ("id,image,kp", "found a str; expected a list of tasks.*Export > JSON"),
    ],
)
def test_another_file_gets_one_line(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(write_json(tmp_path / "x.json", content), PLAIN)
    assert "\n" not in str(caught.value)


def test_a_table_is_not_json(tmp_path: Path) -> None:
    (tmp_path / "project.json").write_text("id,image\n1,a.png\n")
    with pytest.raises(
        DataError, match=r"project.json: found something else.*choose Export > JSON"
    ):
        read(tmp_path, PLAIN)


def test_images_of_another_size_or_turned_are_refused(tmp_path: Path) -> None:
    path = export(tmp_path, task(point("n", "nose", 25, 50)))
    picture(tmp_path / "frame_1.png", 100, 50)
    with pytest.raises(
        DataError, match=r"region n: labelled in an image of 200 x 100 px.*100 x 50"
    ):
        read(path, PLAIN)
    turned = task({**point("n", "nose", 25, 50), "image_rotation": 90})
    with pytest.raises(DataError, match="turned by 90 degrees; turn it back"):
        read(export(tmp_path, turned), PLAIN)


def test_missing_images_are_named(tmp_path: Path) -> None:
    path = write_json(tmp_path / "project.json", [task(point("n", "nose", 25, 50))])
    with pytest.raises(DataError, match=r"1 of its 1 images are not there: .*0a1b2c3d-frame_1.png"):
        read(path, PLAIN)


def test_a_point_twice_in_an_animal_is_named(tmp_path: Path) -> None:
    twice = task(point("n", "nose", 25, 50), point("m", "nose", 35, 50))
    with pytest.raises(
        DataError, match=r"task 7 .*has the point 'nose' twice; in Label Studio tie"
    ):
        read(export(tmp_path, twice), PLAIN)
