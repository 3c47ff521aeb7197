"""Before training."""

import pytest

from hrpose import config
from hrpose.datasets.synthetic import write_coco
from hrpose.engine import train as engine
from hrpose.engine.experiment import read_dataset
from hrpose.errors import DataError

TINY = "tests/pages/tiny.py"


@pytest.fixture
def page(request, tmp_path, monkeypatch):
    """The tiny page on image files, with an empty training image and a missing one of val."""
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    root = request.config.rootpath
    page = config.load(root / TINY)
    for split, name in (("train", "000001.png"), ("val", "000002.png")):
        write_coco(read_dataset(config.load(root / TINY), "val"), tmp_path / split)
        page["data"][split] = {
            "type": "CocoPoseDataset", "ann_file": "annotations.json", "img_root": "images",
            "root": str(tmp_path / split),
        }  # fmt: skip
        path = tmp_path / split / "images" / name
        path.write_bytes(b"") if split == "train" else path.unlink()
    return page


@pytest.mark.fault(
    name="bad images in training and validation set",
    does="tools/train's `train` with an empty training image and a missing validation image",
    expects="one DataError names both before the model is on the device; no checkpoint",
)
def test_all_is_said_before_the_model_moves(page, tmp_path, monkeypatch, happened):
    monkeypatch.setattr(engine, "Runner", lambda *_: pytest.fail("the model was moved"))
    with pytest.raises(DataError) as caught:
        engine.train(page, tmp_path / "run")
    text = str(caught.value)
    assert "000001.png: the file is empty" in text and "000002.png: no such image" in text
    assert not list((tmp_path / "run").glob("*.pth"))
    happened("one DataError names both images and their annotations; nothing was trained")


@pytest.mark.fault(
    name="bad images, on_bad_image='skip'",
    does="the same with on_bad_image='skip' in both data sets",
    expects="counted and named in the log before training; the run ends well",
)
def test_skipped_ones_are_said(page, tmp_path, happened):
    for split in ("train", "val"):
        page["data"][split]["on_bad_image"] = "skip"
    page["runner"]["epochs"] = 1
    engine.train(page, tmp_path / "run")
    log = (tmp_path / "run/train.log").read_text()
    for split in ("train", "val"):
        assert (
            f"{split}: 6 images looked at (JPEG files read, others decoded), 1 cannot be used"
            in log
        )
    assert (tmp_path / "run/latest.pth").is_file()
    happened("each set: 6 images looked at, 1 cannot be used; then one epoch with the other 5")
