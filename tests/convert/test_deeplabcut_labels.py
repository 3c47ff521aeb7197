"""DeepLabCut's labels to COCO and back: counts, digits, names and order, real and drawn."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hrpose.convert.formats import ReadOptions
from hrpose.convert.programs.deeplabcut import read
from hrpose.convert.programs.deeplabcut_table import read_table, write_csv, write_h5
from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.errors import DataError
from hrpose.geometry import box_around
from hrpose.keypoints import KeypointMeta

OPENFIELD = "openfield-dlc/labeled-data/m4s1/CollectedData_Pranav.csv"
MIRROR = "mirror-mouse-dlc/CollectedData.csv"
REAL = [(OPENFIELD, 116, 4, 464), (MIRROR, 90, 17, 1396)]

SEVERAL = """\
scorer,,,Ann,Ann,Ann,Ann,Ann,Ann,Ann,Ann,Ann,Ann
individuals,,,m1,m1,m1,m1,m2,m2,m2,m2,single,single
bodyparts,,,tail,tail,nose,nose,tail,tail,nose,nose,door,door
coords,,,x,y,x,y,x,y,x,y,x,y
labeled-data,v1,img01.png,5,6,20.125,7,,,,,1.5,2.5
labeled-data,v1,img02.png,,,,,30,20,25,15,,
labeled-data,v1,img03.png,,,,,,,,,,
"""


@pytest.fixture
def several(tmp_path, picture) -> Path:
    """A project of two mice and a door, with three-part rows."""
    folder = tmp_path / "project" / "labeled-data" / "v1"
    for number in (1, 2, 3):
        picture(folder / f"img0{number}.png")
    (folder / "CollectedData_Ann.csv").write_text(SEVERAL)
    config = "Task: t\nscorer: Ann\nskeleton:\n- - nose\n  - tail\n- - nose\n  - door\n"
    (tmp_path / "project" / "config.yaml").write_text(config)
    return tmp_path / "project"


@pytest.mark.parametrize(("table", "images", "keypoints", "labelled"), REAL)
def test_counts_of_real_projects(data_dir, tmp_path, convert, table, images, keypoints, labelled):
    folder = data_dir / table.split("/")[0]
    status, said = convert("deeplabcut", folder, tmp_path / "out", "--link")
    assert status == 0 and f"all: {images} images, {images} animals, {labelled} points" in said
    assert "WARNING: all images are of one video" in said
    content = json.loads((tmp_path / "out" / "labels.json").read_text())
    points = np.reshape([one["keypoints"] for one in content["annotations"]], (images, -1, 3))
    assert points.shape[1] == keypoints == len(content["categories"][0]["keypoints"])
    assert (points[..., 2] == 2).sum() == labelled and set(points[..., 2].flat) <= {0, 2}
    assert {one["box_from"] for one in content["annotations"]} == {"keypoints"}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["counts"]["all"]["points"] == labelled
    assert len(set(manifest["images"].values())) == images
    assert Path(table).name in " ".join(manifest["read"])


@pytest.mark.parametrize(("table", "images", "keypoints", "labelled"), REAL)
def test_csv_and_back_to_the_last_digit(
    data_dir, tmp_path, convert, table, images, keypoints, labelled
):
    assert convert("deeplabcut", data_dir / table, tmp_path / "out", "--link")[0] == 0
    assert convert("to-deeplabcut", tmp_path / "out", tmp_path / "back")[0] == 0
    [back] = (tmp_path / "back").rglob("CollectedData*.csv")
    assert back.read_bytes() == (data_dir / table).read_bytes()
    assert (
        len([path for path in back.parent.iterdir() if path.suffix in (".png", ".jpg")]) == images
    )
    again, first = read_table(back), read_table(data_dir / table)
    assert again.columns == first.columns and again.rows == first.rows
    assert np.array_equal(again.points, first.points, equal_nan=True)


def test_h5_is_read_and_written_alike(data_dir, tmp_path, convert):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    source = (data_dir / OPENFIELD).with_suffix(".h5")
    one, other = read_table(source), read_table(data_dir / OPENFIELD)
    assert (one.columns, one.rows, one.scorer) == (other.columns, other.rows, other.scorer)
    assert np.array_equal(one.points, other.points)
    assert convert("deeplabcut", source, tmp_path / "out", "--link")[0] == 0
    assert convert("to-deeplabcut", tmp_path / "out", tmp_path / "back.h5")[0] == 0
    frame, original = pandas.read_hdf(tmp_path / "back.h5"), pandas.read_hdf(source)
    pandas.testing.assert_frame_equal(frame, original, check_exact=True)


def test_the_first_row_of_openfield(data_dir):
    labels = read(data_dir / "openfield-dlc", ReadOptions())
    assert labels.categories[0].keypoints == ["snout", "leftear", "rightear", "tailbase"]
    assert labels.images[0].name == "m4s1/img0000.jpg" and labels.images[0].size == (640, 480)
    points = [[21.521, 265.428], [33.819, 265.941], [19.984, 250.05599999999998]]
    assert labels.animals[0].keypoints.tolist() == [*points, [87.11, 152.69799999999998]]
    # x 19.984 to 87.110, y 152.698 to 265.941; the margin is .2 of 113.243, and x ends at the frame
    box = box_around(labels.animals[0].keypoints, (640, 480))
    np.testing.assert_allclose(box, [0, 130.0494, 109.7586, 158.5402], atol=1e-4)


def test_a_box_is_never_below_a_tenth_of_the_frame():
    box = box_around(np.array([[100.0, 100.0], [110.0, 100.0]]), (640, 480))
    assert box.tolist() == [81, 76, 48, 48]  # without that 14 wide and 4 high


def test_our_dataset_reads_what_is_written(data_dir, tmp_path, convert):
    assert convert("deeplabcut", data_dir / "openfield-dlc", tmp_path / "out")[0] == 0
    meta = KeypointMeta("openfield", ["snout", "leftear", "rightear", "tailbase"])
    steps = [LoadImage(), CropBox((64, 64)), Warp((64, 64))]
    counts = {}
    for part in ("train", "val", "test"):
        data = CocoPoseDataset(
            f"annotations/{part}.json", "images", meta, steps, str(tmp_path / "out")
        )
        counts[part] = len(data)
        assert data[0]["image"].shape == (64, 64, 3)
        assert data.left_out == []
    # 116 less 1 at each of two cuts: .8 of 114 is 91.2, .9 is 102.6
    assert counts == {"train": 91, "val": 12, "test": 11}


def test_several_animals_and_unique_body_parts(several):
    labels = read(several, ReadOptions(category="mouse"))
    assert [(one.name, one.keypoints) for one in labels.categories] == [
        ("mouse", ["tail", "nose"]),
        ("single", ["door"]),
    ]
    assert labels.categories[0].skeleton == [("nose", "tail")]  # the other goes to another category
    assert [image.name for image in labels.images] == [f"v1/img0{k}.png" for k in (1, 2, 3)]
    found = [(one.image, one.category, one.individual) for one in labels.animals]
    assert found == [(0, 0, "m1"), (0, 1, "single"), (1, 0, "m2")]
    assert labels.animals[0].keypoints.tolist() == [[5, 6], [20.125, 7]]


@pytest.mark.parametrize("binary", [False, True])
def test_several_animals_and_back(several, tmp_path, convert, binary):
    source = several / "labeled-data" / "v1" / "CollectedData_Ann.csv"
    if binary:
        pytest.importorskip("tables")
        write_h5(read_table(source), source.with_suffix(".h5"))
        source = source.with_suffix(".h5")
    assert convert("deeplabcut", source, tmp_path / "out", "--split", "1")[0] == 0
    assert convert("to-deeplabcut", tmp_path / "out", tmp_path / "back")[0] == 0
    back = tmp_path / "back" / "labeled-data" / "v1" / "CollectedData_Ann.csv"
    again, first = read_table(back), read_table(source)
    assert again.columns == first.columns and again.rows == first.rows
    assert np.array_equal(again.points, first.points, equal_nan=True)
    assert back.read_text().splitlines()[:4] == SEVERAL.splitlines()[:4]


def test_a_part_of_the_rows_comes_back_in_their_order(data_dir, tmp_path, convert):
    assert convert("deeplabcut", data_dir / OPENFIELD, tmp_path / "out", "--by", "image")[0] == 0
    source = tmp_path / "out" / "annotations" / "val.json"
    assert convert("to-deeplabcut", source, tmp_path / "val.csv")[0] == 0
    rows = read_table(tmp_path / "val.csv").rows
    assert len(rows) in (11, 12) and list(rows) == sorted(rows)
    assert set(rows) < set(read_table(data_dir / OPENFIELD).rows)


def test_rows_of_another_machine_and_another_folder(several, tmp_path):
    table = several / "labeled-data" / "v1" / "CollectedData_Ann.csv"
    far = "D:\\\\mice\\\\labeled-data\\\\v1\\\\img0".replace("\\\\", "\\")
    table.write_text(f"scorer,Ann,Ann\nbodyparts,nose,nose\ncoords,x,y\n{far}1.png,1,2\n")
    [image] = read(table, ReadOptions()).images
    assert (image.name, image.group) == ("v1/img01.png", "v1") and image.source.is_file()
    moved = shutil.move(several / "labeled-data" / "v1" / "img01.png", tmp_path / "img01.png")
    with pytest.raises(DataError, match=r"1 of its 1 images are not there: D:\\mice.*--images"):
        read(table, ReadOptions())
    assert read(table, ReadOptions(images=tmp_path)).images[0].source == Path(moved)


def test_tables_that_differ_are_told(several, picture):
    other = several / "labeled-data" / "v2"
    picture(other / "a.png")
    (other / "CollectedData_Ann.csv").write_text(
        "scorer,Ann,Ann,Ann,Ann\nbodyparts,ear,ear,nose,nose\ncoords,x,y,x,y\n"
        "labeled-data/v2/a.png,1,2,3,4\n"
    )
    labels = read(several, ReadOptions())
    assert labels.categories[0].keypoints == ["tail", "nose", "ear"]
    assert np.array_equal(labels.animals[-1].keypoints[1:], [[3, 4], [1, 2]])
    assert "2 kinds of columns (in v1, v2)" in labels.notes[0]
    (other / "CollectedData_Ann.csv").rename(other / "CollectedData_Bob.csv")
    shutil.copy(other / "CollectedData_Bob.csv", other / "CollectedData_Ann.csv")
    assert "CollectedData_Bob left out" in read(several, ReadOptions()).notes[0]


def test_a_csv_that_differs_from_its_h5(several):
    pytest.importorskip("tables")
    table = several / "labeled-data" / "v1" / "CollectedData_Ann.csv"
    write_h5(read_table(table), table.with_suffix(".h5"))
    assert read(several, ReadOptions()).notes == []
    table.write_text(SEVERAL.replace("20.125", "20.5"))
    assert "CollectedData_Ann.h5 differ: the csv is taken" in read(several, ReadOptions()).notes[0]


BAD = {
    "likelihood": ("scorer,A,A,A\nbodyparts,n,n,n\ncoords,x,y,likelihood\na.png,1,2,.5\n",
                   "found a likelihood, which predictions have"),
    "semicolons": ("scorer;A;A\nbodyparts;n;n\ncoords;x;y\na.png;1;2\n", "cells parted by ';'"),
    "other": ("image,x,y\na.png,1,2\n", "found a first line 'image,x,y'; expected a table of"),
    "empty": ("", "found nothing; expected"),
    "word": ("scorer,A,A\nbodyparts,n,n\ncoords,x,y\na.png,1,two\n", "row 'a.png' has 'two'"),
    "infinite": ("scorer,A,A\nbodyparts,n,n\ncoords,x,y\na.png,1,inf\n", "row 'a.png' has 'inf'"),
    "short": ("scorer,A,A\nbodyparts,n,n\ncoords,x,y\na.png,1\n", "row 4 has 2 cells"),
    "alone": ("scorer,A\nbodyparts,n\ncoords,x\na.png,1\n", "'n' has x alone"),
    "twice": ("scorer,A,A,A\nbodyparts,n,n,n\ncoords,x,y,x\na.png,1,2,3\n", "is there twice"),
    "scorers": ("scorer,A,B\nbodyparts,n,n\ncoords,x,y\na.png,1,2\n", "found 2 scorers"),
    "rows": ("scorer,A,A\nbodyparts,n,n\ncoords,x,y\na.png,1,2\na.png,1,2\n",
             "row a.png is there twice"),
    "nobody": ("scorer,A,A\nbodyparts,n,n\ncoords,x,y\na.png,,\n",
               "none of its 1 images has a label"),
    "outside": ("scorer,A,A\nbodyparts,n,n\ncoords,x,y\n../../a.png,1,2\n",
                "no name of a file below"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_files_that_are_something_else(name, tmp_path, convert, picture):
    text, expected = BAD[name]
    folder = tmp_path / "p" / "q"
    picture(folder / "a.png")
    picture(tmp_path / "a.png")
    (folder / "CollectedData_A.csv").write_text(text)
    status, said = convert("deeplabcut", folder / "CollectedData_A.csv", tmp_path / "out")
    assert status == 2 and expected in said and "CollectedData_A.csv" in said
    assert said.count("\n") == 1 and not (tmp_path / "out").exists()


def test_a_folder_and_an_hdf5_file_without_labels(tmp_path, convert, data_dir):
    status, said = convert("deeplabcut", tmp_path, tmp_path / "out")
    assert status == 2 and "no CollectedData_<scorer>.csv or .h5; expected a DeepLabCut" in said
    pytest.importorskip("tables")
    source = data_dir / "flies-sleap" / "minimal_instance.pkg.slp"
    status, said = convert("deeplabcut", source, tmp_path / "out")
    assert status == 2 and "HDF5 file" in said and said.count("\n") == 1


def test_a_project_in_an_archive(several, tmp_path, convert):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for path in sorted(several.rglob("*")):
            archive.write(path, path.relative_to(several.parent))
    status, said = convert("deeplabcut", tmp_path / "p.zip", tmp_path / "out", "--link")
    assert status == 0 and "all: 3 images, 3 animals, 5 points" in said
    assert len(list((tmp_path / "out" / "images").rglob("*.png"))) == 3
    assert "labeled-data/v1/CollectedData_Ann.csv" in (tmp_path / "out/manifest.json").read_text()


def test_csv_of_any_numbers_comes_back(tmp_path, several):
    table = read_table(several / "labeled-data" / "v1" / "CollectedData_Ann.csv")
    numbers = np.random.default_rng(0).normal(0, 1e3, table.points.shape)
    numbers[0, 0] = [-0.0, 1e-300]
    numbers[1, 1] = np.nan
    write_csv(type(table)("Ä", table.columns, table.rows, numbers), tmp_path / "t.csv")
    again = read_table(tmp_path / "t.csv")
    assert again.points.tobytes() == numbers.tobytes() and again.scorer == "Ä"


def test_a_project_of_two_videos_comes_back_as_two_tables(several, tmp_path, convert, picture):
    other = several / "labeled-data" / "v0"
    picture(other / "a.png")
    text = "".join(line + "\n" for line in SEVERAL.splitlines()[:4])
    text += "labeled-data,v0,a.png,,,,,1,2,3,4,,\n"
    (other / "CollectedData_Ann.csv").write_text(text)
    assert convert("deeplabcut", several, tmp_path / "out")[0] == 0
    assert convert("to-deeplabcut", tmp_path / "out", tmp_path / "back")[0] == 0
    for video in ("v0", "v1"):
        name = f"labeled-data/{video}/CollectedData_Ann.csv"
        first, again = read_table(several / name), read_table(tmp_path / "back" / name)
        assert again.rows == first.rows and again.columns == first.columns
        assert np.array_equal(again.points, first.points, equal_nan=True)
    assert convert("to-deeplabcut", tmp_path / "out", tmp_path / "all.csv")[0] == 0
    assert [row[1] for row in read_table(tmp_path / "all.csv").rows] == ["v0", "v1", "v1", "v1"]
