"""Labels that are legal numbers and wrong."""

import argparse
import math
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import spoilt_labels
from spoilt_labels import PAGES, write_images, write_page

from hrpose import config
from hrpose.commands import check
from hrpose.engine.train import train
from hrpose.errors import DataError
from hrpose.metrics import CocoAP
from hrpose.structures import Predictions

TABLE = Path(__file__).with_name("labels.md")


def seeded() -> list[list[str]]:
    """The rows of labels.md: number, fault, file, place, words."""
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    return [[number, *(cell.strip() for cell in rest.split("|"))] for number, rest in rows]


def looked_at(page: Path, full: bool = False) -> int:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return check.run(parser.parse_args([str(page), *(["--full"] if full else [])]))


@pytest.mark.fault(
    name="38 faults of labels in one set of files",
    does="all that tests/faults/labels.md lists: boxes of 1 px, fractions, swapped sides, ...",
    expects="`hrpose check` names each with file, image, annotation and what to do",
)
def test_every_fault_is_found(tmp_path, monkeypatch, capsys, happened):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path)
    status = [looked_at(write_page(tmp_path, name)) for name in PAGES]
    paragraphs = capsys.readouterr().out.split("\n\n")
    missed = []
    for number, fault, file, place, words in seeded():
        told = [text for text in paragraphs if words in text]
        wanted = [file, *re.split(r"[,;] ", place)]
        if not any(all(part in text for part in wanted) for text in told):
            missed.append(f"{number} {fault}: {told}")
    assert missed == []
    assert status == [1] * len(PAGES)
    count = len(seeded())
    assert count >= 25
    happened(f"{count} of {count} are named, each with what to do; exit status 1")


@pytest.mark.fault(
    name="sound labels under the same look",
    does="the same files before anything was done to them",
    expects="no fault, no warning and no note",
)
def test_nothing_is_made_up(tmp_path, monkeypatch, capsys, happened):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path)
    files = [(f"{split}.json", spoilt_labels.nothing, spoilt_labels.as_json) for split in "abc"]
    monkeypatch.setitem(PAGES, "sound", files)
    assert looked_at(write_page(tmp_path, "sound"), full=True) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "no fault"
    assert not re.search("note:|warning|error", said)
    happened("no fault")


STOPPED = {"a": "tiny beside", "b": "as fractions do", "c": "outside their images", "d": "left out"}


@pytest.mark.fault(
    name="training on labels that cannot be right",
    does="boxes of 1 px; fractions; all doubled; 3 of 24 animals without a box",
    expects="refused before the first step, with file, annotation and what to do",
)
@pytest.mark.parametrize("page", STOPPED)
def test_training_is_refused(tmp_path, monkeypatch, happened, page):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path)
    path = write_page(tmp_path, page)
    with pytest.raises(DataError, match=STOPPED[page]) as caught:
        train(config.load(path), tmp_path / "run")
    assert "->" in str(caught.value) and "annotation 1" in str(caught.value)
    happened(f"DataError: ... {STOPPED[page]} ..., with what to do")


def off_by(data, px: float) -> dict:
    """AP of predictions that are `px` beside each label."""
    truth = data.truth()
    scores = np.ones(truth.visible.shape, np.float32)
    found = Predictions(
        truth.keypoints + np.float32(px), scores, np.arange(len(truth)), truth.areas
    )
    return CocoAP(sigmas=[0.05] * 4).compute(found, data.labels()).values


@pytest.mark.fault(
    name="area 1 for all animals",
    does="area is 1, predictions are 1 px beside the labels",
    expects="AP falls to 0 and it is said; area='box' gives the AP of areas that are right",
)
def test_area(herd, happened):
    right = off_by(herd.open(), 1)["AP"]
    for animal in herd.content["annotations"]:
        animal["area"] = 1
    data = herd.open()
    assert "warning: 4 of 4 areas do not go with the boxes" in data.summary()
    wrong, mended = off_by(data, 1)["AP"], off_by(herd.open(area="box"), 1)["AP"]
    assert (wrong, mended) == (0, right) and right > 0.9
    assert "areas do not go" not in herd.open(area="box").summary()
    assert herd.open(area="box").truth().areas.tolist() == [70 * 45] * 4
    assert herd.open(area="box").digest() != data.digest()
    happened(f"a warning; AP {wrong:.2f}, and {mended:.2f} with area='box'")


@pytest.mark.fault(
    name="area 0 for one animal",
    does="area is 0 for one of 4 animals, predictions are 1 px beside the labels",
    expects="AP never finds it, and it is said; without the area it is found",
)
def test_area_of_one(herd, happened):
    right = off_by(herd.open(), 1)["AP"]
    herd.first["area"] = 0
    data = herd.open()
    assert (
        "warning: 1 with an area that does not go with the box (the first is 0, its box has 3150 "
        "px): AP and AR are wrong with them (annotation 7)"
    ) in data.summary()
    wrong = off_by(data, 1)["AP"]
    del herd.first["area"]
    assert wrong < off_by(herd.open(), 1)["AP"] == right
    happened(f"a warning that names it; AP {wrong:.2f}, and {right:.2f} without the area")


@pytest.mark.fault(
    name="boxes of points on one line",
    does="all keypoints at y = 30, the box has no height",
    expects="told; with box='keypoints' the animal is used, with a box around its points",
)
def test_box_from_keypoints(herd, happened):
    herd.first["keypoints"][1::3] = [30] * 4
    herd.first["bbox"] = [20, 30, 60, 0]
    data = herd.open()
    assert "1 with a box without width or height" in data.summary() and len(data) == 3
    mended = herd.open(box="keypoints")
    assert len(mended) == 4 and "without width" not in mended.summary()
    # x from 20 to 80 and 12 = a fifth more on both sides, y = 30 and as much on both sides
    assert mended.truth().boxes[0].tolist() == [8, 18, 84, 24]
    herd.first["keypoints"][0::3] = [20] * 4  # a point: a tenth of the image's 64 px
    assert herd.open(box="keypoints").truth().boxes[0] == pytest.approx([16.8, 26.8, 6.4, 6.4])
    happened("a warning that names box='keypoints'; with it the box is 84 x 24 px")


@pytest.mark.fault(
    name="iscrowd NaN or '0'",
    does="iscrowd is NaN, '0', '', 'false'; and 1, True, '1'",
    expects="the first are animals, and it is said; the others are crowds",
)
@pytest.mark.parametrize("value", [math.nan, "0", "", "false", 1, True, "1", 0, None])
def test_iscrowd(herd, happened, value):
    herd.first["iscrowd"] = value
    data = herd.open()
    crowd = value in (1, True, "1")
    assert len(data) == (3 if crowd else 4)
    assert data.coco()["annotations"][0]["iscrowd"] == crowd
    odd = not crowd and bool(value)
    assert ("1 with an iscrowd that is neither 0 nor 1" in data.summary()) == odd
    happened("NaN, '0' and 'false' are animals, 1 and '1' crowds")


@pytest.mark.fault(
    name="file names with backslashes",
    does="file_name is `barn\\dao-0.png`, as Windows writes it",
    expects="barn/dao-0.png is read, and it is said; a file that is called so goes first",
)
def test_backslashes(herd, happened):
    (herd.folder / "barn").mkdir()
    (herd.folder / "dao-0.png").rename(herd.folder / "barn/dao-0.png")
    herd.content["images"][0]["file_name"] = "barn\\dao-0.png"
    data = herd.open()
    assert data.record(0, 0)["image_path"] == str(herd.folder / "barn/dao-0.png")
    assert "1 file names with backslashes, read as '/'" in data.summary()
    assert data[0]["image"].shape == (64, 96, 3)
    (herd.folder / "barn\\dao-0.png").write_bytes((herd.folder / "dao-1.png").read_bytes())
    assert herd.open().record(0, 0)["image_path"] == str(herd.folder / "barn\\dao-0.png")
    happened("barn/dao-0.png is read; a note says so")


@pytest.mark.fault(
    name="more animals left out than may be",
    does="one animal of 4 has no box, and the page says max_left_out=.25",
    expects="trained on: it was asked for",
)
def test_left_out_on_purpose(herd, happened):
    herd.first["bbox"] = None
    assert [one.severity for one in herd.open().faults if one.kind == "left-out"] == ["error"]
    assert [one for one in herd.open(max_left_out=0.25).faults if one.kind == "left-out"] == []
    happened("no error")


@pytest.mark.fault(
    name="the same picture saved anew in another split",
    does="test/07.png has the pixels of train/05.png, written with another compression",
    expects="found with --full, which compares pixels; files of another content pass without",
)
def test_pixels_saved_anew(tmp_path, monkeypatch, capsys, happened):
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path)
    picture = cv2.imread(str(tmp_path / "images/train/05.png"))
    cv2.imwrite(str(tmp_path / "images/test/07.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    files = [(f"{split}.json", spoilt_labels.nothing, spoilt_labels.as_json) for split in "abc"]
    monkeypatch.setitem(PAGES, "sound", files)
    page = write_page(tmp_path, "sound")
    assert (looked_at(page), looked_at(page, full=True)) == (0, 1)
    said = capsys.readouterr().out
    assert "error: 1 of 24 images of test are pictures of train too (the first: " in said
    assert "image 7 (test/07.png), annotation 107" in said
    happened("an error that names both files")
