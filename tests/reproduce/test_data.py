"""Missing data are said before anything else is done: all of them, and what to do."""

import json

import pytest
from stand_in import METAFILE, make_data

from hrpose import config
from hrpose.errors import DataError
from hrpose.reproduce.data import check_data
from hrpose.reproduce.metafile import choose, read_metafile


@pytest.fixture
def rows(tmp_path):
    """Rows with their pages; the data are expected in tmp_path."""
    return lambda *wanted: [
        (row, config.load(row.page, [f"data.root='{tmp_path / row.data.folder}'"]))
        for row in choose(read_metafile(METAFILE), wanted)
    ]


def test_nothing_there(rows, tmp_path):
    with pytest.raises(DataError) as caught:
        check_data(rows(), ["test"])
    text = str(caught.value)
    names = "Horse-10, MacaquePose, ATRW, AP-10K, Animal-Pose, Animal Kingdom"
    assert text.startswith(f"not all data are there ({names}); nothing was done")
    root = tmp_path / "horse10"
    assert f"Horse-10, expected in {root}:\n  - data root {root} does not exist" in text
    assert "1. images: http://www.mackenziemathislab.org/horse10\n" in text
    for source in json.loads(METAFILE.read_text())["datasets"].values():
        for part in source["downloads"]:
            assert part["url"] in text
    into = tmp_path / "macaque" / "annotations"
    assert (
        "  2. annotations: https://download.openmmlab.com/mmpose/datasets/macaque_annotations.tar\n"
        f"     mkdir -p {into}\n"
        f"     tar -xf macaque_annotations.tar --transform='s:.*/::' -C {into}"
    ) in text
    assert text.count("expected in") == 6
    assert text.count("data root") == 6  # though there are 21 rows


def test_only_what_is_missing_is_asked_for(rows, tmp_path, samples):
    make_data(tmp_path, samples)
    digests = check_data(rows(), ["train", "val", "test"])
    assert len(digests) == 21
    assert digests["hrnet_w32_atrw_256x256"] == digests["hrnet_w48_atrw_256x256"]
    assert all(set(found) == {"train", "val", "test"} for found in digests.values())
    (tmp_path / "horse10/annotations/horse10-test-split2.json").unlink()
    image = next((tmp_path / "atrw/images/val").iterdir())
    image.unlink()
    assert check_data(rows("*split1", "*macaque*"), ["test"])
    with pytest.raises(DataError) as caught:
        check_data(rows(), ["test"])
    text = str(caught.value)
    assert "not all data are there (Horse-10, ATRW)" in text
    assert text.count("horse10-test-split2.json does not exist") == 1
    assert f"1 of 2 images are missing, the first is {image}" in text
    assert "split1.json" not in text.split("ATRW, expected")[1]
    assert "MacaquePose" not in text and "AP-10K" not in text
