"""hrpose publish: what is in the file, and that everything takes it back."""

import json
import sys
from pathlib import Path

import pytest
import torch

from hrpose import cli, config, load_model
from hrpose.engine.experiment import prepare
from hrpose.errors import CheckpointError, DataError
from hrpose.export.numbers import own_numbers, read_numbers
from hrpose.models.weights import load_weights
from hrpose.own_page.start import read_start
from hrpose.storage import checkpoint_file
from hrpose.storage.digests import file_digest, promised_digest

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A checkpoint as training writes it, with other weights in training than in the average."""
    page = config.load(TINY)
    model = prepare(page).model
    average = {key: value.clone() for key, value in model.state_dict().items()}
    raw = {key: value + 1 for key, value in average.items()}
    meta = {"page": json.dumps(page), "epoch": 2, "step": 0, "steps_per_epoch": 4, "best": 0.75}
    state = {
        "state_dict": average,
        "train_state_dict": raw,
        "optimizer": {"state": {}, "param_groups": []},
        "meta": {**meta, "best_epoch": 2, "train": "abc"},
    }
    path = tmp_path_factory.mktemp("trained") / "latest.pth"
    checkpoint_file.save(state, path)
    return path


@pytest.fixture
def publish(trained, tmp_path, monkeypatch, capsys):
    """Publishes `trained`; gives the files that are new and what was printed."""

    def do(*words, page=TINY, checkpoint=trained):
        line = ["hrpose", page, checkpoint, "--out", tmp_path / "out", *words]
        monkeypatch.setattr(sys, "argv", [str(word) for word in line])
        status = 0
        try:
            cli.main("publish")
        except SystemExit as end:
            status = end.code
        out, err = capsys.readouterr()
        folder = tmp_path / "out"
        return status, sorted(folder.glob("*")) if folder.exists() else [], out + err

    return do


def test_the_file_is_plain_and_small_and_says_what_it_is(publish, trained):
    status, (path,), said = publish("--licence", "CC BY 4.0, please cite us")
    assert status == 0 and str(path) in said
    assert path.name == f"tiny-{file_digest(path)[:8]}.pth"
    assert promised_digest(path.name) == file_digest(path)[:8]
    content = torch.load(path, weights_only=True)
    assert set(content) == {"state_dict", "meta", "content_sha256"}
    assert all(type(text) is str for text in content["meta"].values())
    assert json.loads(content["meta"]["page"]) == json.loads(json.dumps(config.load(TINY)))
    assert content["meta"]["licence"] == "CC BY 4.0, please cite us"
    assert content["meta"]["checkpoint_sha256"] == file_digest(trained)
    metric = config.load(TINY)["runner"]["save_best"]
    assert json.loads(content["meta"]["metrics"])["values"] == {metric: 0.75}
    average = torch.load(trained, weights_only=True)["state_dict"]
    assert content["state_dict"].keys() == average.keys()
    assert all(torch.equal(content["state_dict"][key], average[key]) for key in average)


def test_publishing_again_gives_the_same_file(publish):
    assert publish()[1] == publish()[1]
    assert len(publish("--licence", "MIT")[1]) == 2


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_everything_takes_it_back(publish, trained, kind):
    if kind == "safetensors":
        pytest.importorskip("safetensors", reason="extra export")
    _, (path,), _ = publish("--format", kind)
    assert path.suffix == f".{kind}" and promised_digest(path.name) == file_digest(path)[:8]
    model, again = (prepare(config.load(TINY)).model for _ in range(2))
    load_weights(model, trained, strict=True)  # as test, predict and train --load-from do
    load_weights(again, path, strict=True)
    theirs = again.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in model.state_dict().items())
    assert load_model(TINY, path, device="cpu").meta.names == prepare(config.load(TINY)).meta.names
    with pytest.raises(CheckpointError, match=r"is no HRNet-W32 or W48.*4 channels"):
        read_start([str(path)], ["nose"])  # its page was found: init --from CKPT


def test_damage_is_found_without_the_name(publish, tmp_path):
    pytest.importorskip("safetensors", reason="extra export")
    _, (path,), _ = publish("--format", "safetensors")
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    spoilt = tmp_path / "spoilt.safetensors"
    spoilt.write_bytes(data)
    with pytest.raises(CheckpointError, match="digest differs"):
        checkpoint_file.read(spoilt)
    spoilt.write_bytes(data[:-4])
    with pytest.raises(CheckpointError, match=r"not a readable \.safetensors file"):
        checkpoint_file.read(spoilt)


def test_the_card_says_what_a_user_must_know(publish, tmp_path):
    metrics = tmp_path / "numbers.json"
    numbers = {"PCK@0.2": 0.5, "NME": None}
    metrics.write_text(json.dumps({"metrics": numbers, "intervals": {"PCK@0.2": [0.25, 0.75]}}))
    _, (card, weights), _ = publish("--card", "--metrics", metrics, "--licence", "CC BY-NC <4>")
    text = card.read_text(encoding="utf-8")
    assert card.suffix == ".md" and card.stem == weights.stem
    for part in ("CC BY-NC &lt;4&gt;", file_digest(weights), weights.name, "16 drawn animals"):
        assert part in text
    assert "| PCK@0.2 | 0.5000 | 0.2500 to 0.7500 |" in text and "NME" not in text
    assert "must not be used for" in text and f"hrpose predict tiny.py {weights.name}" in text
    code = text.split("```python\n")[1].split("```")[0]
    (tmp_path / "run").mkdir()
    code = code.replace(weights.name, weights.as_posix())
    code = code.replace('"tiny.py"', repr(str(tmp_path / "run" / "tiny.py")))
    exec(code, {})
    assert json.dumps(config.load(tmp_path / "run" / "tiny.py")) == json.dumps(config.load(TINY))


def test_names_of_other_keypoints_are_refused(publish, tmp_path):
    page = tmp_path / "tiny.py"
    values = config.load(TINY)
    names = list(values["keypoints"]["names"])
    values["keypoints"]["names"] = [names[1], names[0], *names[2:]]
    config.dump(values, page)
    status, files, said = publish(page=page)
    assert (status, files) == (2, [])
    assert f"heatmap 0 is '{names[0]}' there and '{names[1]}' here" in " ".join(said.split())


def test_numbers_of_other_weights_are_refused(tmp_path):
    path = tmp_path / "metrics.json"
    content = {"metrics": {"PCK": 0.5}, "provenance": {"checkpoint_sha256": "a" * 64}}
    path.write_text(json.dumps(content))
    assert read_numbers(path, "a" * 64).values == {"PCK": 0.5}
    with pytest.raises(DataError, match="is of another checkpoint"):
        read_numbers(path, "b" * 64)
    path.write_text("{}")
    with pytest.raises(DataError, match="holds no metrics"):
        read_numbers(path, "a" * 64)


@pytest.mark.parametrize(
    ("progress", "known"),
    [
        ({"epoch": 3, "step": 0, "best_epoch": 3}, True),
        ({"epoch": 2, "step": 4, "best_epoch": 3}, True),  # best weights: the epoch not counted yet
        ({"epoch": 3, "step": 2, "best_epoch": 3}, False),  # trained on since
        ({"epoch": 5, "step": 0, "best_epoch": 3}, False),
    ],
)
def test_a_score_counts_for_the_weights_that_had_it_alone(progress, known):
    numbers = own_numbers({"best": 0.5, "steps_per_epoch": 4, **progress}, "PCK")
    assert (numbers is not None) == known
    assert own_numbers({"best": None, "steps_per_epoch": 4, **progress}, "PCK") is None


@pytest.fixture
def wide(tmp_path) -> tuple[Path, Path]:
    """A page with HRNet-W32, small in all else, and a checkpoint of it."""
    page = config.load(TINY, ["model.backbone.width=32"])
    config.dump(page, tmp_path / "wide.py")
    torch.save({"state_dict": prepare(page).model.state_dict()}, tmp_path / "wide.pth")
    return tmp_path / "wide.py", tmp_path / "wide.pth"


def test_a_snapshot_for_deeplabcut(publish, wide):
    page, checkpoint = wide
    words = ("--format", "deeplabcut", "--licence", "MIT")
    status, (path,), said = publish(*words, page=page, checkpoint=checkpoint)
    assert status == 0 and path.suffix == ".pt"
    assert promised_digest(path.name) == file_digest(path)[:8]
    content = torch.load(path, weights_only=True)
    assert content["metadata"] == {"epoch": 1, "metrics": {}, "losses": {}}
    assert content["meta"]["licence"] == "MIT"
    assert len(content["model"]) == 1832  # the 78 that DeepLabCut asks for, and does not use, too
    trained, again = (prepare(config.load(page)).model for _ in range(2))
    load_weights(trained, checkpoint, strict=True)
    load_weights(again, path, strict=True)
    theirs = again.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in trained.state_dict().items())
    said = " ".join(said.split())
    names = ", ".join(config.load(page)["keypoints"]["names"])
    assert "DeepLabCut: hrnet_w32, top down, crop 64 x 64, head as SuperAnimal's" in said
    assert names in said
    assert (
        "DeepLabCut will predict otherwise than this page: points 2 px of the crop further right "
        "and down, no step in a cell; crops of whole px, without padding; no flip test"
    ) in said


def test_other_networks_are_none_of_deeplabcut_s(publish):
    status, files, said = publish("--format", "deeplabcut")
    assert (status, files) == (2, [])
    assert "HRNet with 4 channels; expected HRNet of width 32 or 48" in " ".join(said.split())
