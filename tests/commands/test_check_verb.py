"""`hrpose check`: the page's problems and the data's faults, both."""

import argparse
from pathlib import Path

import pytest

from hrpose import config
from hrpose.commands import check
from hrpose.datasets.synthetic import write_coco
from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError

TINY = Path(__file__).resolve().parents[1] / "pages/tiny.py"


@pytest.fixture
def said(capsys):
    """The exit status and the lines of a check of the tiny page, or of another."""

    def look(*changes, page=TINY, splits=check.SPLITS):
        arguments = argparse.Namespace(
            config=str(page), cfg_options=list(changes), splits=splits, full=False, html=None
        )
        return check.run(arguments), capsys.readouterr().out.splitlines()

    return look


def test_nothing_wrong(said):
    status, lines = said()
    assert (status, lines[-1]) == (0, "no fault")
    assert [line.partition(":")[0] for line in lines if "SyntheticAnimals" in line] == [
        "train", "val", "test",
    ]  # fmt: skip


WRONG = {
    "heatmap": ["codec.heatmap_size=(17, 16)"],
    "sigmas": ["keypoints.sigmas=None", "metrics=[dict(type='CocoAP')]", "runner.save_best=AP"],
    "split": ["data.test=None"],
    "pipeline": ["train_pipeline.0.type='LoadImagee'"],
    "keypoints": ["keypoints.names=[]"],
}


@pytest.mark.parametrize("kind", WRONG)
def test_it_says_what_training_would_refuse(said, kind):
    page = config.load(TINY, WRONG[kind])
    with pytest.raises(ConfigError) as refusal:
        prepare(page)
    status, lines = said(*WRONG[kind])
    assert status == 1
    count = len(refusal.value.problems)
    assert [f"page: {problem}" for problem in refusal.value.problems] == lines[:count]
    assert lines[-1] == f"{count} fault{'s' * (count > 1)}"


def test_batches_too_small_for_batch_norm(said):
    small = ["codec.input_size=(32, 32)", "codec.heatmap_size=(8, 8)", "codec.blur_kernel=7"]
    status, lines = said(*small, "data.batch_size=1", splits=("train",))
    assert (status, lines[-1]) == (1, "1 fault")
    assert any(line.startswith("page: data.batch_size: in a batch of 1") for line in lines)
    assert said(*small, splits=("train",))[0] == 0


def test_problems_of_the_page_leave_the_data_to_be_looked_at(said, tmp_path):
    write_coco(prepare(config.load(TINY)).dataset("val"), tmp_path)
    (tmp_path / "images/000002.png").write_bytes(b"")
    page = tmp_path / "page.py"
    files = "dict(_delete_=True, type='CocoPoseDataset', img_root='images', ann_file="
    page.write_text(
        f"_base_ = {str(TINY)!r}\ncodec = dict(heatmap_size=(17, 16))\n"
        f"data = dict(root={str(tmp_path)!r}, train={files}'gone.json'), "
        f"val={files}'annotations.json'), test=dict(type='SyntheticAnimalz'))\n"
    )
    status, lines = said(page=page)
    assert status == 1
    text = "\n".join(lines)
    assert "page: model.codec (MSRAHeatmap): heatmap_size (17, 16) of input_size" in text
    assert "train: DataError: " in text and "gone.json" in text
    assert "000002.png: the file is empty [annotation 3 of " in text
    assert "test: not looked at, for what is wrong with the page" in text
    assert lines[-1] == f"{len([line for line in lines if line.startswith('page: ')]) + 2} faults"
