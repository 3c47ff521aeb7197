"""`hrpose convert` around the formats: images, digests, what is there already, the ways back."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

HEAD = "scorer,A,A,A,A\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n"
ROWS = "a/1.png,5,6,7,8.5\na/2.png,1,2,,\nb/1.png,9,9,10,10\nc/1.png,,,,\n"


@pytest.fixture
def table(tmp_path, picture) -> Path:
    """Labels of four images in three folders."""
    for name in ("a/1.png", "a/2.png", "b/1.png", "c/1.png"):
        picture(tmp_path / "p" / name)
    (tmp_path / "p" / "b" / "1.png").write_bytes((tmp_path / "p" / "a" / "2.png").read_bytes())
    (tmp_path / "p" / "labels").mkdir()
    path = tmp_path / "p" / "labels" / "CollectedData.csv"
    path.write_text(HEAD + ROWS)
    return path


def test_images_labels_and_manifest(table, tmp_path, convert):
    out = tmp_path / "out"
    status, said = convert("deeplabcut", table, out)
    assert status == 0 and "1 images have no label" in said
    assert "WARNING: 1 images are in several parts under other names" in said
    content = json.loads((out / "labels.json").read_text())
    assert [image["file_name"] for image in content["images"]] == [
        "a/1.png", "a/2.png", "b/1.png", "c/1.png",
    ]  # fmt: skip
    assert content["annotations"][0]["keypoints"] == [5, 6, 2, 7, 8.5, 2]
    assert content["annotations"][1]["keypoints"] == [1, 2, 2, 0, 0, 0]
    # the smallest box: a tenth of 30 px around (1, 2), within the image
    assert content["annotations"][1]["bbox"] == [0, 0.5, 2.5, 3]
    parts = [image["parts"] for image in content["images"]]
    assert parts[0] == parts[1] and sorted(part for one in parts[1:] for part in one) == [
        "test",
        "train",
        "val",
    ]
    manifest = json.loads((out / "manifest.json").read_text())
    for name, digest in {**manifest["written"], **manifest["images"]}.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    assert manifest["read"] == {"CollectedData.csv": digest}
    assert manifest["counts"]["all"] == {"images": 4, "groups": 3, "animals": 3, "points": 5}
    assert set(manifest["written"]) | set(manifest["images"]) | {"manifest.json"} == {
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()
    }


def test_nothing_is_overwritten_unasked(table, tmp_path, convert):
    assert convert("deeplabcut", table, tmp_path / "out")[0] == 0
    before = (tmp_path / "out" / "labels.json").read_bytes()
    table.write_text(HEAD + ROWS.replace("8.5", "9.5"))
    status, said = convert("deeplabcut", table, tmp_path / "out")
    assert status == 2 and "is there already" in said and "--overwrite" in said
    assert (tmp_path / "out" / "labels.json").read_bytes() == before
    assert convert("deeplabcut", table, tmp_path / "out", "--overwrite")[0] == 0
    assert b"9.5" in (tmp_path / "out" / "labels.json").read_bytes()


def test_an_image_that_is_there_stops_all(table, tmp_path, convert, picture):
    own = picture(tmp_path / "out" / "images" / "b" / "1.png")
    before = own.read_bytes()
    status, said = convert("deeplabcut", table, tmp_path / "out")
    assert status == 2 and str(own) in said and own.read_bytes() == before
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [own]


def test_copies_are_files_of_their_own_and_links_are_not(table, tmp_path, convert):
    source = tmp_path / "p" / "a" / "1.png"
    assert convert("deeplabcut", table, tmp_path / "copied")[0] == 0
    assert convert("deeplabcut", table, tmp_path / "linked", "--link")[0] == 0
    assert not source.samefile(tmp_path / "copied" / "images" / "a" / "1.png")
    assert source.samefile(tmp_path / "linked" / "images" / "a" / "1.png")
    assert convert("deeplabcut", table, tmp_path / "linked", "--overwrite")[0] == 0
    assert source.stat().st_size > 0
    assert not source.samefile(tmp_path / "linked" / "images" / "a" / "1.png")


def test_the_same_again_gives_the_same_bytes(table, tmp_path, convert):
    for name in ("one", "two"):
        assert convert("deeplabcut", table, tmp_path / name, "--by", "image")[0] == 0
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.json")]
    assert len(files) >= 3
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_format_that_is_none_and_a_source_that_is_not_there(tmp_path, convert):
    status, said = convert("deeplabcuts", tmp_path, tmp_path / "out")
    assert status == 2 and "no format 'deeplabcuts'; did you mean 'deeplabcut'?" in said
    status, said = convert("deeplabcut", tmp_path / "no", tmp_path / "out")
    assert status == 2 and f"{tmp_path / 'no'}: is not there" in said
    status, said = convert("deeplabcut", tmp_path, tmp_path / "out", "--split", ".8/.1")
    assert status == 2 and "expected one to three shares that add up to 1" in said


def test_a_package_that_is_missing(tmp_path, convert, monkeypatch):
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    status, said = convert("sleap", tmp_path, tmp_path / "out")
    assert status == 2 and "hrpose convert sleap needs sleap_io" in said
    assert 'pip install "hrpose[sleap]"' in said


def test_a_damaged_image_is_named(table, tmp_path, convert):
    (tmp_path / "p" / "a" / "2.png").write_bytes(b"no image")
    status, said = convert("deeplabcut", table, tmp_path / "out")
    assert status == 2 and "2.png: is no image" in said and not (tmp_path / "out").exists()


COCO = {
    "images": [{"id": "x", "file_name": "1.png", "width": 40, "height": 30},
               {"id": "y", "file_name": "2.png", "width": 40, "height": 30}],
    "annotations": [
        {"id": 7, "image_id": "y", "category_id": 3, "keypoints": [1.5, 2, 2, 0, 0, 0, 3, 4, 1],
         "bbox": [0, 1, 10, 11], "area": 50},
    ],
    "categories": [{"id": 3, "name": "cow", "keypoints": ["a", "b", "c"], "skeleton": [[1, 3]]}],
}  # fmt: skip


@pytest.fixture
def coco(tmp_path, picture) -> Path:
    """A COCO file that hrpose did not write, and its images."""
    for image in COCO["images"]:
        picture(tmp_path / "own" / image["file_name"])
    path = tmp_path / "own" / "cows.json"
    path.write_text(json.dumps(COCO))
    return path


def test_any_coco_file_to_deeplabcut(coco, tmp_path, convert):
    assert convert("to-deeplabcut", coco, tmp_path / "back")[0] == 0
    folder = tmp_path / "back" / "labeled-data" / "images"
    assert (folder / "CollectedData_hrpose.csv").read_text() == (
        "scorer,,,hrpose,hrpose,hrpose,hrpose,hrpose,hrpose\nbodyparts,,,a,a,b,b,c,c\n"
        "coords,,,x,y,x,y,x,y\nlabeled-data,images,1.png,,,,,,\n"
        "labeled-data,images,2.png,1.5,2.0,,,3.0,4.0\n"
    )
    assert (folder / "2.png").read_bytes() == (tmp_path / "own" / "2.png").read_bytes()


def test_any_coco_file_to_plain_coco(coco, tmp_path, convert):
    assert convert("to-coco", coco, tmp_path / "plain.json")[0] == 0
    [one] = json.loads((tmp_path / "plain.json").read_text())["annotations"]
    assert one["keypoints"] == COCO["annotations"][0]["keypoints"]
    assert one["bbox"] == [0, 1, 10, 11] and one["area"] == 50 and one["num_keypoints"] == 2


def test_predictions_go_back_with_the_labels_that_name_their_ids(coco, tmp_path, convert):
    rows = [
        {"image_id": "x", "category_id": 3, "keypoints": [1, 2, 0.5, 3, 4, 0.25, 5, 6, 1]},
        {"image_id": "y", "category_id": 3, "keypoints": [2, 2, 0.5, 3, 4, 0.25, 5, 6, 1]},
    ]
    source = tmp_path / "predictions.json"
    source.write_text(json.dumps(rows))
    status, said = convert("to-coco", source, tmp_path / "p.json")
    assert status == 2 and "found a list of predictions" in said and "--labels" in said
    assert convert("to-coco", source, tmp_path / "p.json", "--labels", coco)[0] == 0
    content = json.loads((tmp_path / "p.json").read_text())
    assert [one["image_id"] for one in content["annotations"]] == [1, 2]
    assert content["annotations"][0]["keypoints"] == [1, 2, 2, 3, 4, 2, 5, 6, 2]
    assert content["annotations"][0]["score"] == pytest.approx(1.75 / 3)
    rows[1]["image_id"] = "z"
    source.write_text(json.dumps(rows))
    status, said = convert("to-coco", source, tmp_path / "q.json", "--labels", coco)
    assert status == 2 and "prediction 1: its image_id is not among" in said


def test_two_animals_become_individuals_and_too_many_are_refused(coco, tmp_path, convert):
    content = json.loads(json.dumps(COCO))
    content["annotations"] += [{**content["annotations"][0], "id": 8, "individual": "Elsa"}]
    coco.write_text(json.dumps(content))
    assert convert("to-deeplabcut", coco, tmp_path / "t.csv")[0] == 0
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[1].split(",")[3:][::6] == ["Elsa", "animal1"]
    content["annotations"][0]["individual"] = "Elsa"
    coco.write_text(json.dumps(content))
    status, said = convert("to-deeplabcut", coco, tmp_path / "u.csv")
    assert status == 2 and "2.png: 2 animals" in said


def test_categories_without_names_cannot_go_back(coco, tmp_path, convert):
    content = {**COCO, "categories": [{"id": 3, "name": "cow"}]}
    coco.write_text(json.dumps(content))
    status, said = convert("to-deeplabcut", coco, tmp_path / "t.csv")
    assert status == 2 and "category 'cow' without names of keypoints" in said
