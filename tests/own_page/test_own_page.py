"""The page that init writes: complete, checked, and safe whatever the files say."""

import json
import re
import sys

import numpy as np
import pytest

from hrpose.cli import main
from hrpose.config import load
from hrpose.config.pages import find_page
from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError, DataError, RunError
from hrpose.own_page.text import PRETRAINED
from hrpose.predict.crops import Cropper
from hrpose.predict.frames import Frame
from hrpose.predict.look.boxes import WholeFrame


def test_a_page_for_three_files(herd):
    files = [herd.write(name, count) for name, count in (("train", 9), ("val", 4), ("test", 3))]
    _, _, page = herd.init(*files)
    experiment = prepare(page)
    meta = experiment.meta
    assert (meta.dataset, len(meta), meta.flip_pairs) == (
        "cows", 4, (("left_ear", "right_ear"),),
    )  # fmt: skip
    assert meta.skeleton == (("nose", "left_ear"), ("nose", "tail"))
    assert meta.sigmas == (0.05,) * 4
    assert page["model"]["head"]["out_channels"] == 4
    assert [len(experiment.dataset(split)) for split in ("train", "val", "test")] == [9, 4, 3]
    names = [name for metric in experiment.metrics for name in metric.names]
    assert names[:4] == ["PCK@0.2", "NME", "EPE", "AP"]
    assert page["data"]["root"] == herd.folder.as_posix()
    assert page["data"]["val"] == {
        "type": "CocoPoseDataset", "ann_file": "val.json", "img_root": "images",
    }  # fmt: skip


def test_no_number_of_keypoints_stands_on_the_page(herd):
    """Names that are added or taken away need no other change."""
    herd.init(herd.write("a"))
    page = herd.folder / "cows.py"
    text = page.read_text()
    assert "_base_" not in text
    page.write_text(text.replace('"tail"]', '"tail", "hump"]'))
    longer = load(page)
    assert longer["model"]["head"]["out_channels"] == len(longer["keypoints"]["sigmas"]) == 5
    prepare(longer)


def test_where_parts_are_missing_it_is_said(herd):
    _, _, page = herd.init(herd.write("a"))
    text = (herd.folder / "cows.py").read_text()
    assert page["data"]["val"]["ann_file"] == page["data"]["test"]["ann_file"] == "a.json"
    assert text.count('="$data.train",  # what is trained on: it tells memory') == 2
    _, _, page = herd.init(herd.write("train"), herd.write("val"), overwrite=True)
    assert page["data"]["test"]["ann_file"] == "val.json"
    text = (herd.folder / "cows.py").read_text()
    assert 'test="$data.val",  # as there is no file for test' in text


def test_a_lonely_side_is_refused_unless_nothing_is_mirrored(herd):
    herd.category["keypoints"] = ["nose", "left_ear", "right_eye", "tail"]
    file = herd.write("a")
    with pytest.raises(DataError, match=r"'left_ear', 'right_eye' name a side.*--no-flip"):
        herd.init(file)
    assert list(herd.folder.glob("*.py")) == []
    _, _, page = herd.init(file, flip=False)
    assert page["model"]["flip_test"] is False
    assert all(step["type"] != "RandomFlip" for step in page["train_pipeline"])


def test_pairs_that_the_file_names_come_first(herd):
    herd.category["keypoints"] = ["left_ear", "paw1", "paw2", "right_ear", "left_hip"]
    herd.category["flip_pairs"] = [["paw1", "paw2"], ["left_hip", "paw3"]]
    with pytest.raises(DataError, match=r"'cow'.*no keypoint is called 'paw3'"):
        herd.init(herd.write("a"))
    herd.category["flip_pairs"].pop()
    with pytest.raises(DataError, match="'left_hip' name a side"):
        herd.init(herd.write("a"))
    herd.category["keypoints"][4] = "tail"
    _, _, page = herd.init(herd.write("a"))
    assert page["keypoints"]["flip_pairs"] == [("paw1", "paw2"), ("left_ear", "right_ear")]


def test_what_is_there_stays_unless_it_may_be_replaced(herd):
    file = herd.write("a")
    (herd.folder / "cows.py").write_text("mine")
    with pytest.raises(RunError, match="is there already; give --overwrite"):
        herd.init(file)
    assert (herd.folder / "cows.py").read_text() == "mine"
    herd.init(file, overwrite=True)


def test_a_page_that_would_not_train_is_not_left(herd):
    with pytest.raises(ConfigError, match="'snout' is no keypoint of 'cows'"):
        herd.init(herd.write("a"), norm=("snout", "tail"))
    (herd.images / "b3.png").write_bytes(b"no picture") if herd.write("b") else None
    with pytest.raises(DataError, match=r"b3\.png"):
        herd.init(herd.folder / "b.json")
    assert not [path for path in herd.folder.iterdir() if ".py" in path.name]


def test_a_pair_as_norm_leaves_out_animals_without_it(herd):
    _, _, page = herd.init(herd.write("a"), norm=("nose", "tail"))
    pair = {"norm": ("nose", "tail"), "missing": "leave-out"}
    assert page["metrics"][:2] == [
        {"type": "PCK", "thr": 0.2, **pair}, {"type": "NME", **pair},
    ]  # fmt: skip


def test_names_are_data_and_never_code(herd):
    names = ['a"b', "it's", "both\"'", "back\\slash", "{{ x }}", "new\nline", "鼻", "#", "$a.b"]
    herd.category["keypoints"] = names[:-1]
    herd.category["name"] = "x'\nraise SystemExit('code of a file')\n"
    content, _, page = herd.init(herd.write("a"), category=herd.category["name"])
    assert page["keypoints"]["names"] == names[:-1]
    assert page["data"]["train"]["category"] == herd.category["name"]
    assert content.labels.names == names[:-1]


@pytest.mark.parametrize("name", ["a b", "../x", "x\ny", "", "a/b"])
def test_names_that_are_no_file_names_are_refused(herd, name):
    from dataclasses import replace

    from hrpose.own_page.init import init

    with pytest.raises(ConfigError, match="--name"):
        init(replace(herd.request(herd.write("a", 2)), name=name), lambda items, *_: items)


def test_the_whole_frame_is_what_predict_looks_at(herd):
    """The crop of a data set with crop='frame' is that of `--bbox full`; metrics keep the box."""
    _, _, page = herd.init(herd.write("a"), whole_frame=True)
    experiment = prepare(page)
    data = experiment.dataset("test")
    plain = {**page, "data": {**page["data"], "test": {**page["data"]["test"], "crop": "box"}}}
    assert data.digest() != prepare(plain).dataset("test").digest()
    assert data.record(0, 0)["box"].tolist() == [0, 0, 80, 60]
    assert data.truth().boxes[0].tolist() == [15, 15, 40, 20]
    image = np.full((60, 80, 3), 60, np.uint8)  # picture 3
    where = WholeFrame()(Frame("a3.png", 0, None, image))
    crop, matrix = Cropper(experiment.pipelines["test"], experiment.meta)(image, where.boxes[0])
    np.testing.assert_array_equal(crop, data[3]["image"])
    np.testing.assert_array_equal(matrix, data[3]["matrix"])
    assert {tuple(data[k]["matrix"].ravel()) for k in range(9)} == {tuple(matrix.ravel())}


def test_two_animals_cannot_share_a_whole_frame(herd):
    file = herd.write("a", more=[herd.animal(70, 2, shift=9)])
    with pytest.raises(DataError, match=r"annotation 2 .* and annotation 70 .* are on one image"):
        herd.init(file, whole_frame=True)


def test_a_whole_frame_needs_its_size_and_no_boxes_of_a_detector(herd):
    path = herd.write("a")
    _, _, page = herd.init(path, whole_frame=True)
    page["data"]["test"]["box_file"] = "boxes.json"
    with pytest.raises(ConfigError, match=r"box_file: goes with one .* not 'frame'"):
        prepare(page).dataset("test")
    content = json.loads(path.read_text())
    del content["images"][0]["width"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"annotation 0 .*no width and height, which crop='frame'"):
        prepare(page).dataset("train")
    assert len(prepare(page).dataset("train", labels_only=True)) == 9


def test_pretrained_weights_are_those_of_the_shipped_pages():
    for width, address in PRETRAINED.items():
        page = load(find_page(f"hrnet_w{width}_livestock_256x256"))
        assert page["pretrained"] == address


def test_the_verb_says_what_it_found(herd, monkeypatch, capsys):
    herd.category["keypoints"] = ["nose", "near_ear", "off_ear", "tail"]
    file = herd.write("train")
    words = ["hrpose", "init", str(file), "--images", str(herd.images), "--name", "cows"]
    monkeypatch.setattr(sys, "argv", [*words, "--out", str(herd.folder / "cows.py")])
    main()
    out = capsys.readouterr().out
    for line in (
        f"train: 9 animals on 9 images, {file}",
        "no other file: validated and tested on what is trained on",
        "  near_ear  <->  off_ear",
        "  and stay themselves: nose, tail",
        "near is taken for left",
        "sigmas: 0.05 for all, assumed",
        "4000 epochs of 1 steps of 8 animals",
        f"next: hrpose train {herd.folder / 'cows.py'}",
    ):
        assert line in out
    with pytest.raises(SystemExit):
        main()
    assert "give --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["256x256x256", "100", "0x64", "big"])
def test_sizes_that_no_network_takes(herd, monkeypatch, capsys, size):
    words = ["hrpose", "init", "a.json", "--images", ".", "--name", "x", "--input", size]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        main()
    assert "multiples of 32" in capsys.readouterr().err


@pytest.mark.parametrize(("project", "pairs"), [("mirror-mouse-dlc", 4), ("openfield-dlc", 1)])
def test_real_projects(data_dir, herd, monkeypatch, project, pairs):
    out = herd.folder / "coco"
    words = ["convert", "deeplabcut", data_dir / project, out, "--split", ".8/.2", "--link"]
    monkeypatch.setattr(sys, "argv", ["hrpose", *map(str, words)])
    main()
    herd.images = out / "images"
    _, sides, page = herd.init(*sorted((out / "annotations").glob("*.json")))
    assert len(sides.pairs) == len(page["keypoints"]["flip_pairs"]) == pairs
    assert len(re.findall("\n", (herd.folder / "cows.py").read_text())) < 100


def test_real_horses(data_dir, herd):
    folder = data_dir / "livestock-horse"
    herd.images = folder / "images"
    files = [folder / f"annotations/{part}_annotations.coco.json" for part in ("train", "val")]
    content, sides, page = herd.init(*files)
    shipped = load(find_page("hrnet_w32_livestock_256x256"))
    assert page["keypoints"]["names"] == shipped["keypoints"]["names"]
    assert page["keypoints"]["flip_pairs"] == shipped["keypoints"]["flip_pairs"]
    assert (content.plan.input_size, content.plan.steps) == ((256, 192), 12_390)
    assert sides.lonely == []


def test_labels_that_training_refuses_do_not_keep_the_page_away(herd):
    empty = [herd.animal(90 + k, k, keypoints=[0] * 12) for k in range(3)]
    herd.init(herd.write("a", more=empty))
    assert len(herd.faults) == 1 and "3 of 12 animals are left out" in herd.faults[0]
    herd.init(herd.write("b"), overwrite=True)
    assert herd.faults == []
