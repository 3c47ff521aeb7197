"""Hostile tables."""

import os
import warnings

import numpy as np
import pytest

from hrpose.errors import DataError
from hrpose.labelling.predictions import read_predictions

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
