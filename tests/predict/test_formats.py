"""The formats that are made of a finished table, read back by the programs that they are for."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures import write_picture

from hrpose import environment
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.predict.crops import Cropper
from hrpose.predict.inputs import Job
from hrpose.predict.record import JobFiles
from hrpose.predict.tables import csv_table, dlc
from hrpose.predict.tables.csv_table import Columns
from hrpose.predict.tables.formats import Finished, write_formats

META = KeypointMeta(
    "toy", ["nose", "l_ear", "r_ear"], [["l_ear", "r_ear"]], skeleton=[["nose", "l_ear"]]
)
ANIMALS = ["ann", "bob"]
POINTS = np.arange(3 * 2 * 3 * 2).reshape(3, 2, 3, 2) * 1.25
SCORES = np.linspace(0, 1.5, 18).reshape(3, 2, 3)


@pytest.fixture
def finished(tmp_path):
    """Three frames, 0, 2 and 4, of a video with two animals, the second lost in frame 2."""
    points, scores = POINTS.copy(), SCORES.copy()
    points[1, 1], scores[1, 1] = np.nan, 0
    table = tmp_path / "v.csv"
    rows = zip("024", points, scores, strict=True)
    table.write_text(Columns("hrpose_toy", ANIMALS, META.names).header()
                     + "".join(csv_table.row(*row) for row in rows))  # fmt: skip
    where = tmp_path / "v.frames.jsonl"
    video = Job("v", "video", [tmp_path / "v.mp4"])
    places, cropper = JobFiles(tmp_path, "v"), Cropper([], META)
    return Finished(places, video, table, where, cropper, 25.0, (64, 48))


@pytest.mark.parametrize("label", ["a\rb.png", "a\nb.png", "a,b.png", 'a"b.png', "=1+1.png", ""])
def test_odd_names_of_images_come_back(tmp_path, label):
    path = tmp_path / "t.csv"
    row = csv_table.row(label, np.ones((1, 1, 2)), np.ones((1, 1)))
    text = Columns("s", ["animal"], ['eye,"left"']).header() + row
    path.write_text(text, encoding="utf-8", newline="")
    table = csv_table.read(path)
    assert (table.labels, table.bodyparts) == ([label], ['eye,"left"'])


def test_csv_there_and_back(finished):
    table = csv_table.read(finished.table)
    assert (table.scorer, table.individuals, table.bodyparts) == (
        "hrpose_toy", ANIMALS, list(META.names),
    )  # fmt: skip
    assert table.labels == ["0", "2", "4"]
    keep = np.isfinite(table.keypoints)
    assert keep.sum() == POINTS.size - 6
    np.testing.assert_array_equal(table.keypoints[keep], POINTS[keep])
    np.testing.assert_allclose(table.scores[[0, 2]], SCORES[[0, 2]], atol=5e-5)
    assert (table.scores[1, 1] == 0).all()


def test_csv_with_names_that_need_quotes(tmp_path):
    names = ['a "b", c', "d"]
    path = tmp_path / "odd.csv"
    label = "cage, left/1.png"
    row = csv_table.row(label, np.ones((1, 2, 2)), np.ones((1, 2)))
    path.write_text(Columns("s", ["x"], names).header() + row)
    table = csv_table.read(path)
    assert (list(table.bodyparts), table.labels) == (names, [label])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no table of predictions"),
        ("scorer,s,s,s\nbodyparts,n,n,n\ncoords,x,y,likelihood\n0,1,2\n", "line 4 has 3 cells"),
    ],
)
def test_csv_that_is_none(tmp_path, text, message):
    path = tmp_path / "none.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        csv_table.read(path)


def test_h5_in_pandas(finished):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    (path,) = write_formats(finished, ["csv", "h5", "jsonl"])
    frame = pandas.read_hdf(path)
    assert path.name == "v.h5"
    assert list(frame.columns.names) == ["scorer", "individuals", "bodyparts", "coords"]
    assert frame.index.tolist() == [0, 2, 4]
    assert frame.loc[4, ("hrpose_toy", "bob", "nose", "x")] == POINTS[2, 1, 0, 0]
    assert np.isnan(frame.loc[2, ("hrpose_toy", "bob", "nose", "y")])
    assert frame.loc[2, ("hrpose_toy", "bob", "nose", "likelihood")] == 0
    read = pandas.read_csv(finished.table, header=[0, 1, 2, 3], index_col=0)
    np.testing.assert_array_equal(read.to_numpy(), frame.to_numpy())


def test_h5_takes_thirty_animals(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    from hrpose.predict.tables import h5

    rng = np.random.default_rng(0)
    names = [f"part{k}" for k in range(39)]
    herd = [f"animal{n}" for n in range(30)]
    points, scores = rng.random((2, 30, 39, 2)), rng.random((2, 30, 39))
    table = csv_table.Table("s", herd, names, ["0", "1"], points, scores)
    h5.save(h5.frame_of(table, True), tmp_path / "big.h5")
    assert pandas.read_hdf(tmp_path / "big.h5").shape == (2, 3510)


def project(tmp_path: Path, several: bool = False, net: str = "top_down_hrnet_w32") -> Path:
    """As much of a DeepLabCut project as its tools need to find results."""
    config = tmp_path / "project" / "config.yaml"
    train = config.parent / "dlc-models-pytorch/iteration-0/mouseOct30-trainset95shuffle1/train"
    train.mkdir(parents=True)
    (train / "pytorch_config.yaml").write_text(f"net_type: {net}\n")
    for name in ("snapshot-050.pt", "snapshot-200.pt"):
        (train / name).touch()
    config.write_text(
        f"Task: mouse\ndate: Oct30\niteration: 0\nmultianimalproject: {str(several).lower()}\n"
    )
    return config


def test_the_name_that_a_project_asks_for(tmp_path):
    config = project(tmp_path)
    want = "DLC_HrnetW32_mouseOct30shuffle1_snapshot_200"
    assert dlc.scorer_of(config, 1) == (want, False)
    train = config.parent / "dlc-models-pytorch/iteration-0/mouseOct30-trainset95shuffle1/train"
    (train / "snapshot-best-120.pt").touch()
    assert dlc.scorer_of(config, 1)[0].endswith("_snapshot_best-120")
    text = config.read_text()
    config.write_text(text + "snapshotindex: 0\n")
    assert dlc.scorer_of(config, 1)[0].endswith("_snapshot_50")  # of snapshot-050.pt
    config.write_text(text + "snapshotindex: 3\n")
    with pytest.raises(DataError, match=r"no snapshot-NNN\.pt of index 3"):
        dlc.scorer_of(config, 1)
    config.write_text(text + "snapshotindex: all\n")
    (train / "snapshot-detector-100.pt").touch()
    assert dlc.scorer_of(config, 1)[0].endswith("shuffle1_snapshot_best-120")
    (train / "pytorch_config.yaml").write_text("net_type: hrnet_w32\nmethod: td\n")
    assert dlc.scorer_of(config, 1)[0].endswith("shuffle1_detector_100_snapshot_best-120")


def test_a_folder_that_is_no_project(tmp_path):
    config = project(tmp_path)
    with pytest.raises(DataError, match=r"there is no shuffle 2 in .* choose another with"):
        dlc.scorer_of(config, 2)
    with pytest.raises(DataError, match="cannot be read"):
        dlc.scorer_of(tmp_path / "none.yaml", 1)
    config.write_text("- a\n")
    with pytest.raises(DataError, match="expected keys and values"):
        dlc.scorer_of(config, 1)


def test_dlc_files(finished, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    finished.dlc_project = (project(tmp_path, several=True), 1)
    path, csv, meta = write_formats(finished, ["dlc"])
    scorer = "DLC_HrnetW32_mouseOct30shuffle1_snapshot_200"
    assert (path.name, csv.name) == (f"v{scorer}_el.h5", f"v{scorer}_el.csv")
    assert meta.name == f"v{scorer}_meta.pickle"
    frame = pandas.read_hdf(path, key="df_with_missing")
    assert frame.columns.get_level_values("scorer").unique().tolist() == [scorer]
    assert not frame.isna().to_numpy().any()
    assert (frame.loc[2, (scorer, "bob")] == -1).all()
    assert frame.loc[4, (scorer, "bob", "r_ear", "likelihood")] == 1  # the peak was 1.5
    assert csv.read_text().splitlines()[1].startswith("individuals,ann,ann,ann")
    data = pickle.loads(meta.read_bytes())["data"]
    assert data["cropping"] is False
    assert data["cropping_parameters"] == [0, 64, 0, 48]


def test_slp_in_sleap_io(finished):
    sleap_io = pytest.importorskip("sleap_io")
    h5py = pytest.importorskip("h5py")
    path, analysis = write_formats(finished, ["slp"])
    labels = sleap_io.load_slp(str(path), open_videos=False)
    skeleton = labels.skeletons[0]
    assert skeleton.node_names == list(META.names)
    assert skeleton.edge_names == [("nose", "l_ear")]
    assert [frame.frame_idx for frame in labels] == [0, 2, 4]
    assert [len(frame.instances) for frame in labels] == [2, 1, 2]
    last = labels[2].instances[1]
    assert last.track.name == "bob"
    np.testing.assert_array_equal(last.numpy(), POINTS[2, 1])
    with h5py.File(analysis) as file:
        assert file["tracks"].shape == (2, 2, 3, 5)
        np.testing.assert_array_equal(file["tracks"][1, :, :, 4].T, POINTS[2, 1])
        assert np.isnan(file["tracks"][1, :, :, 1]).all()
        assert [name.decode() for name in file["track_names"]] == ANIMALS
        assert file["track_occupancy"][:].tolist() == [[1, 1], [0, 0], [1, 0], [0, 0], [1, 1]]


def test_a_missing_package_is_said_before_any_work(predict, tmp_path, monkeypatch, capsys):
    write_picture(tmp_path / "cage" / "a.png")
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert predict(tmp_path / "cage", "--formats", "h5") == 2
    assert environment.install("dlc") in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_dlc_needs_a_project_and_a_video(predict, tmp_path, monkeypatch, capsys):
    pytest.importorskip("tables")
    write_picture(tmp_path / "cage" / "a.png")
    assert predict(tmp_path / "cage", "--formats", "dlc") == 2
    assert "name the project with --dlc-project" in capsys.readouterr().err
    words = ("--formats", "dlc", "--dlc-project", project(tmp_path))
    assert predict(tmp_path / "cage", *words) == 2
    assert "DeepLabCut has this for videos" in capsys.readouterr().err


def test_coco_of_a_video_has_its_frames(finished, tmp_path):
    from hrpose.datasets.transforms import CropBox, LoadImage, Warp

    entries = [(0, [0, 0, 32, 32]), (0, [8, 8, 16, 16]), (2, [0, 0, 32, 32]), (4, [0, 0, 32, 32])]
    entries.append((4, [0, 0, 16, 16]))
    lines = [json.dumps({"frame": f, "time_s": f / 25, "box": box}) for f, box in entries]
    finished.where.write_text("\n".join(lines))
    finished.cropper = Cropper([LoadImage(), CropBox((32, 32)), Warp((32, 32))], META)
    results, images = write_formats(finished, ["coco"])
    rows = json.loads(results.read_text())
    assert [row["image_id"] for row in rows] == [0, 0, 2, 4, 4]
    assert [row["area"] for row in rows] == pytest.approx([1600, 400, 1600, 1600, 400])
    assert rows[-1]["keypoints"][:2] == POINTS[2, 1, 0].tolist()
    assert json.loads(images.read_text())["images"][1] == {
        "id": 2, "file_name": "v.mp4", "frame": 2, "time_s": 0.08,
    }  # fmt: skip
