"""The converter that the figures of docs/predict.md rest on: nothing is lost or moved."""

import sys
from pathlib import Path

import dlc_to_coco
import numpy as np
import pytest
from proofs import real_video

from hrpose import config
from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.engine.experiment import prepare
from hrpose.keypoints import KeypointMeta
from hrpose.predict.tables import csv_table

OPENFIELD = "openfield-dlc/labeled-data/m4s1/CollectedData_Pranav.csv"
MIRROR = "mirror-mouse-dlc/CollectedData.csv"
STEPS = [LoadImage(), CropBox((64, 64)), Warp((64, 64))]


@pytest.mark.parametrize(
    ("table", "images", "keypoints", "labelled"),
    [(OPENFIELD, 116, 4, 464), (MIRROR, 90, 17, 1396)],
)
def test_counts(data_dir, table, images, keypoints, labelled):
    content = dlc_to_coco.coco(data_dir / table, ("frame",))
    assert len(content["images"]) == len(content["annotations"]) == images
    assert len(content["categories"][0]["keypoints"]) == keypoints
    triples = np.reshape([one["keypoints"] for one in content["annotations"]], (-1, 3))
    assert len(triples) == images * keypoints
    assert set(triples[:, 2]) <= {0, 2} and (triples[:, 2] == 2).sum() == labelled
    assert sum(one["num_keypoints"] for one in content["annotations"]) == labelled


def test_first_row_of_openfield_to_the_last_digit(data_dir):
    content = dlc_to_coco.coco(data_dir / OPENFIELD, ("frame", "keypoints"), slice(1))
    assert content["categories"][0]["keypoints"] == ["snout", "leftear", "rightear", "tailbase"]
    assert content["images"][0]["file_name"] == "labeled-data/m4s1/img0000.jpg"
    frame, close = content["annotations"]
    points = [21.521, 265.428, 33.819, 265.941, 19.984, 250.05599999999998]
    assert frame["keypoints"] == [
        *points[:2],
        2,
        *points[2:4],
        2,
        *points[4:],
        2,
        87.11,
        152.69799999999998,
        2,
    ]
    assert frame["bbox"] == [0, 0, 640, 480]
    # x 19.984 to 87.110, y 152.698 to 265.941; the margin is .2 of 113.243, and x ends at the frame
    np.testing.assert_allclose(close["bbox"], [0, 130.0494, 109.7586, 158.5402], atol=1e-4)


def test_a_box_is_never_below_a_tenth_of_the_frame():
    box = dlc_to_coco.box_of(np.array([[100.0, 100.0], [110.0, 100.0]]), (640, 480))
    assert box == [81, 76, 48, 48]  # without that 14 wide and 4 high


def test_the_two_parts_are_blocks_and_can_be_read(data_dir, tmp_path, monkeypatch, capsys):
    line = ["dlc_to_coco", str(data_dir / OPENFIELD), str(tmp_path), "--val", "0.25"]
    monkeypatch.setattr(sys, "argv", line)
    dlc_to_coco.main()
    assert capsys.readouterr().out == "train.json: 87 images\nval.json: 29 images\n"
    meta = KeypointMeta("openfield", ["snout", "leftear", "rightear", "tailbase"])
    found = [
        CocoPoseDataset(part, str(data_dir / "openfield-dlc"), meta, STEPS, str(tmp_path))
        for part in ("train.json", "val.json")
    ]
    points = np.concatenate([data.truth().keypoints for data in found])
    np.testing.assert_array_equal(points, dlc_to_coco.read(data_dir / OPENFIELD)[2].astype("f4"))
    assert found[1][0]["image"].shape == (64, 64, 3)


@pytest.mark.parametrize(("page", "keypoints"), [("openfield", 4), ("mirror_mouse", 17)])
def test_the_pages_of_the_demonstrations_are_whole(page, keypoints):
    path = Path(__file__).parent / "pages" / f"{page}.py"
    assert len(prepare(config.load(path)).meta) == keypoints


def test_the_figures_of_a_table(tmp_path):
    columns = csv_table.Columns("s", ["animal"], ["a", "b"])
    rows = [[[0, 0], [5, 5]], [[0, 61], [5, 65]], [[0, 61], [5, 5]]]  # 61 and 60 px; 0 and 60
    lines = [csv_table.row(str(n), np.array([row]), np.ones((1, 2))) for n, row in enumerate(rows)]
    table = tmp_path / "film.csv"
    table.write_text(columns.header() + "".join(lines))
    assert (
        "3 frames, steps above 60 px [1, 0], of any point 1, mean likelihood 1.00"
        in real_video.steps(table, None)
    )
    labels = tmp_path / "CollectedData_x.csv"
    labels.write_text("scorer,x,x,x,x\nbodyparts,a,a,b,b\ncoords,x,y,x,y\nv/1.png,0,4,5,5\n")
    table.write_text(columns.header() + lines[0].replace("0,", "there/v/1.png,", 1))
    assert "1 images, px: mean 2.0, median 2.0" in real_video.errors(table, labels)
