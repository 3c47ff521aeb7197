"""Images and folders: tables, boxes of files, and the points of `hrpose test`."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import write_picture

from hrpose import cli, config
from hrpose.config.pages import find_page
from hrpose.engine.experiment import prepare
from hrpose.predict.tables import csv_table

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"


def points_of_test(checkpoint: Path, folder: Path, monkeypatch) -> dict[str, np.ndarray]:
    """What `hrpose test` finds on the animals of the tiny page, (K, 3) by image."""
    words = ["hrpose", TINY, checkpoint, "--work-dir", folder]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    cli.main("test")
    rows = json.loads((folder / "predictions.json").read_text())
    return {f"{row['image_id']:06d}.png": np.array(row["keypoints"]).reshape(-1, 3) for row in rows}


def test_annotated_boxes_give_the_points_of_test(predict, herd, checkpoint, monkeypatch, tmp_path):
    boxes = herd / "annotations.json"
    words = (herd / "images", "--bbox", boxes, "--formats", "csv", "coco", "jsonl")
    assert predict(*words, "--batch-size", 4) == 0
    table = csv_table.read(tmp_path / "out" / "images.csv")
    want = points_of_test(checkpoint, tmp_path / "test", monkeypatch)
    assert [Path(label).name for label in table.labels] == sorted(want)
    assert np.ptp(table.keypoints[:, 0], axis=(0, 1)).min() > 20  # the points are not all one
    for number, label in enumerate(table.labels):
        points = want[Path(label).name]
        np.testing.assert_allclose(table.keypoints[number, 0], points[:, :2], atol=1e-4)
        np.testing.assert_allclose(table.scores[number, 0], points[:, 2], atol=1e-4)
    test_rows = json.loads((tmp_path / "test" / "predictions.json").read_text())
    rows = json.loads((tmp_path / "out" / "images.predictions.json").read_text())
    for row, other in zip(rows, test_rows, strict=True):
        assert row["image_id"] == other["image_id"]
        assert row["area"] == pytest.approx(other["area"], rel=1e-5)
        assert row["score"] == pytest.approx(other["score"], abs=1e-4)
    images = json.loads((tmp_path / "out" / "images.images.json").read_text())["images"]
    assert [Path(image["file_name"]).name for image in images] == sorted(want)


def test_a_coco_file_without_annotations_and_boxes_of_a_csv(predict, herd, tmp_path):
    coco = json.loads((herd / "annotations.json").read_text())
    lines = ["image,x,y,w,h"]
    for image, entry in zip(coco["images"], coco["annotations"], strict=True):
        lines.append(",".join(map(str, [image["file_name"], *entry["bbox"]])))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("\n".join(lines))
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps({"images": coco["images"]}))
    assert predict(bare, "--img-root", herd / "images", "--bbox", boxes) == 0
    first = csv_table.read(tmp_path / "out" / "bare.csv")
    assert first.labels[0] == "000000.png"
    assert predict(herd / "images", "--bbox", herd / "annotations.json") == 0
    second = csv_table.read(tmp_path / "out" / "images.csv")
    np.testing.assert_array_equal(first.keypoints, second.keypoints)


def test_the_bytes_of_a_table(predict, tmp_path):
    write_picture(tmp_path / "cage" / "img2.png", 1)
    write_picture(tmp_path / "cage" / "img10.png", 2)
    assert predict(tmp_path / "cage") == 0
    text = (tmp_path / "out" / "cage.csv").read_bytes().decode()
    assert "\r" not in text
    rows = [line.split(",") for line in text.splitlines()]
    names = json.loads((tmp_path / "out" / "cage.json").read_text())["keypoints"]
    assert [row[0] for row in rows[:3]] == ["scorer", "bodyparts", "coords"]
    assert rows[0][1].startswith("hrpose_tiny_") and len(rows[0][1]) == len("hrpose_tiny_") + 8
    assert rows[1][1:] == [name for name in names for _ in range(3)]
    assert rows[2][1:] == ["x", "y", "likelihood"] * len(names)
    assert [Path(row[0]).name for row in rows[3:]] == ["img2.png", "img10.png"]
    assert all(len(cell.split(".")[1]) == 4 for row in rows[3:] for cell in row[1:])


def test_an_image_that_cannot_be_read_costs_its_row(predict, tmp_path, capsys):
    for name in ("a.png", "c.png"):
        write_picture(tmp_path / "cage" / name)
    (tmp_path / "cage" / "b.png").write_bytes(b"\x89PNG no picture")
    assert predict(tmp_path / "cage") == 0
    lines = (tmp_path / "out" / "cage.csv").read_text().splitlines()
    assert set(lines[4].split(",")[1:]) == {"", "0"}
    assert "1 of 3 could not be read" in capsys.readouterr().out
    bad = json.loads((tmp_path / "out" / "cage.json").read_text())["bad_frames"]
    assert [Path(entry["frame"]).name for entry in bad] == ["b.png"]
    table = csv_table.read(tmp_path / "out" / "cage.csv")
    assert np.isnan(table.keypoints[1]).all() and (table.scores[1] == 0).all()
    np.testing.assert_array_equal(table.keypoints[0], table.keypoints[2])


def test_several_animals_keep_their_columns(predict, tmp_path):
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / "cage" / name)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(
        "image,x,y,w,h,id\na.png,0,0,30,30,fly10\na.png,20,10,30,30,fly9\nb.png,0,0,30,30,fly10\n"
    )
    words = (tmp_path / "cage", "--bbox", boxes)
    assert predict(*words) == 2  # two ids, one place
    assert predict(*words, "--animals", 2, "--formats", "csv", "jsonl", "coco") == 0
    table = csv_table.read(tmp_path / "out" / "cage.csv")
    assert table.individuals == ["fly9", "fly10"]
    np.testing.assert_array_equal(table.keypoints[0, 1], table.keypoints[1, 1])
    assert np.isnan(table.keypoints[1, 0]).all()
    lines = (tmp_path / "out" / "cage.frames.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["fly9", "fly10", "fly10"]
    results = json.loads((tmp_path / "out" / "cage.predictions.json").read_text())
    assert [row["image_id"] for row in results] == [0, 0, 1]


def test_batches_of_any_size_give_the_same(predict, herd, tmp_path):
    tables = []
    for size in (1, 4, 32):
        out = tmp_path / f"out{size}"
        assert predict(herd / "images", "--batch-size", size, "--out", out) == 0
        tables.append(csv_table.read(out / "images.csv"))
    for table in tables[1:]:
        np.testing.assert_allclose(table.keypoints, tables[0].keypoints, atol=1e-4)


def test_what_exists_is_not_replaced_unasked(predict, tmp_path, capsys):
    write_picture(tmp_path / "cage" / "a.png")
    assert predict(tmp_path / "cage") == 0
    before = (tmp_path / "out" / "cage.csv").read_bytes()
    assert predict(tmp_path / "cage") == 2
    assert "cage.csv exists" in capsys.readouterr().err
    assert predict(tmp_path / "cage", "--resume") == 0
    assert "is finished" in capsys.readouterr().out
    write_picture(tmp_path / "cage" / "b.png")
    assert predict(tmp_path / "cage", "--overwrite") == 0
    after = (tmp_path / "out" / "cage.csv").read_bytes()
    assert after.startswith(before) and after.count(b"\n") == before.count(b"\n") + 1
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cage.csv").write_text("my own notes")
    assert predict(tmp_path / "cage", "--resume") == 2
    assert (tmp_path / "out" / "cage.csv").read_text() == "my own notes"


def test_one_bad_input_does_not_stop_the_others(predict, tmp_path, capsys):
    write_picture(tmp_path / "good" / "a.png")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "b.png").write_bytes(b"")
    assert predict(tmp_path / "bad", tmp_path / "good") == 1
    assert (tmp_path / "out" / "good.csv").exists()
    assert not (tmp_path / "out" / "bad.csv").exists()
    assert "none of its 1 images can be read" in capsys.readouterr().err
    assert predict(tmp_path / "bad") == 2


def test_nothing_is_done_where_the_checkpoint_is_of_another_page(predict, tmp_path, capsys):
    write_picture(tmp_path / "cage" / "a.png")
    assert predict(tmp_path / "cage", "--cfg-options", "model.backbone.width=8") == 2
    assert "does not fit the model" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_page_without_its_data_sets_is_refused_in_words(predict, herd, capsys):
    words = (herd / "images", "--cfg-options", "data={'_delete_': True, 'batch_size': 4}")
    for box in ("full", herd / "annotations.json"):
        assert predict("--bbox", box, *words) == 2
        assert "data.train: the page does not say it" in capsys.readouterr().err


def test_labels_in_the_output_folder_are_not_replaced(predict, herd, tmp_path, capsys):
    labels = tmp_path / "labels.json"
    shutil.copy(herd / "annotations.json", labels)
    before = labels.read_bytes()
    words = (labels, "--img-root", herd / "images", "--out", tmp_path)
    for more in ((), ("--overwrite",), ("--resume",)):
        assert predict(*words, *more) == 2
        assert "labels.json: is no summary of an earlier run" in capsys.readouterr().err
    assert labels.read_bytes() == before


def test_real_horses_get_the_points_of_test(data_dir, monkeypatch, tmp_path):
    """67 horses, to the last of the four digits that are written."""
    page, horses = "hrnet_w32_livestock_128x96", data_dir / "livestock-horse"
    boxes = horses / "annotations" / "test_annotations.coco.json"
    weights = tmp_path / "w32.pth"
    torch.save({"state_dict": prepare(config.load(find_page(page))).model.state_dict()}, weights)
    words = ["hrpose", page, weights, horses / "images" / "test", "--bbox", boxes]
    words += ["--out", tmp_path / "out", "--no-flip"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    with pytest.raises(SystemExit) as end:
        cli.main("predict")
    assert end.value.code == 0
    words = ["hrpose", page, weights, "--work-dir", tmp_path / "test", "--cfg-options"]
    words += [f"data.root={horses}", "model.flip_test=False"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    cli.main("test")
    names = {image["id"]: image["file_name"] for image in json.loads(boxes.read_text())["images"]}
    rows = json.loads((tmp_path / "test" / "predictions.json").read_text())
    want = {names[row["image_id"]]: np.array(row["keypoints"]).reshape(-1, 3) for row in rows}
    table = csv_table.read(tmp_path / "out" / "test.csv")
    assert len(table.labels) == len(want) == 67
    for label, keypoints in zip(table.labels, table.keypoints, strict=True):
        np.testing.assert_allclose(keypoints[0], want[Path(label).name][:, :2], atol=1e-4)
