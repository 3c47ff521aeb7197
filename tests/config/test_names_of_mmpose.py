"""Pages with MMPose's names, and lengths as references."""

import sys

import pytest

from hrpose.cli import main
from hrpose.config import load
from hrpose.config.mmpose_names import KEYS, PAGE, TYPES
from hrpose.errors import ConfigError

THEIRS = """
log_level = "INFO"
total_epochs = 210
optimizer = dict(type="Adam", lr="fast")
lr_config = dict(policy="step", step=[170, 200])
model = dict(type="TopDown", backbone=dict(type="HRNet", extra={}),
             keypoint_head=dict(type="TopdownHeatmapSimpleHead"))
train_pipeline = [dict(type="LoadImageFromFile"), dict(type="RandomFlip", flip_prob=0.5)]
test_pipeline = "$val_pipelines"
codec = 5
data = dict(samples_per_gpu=64, train=dict(type="CocoPoseDataset", img_prefix="x"),
            val=dict(type="AnimalHorse10Dataset"))
"""


def test_each_name_is_told_what_it_is_here_with_all_other_mistakes(tmp_path, monkeypatch, capsys):
    page = tmp_path / "theirs.py"
    page.write_text(THEIRS)
    monkeypatch.setattr(sys, "argv", ["hrpose", "check", str(page)])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    for start, ours in (
        ("log_level: no such top-level name in a page; ", "nothing is needed in its place"),
        ("total_epochs: no such top-level name in a page; ", "here it is runner.epochs"),
        ("lr_config: no such top-level name in a page; ", "here it is schedule"),
        ("model (TopDown): unexpected key 'keypoint_head'; ", "here it is head"),
        ("no 'TopdownHeatmapSimpleHead' is registered; ", "here it is HeatmapHead"),
        ("train_pipeline.0: no 'LoadImageFromFile' is registered; ", "here it is LoadImage"),
        ("unexpected key 'flip_prob'; ", "here it is prob"),
        ("data (DataSettings): unexpected key 'samples_per_gpu'; ", "here it is batch_size"),
        ("unexpected key 'img_prefix'; ", "here it is img_root"),
        ("model.backbone (HRNet): unexpected key 'extra'; ", "here it is width"),
        ("data.val: no 'AnimalHorse10Dataset' is registered; ", "here it is CocoPoseDataset"),
    ):
        lines = [line for line in said.splitlines() if start + ours in line]
        assert len(lines) == 1 and "docs/your_own_data.md" in lines[0], start
    assert "optimizer.lr: got 'fast', expected a float" in said
    assert "codec: got 5, expected a dict" in said
    assert "test_pipeline: '$val_pipelines': the page has no 'val_pipelines'" in said
    assert "keypoints: the page does not say it" in said
    assert "codec: the page does not say it" not in said


def test_the_docs_say_the_same(golden):
    text = (golden.parents[1] / "docs" / "your_own_data.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    told = {(name.strip("|` "), ours.strip(" |")) for names, ours in rows
            for name in names.split(",")}  # fmt: skip
    wanted = {
        (name, ours or "nothing in their place")
        for table in (PAGE, TYPES, KEYS)
        for name, ours in table.items()
    }
    assert told == wanted


def page(tmp_path, text):
    path = tmp_path / "page.py"
    path.write_text(f'keypoints = dict(names=["a", "b", "c"], link="$keypoints.names")\n{text}')
    return load(path)


@pytest.mark.parametrize("names", ["keypoints.names", "keypoints.link"])
def test_a_reference_to_a_length(tmp_path, names):
    assert page(tmp_path, f'model = dict(k="$len({names})")')["model"] == {"k": 3}


def test_a_length_follows_overrides(tmp_path):
    (tmp_path / "page.py").write_text('keypoints = dict(names=["a"])\nmodel = dict(k="$codec.k")\n'
                                      'codec = dict(k="$len(keypoints.names)")')  # fmt: skip
    changed = load(tmp_path / "page.py", ["keypoints.names=a,b"])
    assert changed["model"] == changed["codec"] == {"k": 2}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("$len(keypoints)", "'$len(keypoints)': keypoints is no list"),
        ("$len(keypoints.names.0)", "keypoints.names.0 is no list"),
        ("$len(keypoints.name)", "keypoints has no 'name'; did you mean 'names'?"),
        ("$len(model.k)", "a reference leads back to itself"),
    ],
)
def test_what_has_no_length(tmp_path, reference, message):
    with pytest.raises(ConfigError) as error:
        page(tmp_path, f'model = dict(k="{reference}")')
    assert message in str(error.value)
