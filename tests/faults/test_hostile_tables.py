"""Hostile tables."""

import os
import warnings

import numpy as np
import pytest

from hrpose.convert.programs import deeplabcut_table
from hrpose.errors import DataError
from hrpose.labelling.predictions import read_predictions
from hrpose.predict.tables.dlc import scorer_of

pd = pytest.importorskip("pandas")
tables = pytest.importorskip("tables")


class Runs:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.fault(
    name="hostile HDF5 table",
    does="predictions as h5 whose attributes, or whose rows' names, are pickles that make a folder",
    expects="DataError that names the file; nothing is executed; a plain table is read",
)
@pytest.mark.parametrize("form", ["table", "fixed"])
@pytest.mark.parametrize("attribute", ["encoding", "info", "non_index_axes", "title", "cells"])
def test_nothing_runs(tmp_path, happened, form, attribute):
    path, folder = tmp_path / "video.h5", tmp_path / "made-by-pickle"
    names = ["scorer", "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product([["s"], ["a", "b"], ["x", "y", "likelihood"]], names=names)
    frame = pd.DataFrame(np.arange(30.0).reshape(5, 6), columns=columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_hdf(path, key="tracks", mode="w", format=form)
        assert read_predictions(path).keypoints[1, 0, 1].tolist() == [9.0, 10.0]
        with tables.open_file(path, "a") as file:
            node = file.get_node("/tracks")
            if attribute == "cells":
                if form == "table":
                    pytest.skip("a table has no rows of Python objects")
                file.remove_node("/tracks/axis1")
                cells = file.create_vlarray(node, "axis1", tables.ObjectAtom())
                cells.append(Runs(folder))
            else:
                setattr(node._v_attrs, attribute, Runs(folder))
        with pytest.raises(DataError, match=r"video\.h5: "):
            read_predictions(path)
        assert not folder.exists()
        if attribute == "encoding":
            pd.read_hdf(path) if form == "table" else None
            assert folder.exists() == (form == "table"), "plain pandas runs it"
    happened("DataError; the folder was not made, which plain pandas does make")


_TINY = {"config.yaml": "Task: T\ndate: Jan1\n", "pytorch_config.yaml": "net_type: hrnet_w32\n"}


@pytest.mark.fault(
    name="hostile project of DeepLabCut",
    does="its yaml names a Python object, a network or a task that leads to another folder, "
    "a number of 5,000 digits, 20,000 brackets",
    expects="DataError that names the yaml; nothing is executed; a plain project is taken",
)
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.yaml", "Task: !!python/object/apply:os.mkdir [FOLDER]\ndate: Jan1\n"),
        ("config.yaml", "Task: /etc/x\ndate: Jan1\n"),
        ("config.yaml", "Task: a/../T\ndate: Jan1\n"),
        ("config.yaml", f"Task: T\ndate: Jan1\niteration: {'9' * 5000}\n"),
        ("config.yaml", f"Task: T\ndate: {'[' * 20_000}"),
        ("config.yaml", b"\xff\xfe"),
        ("pytorch_config.yaml", "net_type: ../../../x\n"),
        ("pytorch_config.yaml", 'net_type: "a\\nb"\n'),
        ("pytorch_config.yaml", "net_type: 'C:x'\n"),
    ],
)
def test_hostile_project(tmp_path, happened, file, content):
    places = {"config.yaml": tmp_path, "pytorch_config.yaml": tmp_path / (
        "dlc-models-pytorch/iteration-0/TJan1-trainset95shuffle1/train")}  # fmt: skip
    places["pytorch_config.yaml"].mkdir(parents=True)
    (places["pytorch_config.yaml"] / "snapshot-001.pt").touch()
    for name, text in _TINY.items():
        (places[name] / name).write_text(text)
    config = tmp_path / "config.yaml"
    assert scorer_of(config, 1) == ("DLC_HrnetW32_TJan1shuffle1_snapshot_1", False)
    made = tmp_path / "made-by-yaml"
    raw = content if isinstance(content, bytes) else content.replace("FOLDER", str(made)).encode()
    (places[file] / file).write_bytes(raw)
    with pytest.raises(DataError, match=file):
        scorer_of(config, 1)
    assert not made.exists()
    happened("DataError names the yaml; nothing was executed")


@pytest.mark.fault(
    name="hostile HDF5 labels of DeepLabCut",
    does="CollectedData.h5, as for `hrpose convert`, whose attributes are pickles that make a "
    "folder",
    expects="DataError that names the file; nothing is executed; plain labels are read",
)
@pytest.mark.parametrize("attribute", ["encoding", "info", "non_index_axes"])
def test_hostile_labels(tmp_path, happened, attribute):
    path, folder = tmp_path / "CollectedData_s.h5", tmp_path / "made-by-pickle"
    names = ["scorer", "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product([["s"], ["a", "b"], ["x", "y"]], names=names)
    rows = [f"labeled-data/v/img{number}.png" for number in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = pd.DataFrame(np.arange(12.0).reshape(3, 4), index=rows, columns=columns)
        frame.to_hdf(path, key="df_with_missing", mode="w", format="table")
        assert len(deeplabcut_table.read_table(path).rows) == 3
        with tables.open_file(path, "a") as file:
            setattr(file.get_node("/df_with_missing")._v_attrs, attribute, Runs(folder))
        with pytest.raises(DataError, match=r"CollectedData_s\.h5: holds a Python object"):
            deeplabcut_table.read_table(path)
    assert not folder.exists()
    happened("DataError; the folder was not made")
