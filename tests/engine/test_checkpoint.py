import os

import pytest
import torch

from hrpose.engine import checkpoint
from hrpose.errors import CheckpointError

STATE = {"state_dict": {"w": torch.arange(6.0)}, "optimizer": {}, "meta": {"epoch": 3}}


def test_what_is_saved_is_read_back(tmp_path):
    path = tmp_path / "latest.pth"
    checkpoint.save(STATE, path)
    state = checkpoint.read(path)
    assert torch.equal(state["state_dict"]["w"], STATE["state_dict"]["w"])
    assert state["meta"] == {"epoch": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["latest.pth"], "no temporary file stays"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "latest.pth"
    checkpoint.save(STATE, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save({"optimizer": {}, "bad": lambda: None}, path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["latest.pth"]


def test_link_keeps_the_content_when_the_source_is_replaced(tmp_path):
    latest, numbered = tmp_path / "latest.pth", tmp_path / "epoch_1.pth"
    checkpoint.save(STATE, latest)
    checkpoint.link(latest, numbered)
    checkpoint.save({**STATE, "meta": {"epoch": 4}}, latest)
    assert checkpoint.read(numbered)["meta"] == {"epoch": 3}
    assert checkpoint.read(latest)["meta"] == {"epoch": 4}


def test_truncated_file_is_named(tmp_path):
    path = tmp_path / "latest.pth"
    checkpoint.save(STATE, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"latest\.pth: not a readable checkpoint"):
        checkpoint.read(path)


def test_weights_alone_cannot_resume(tmp_path):
    path = tmp_path / "best.pth"
    torch.save({"state_dict": STATE["state_dict"]}, path)
    with pytest.raises(CheckpointError, match="--load-from"):
        checkpoint.read(path)


def test_hostile_pickle_executes_nothing(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made-by-pickle"),)

    torch.save({"optimizer": Hostile()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError):
        checkpoint.read(tmp_path / "evil.pth")
    assert not (tmp_path / "made-by-pickle").exists()


def test_find_latest_falls_back_to_the_highest_epoch(tmp_path):
    assert checkpoint.find_latest(tmp_path) is None
    for epoch in (2, 10, 9):
        checkpoint.save(STATE, tmp_path / f"epoch_{epoch}.pth")
    assert checkpoint.find_latest(tmp_path).name == "epoch_10.pth"
    checkpoint.save(STATE, tmp_path / "latest.pth")
    assert checkpoint.find_latest(tmp_path).name == "latest.pth"
