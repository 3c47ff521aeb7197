"""Reading checkpoint files: every kind that is about, the damaged, and the hostile."""

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from tiny import model, same, save

from hrpose.errors import CheckpointError
from hrpose.models.weights import load_weights, read_state_dict
from hrpose.storage.download import fetch


@pytest.mark.parametrize("kind", ["MMPose", "ours", "bare", "wrapped", "legacy"])
def test_every_kind_of_checkpoint_loads_strictly(tmp_path: Path, kind: str):
    state = model(seed=1).state_dict()
    content = {
        "MMPose": {"meta": {"epoch": 210, "CLASSES": ("a", "b")}, "state_dict": state},
        "ours": {"model": state, "optimizer": {"state": {}}, "epoch": 3},
        "bare": state,
        "wrapped": {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        "legacy": {"state_dict": state},
    }[kind]
    path = save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=kind != "legacy")
    target = model(seed=2)
    line = load_weights(target, path, strict=True)
    assert same(target.state_dict(), state)
    assert line == f"model: loaded 1,754 of 1,754 entries from {path}"


def test_a_numpy_score_in_the_meta_of_a_training_checkpoint_is_read(tmp_path: Path):
    content = {
        "meta": {"hook_msgs": {"best_score": np.float64(0.5), "rank": np.int64(1)}},
        "state_dict": {"x": torch.ones(2)},
    }
    path = save(content, tmp_path / "epoch_10.pth")
    with pytest.raises(Exception, match="Unsupported global"):
        torch.load(path, weights_only=True)
    assert read_state_dict(path)["x"].tolist() == [1, 1]
    with pytest.raises(Exception, match="Unsupported global"):
        torch.load(path, weights_only=True)  # and what it allowed, it allowed for itself alone


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_numpy_scalars_of_numpy_1_and_2(tmp_path: Path, module: bytes):
    content = {"meta": np.float64(0.5), "state_dict": {"x": torch.ones(2)}}
    path = save(content, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    written = np.float64().__reduce__()[0].__module__.encode()
    data = path.read_bytes()
    assert data.count(b"c" + written + b"\n") == 1
    path.write_bytes(data.replace(b"c" + written + b"\n", b"c" + module + b"\n"))
    assert read_state_dict(path)["x"].tolist() == [1, 1]


def of_mmengine(monkeypatch) -> Any:
    """What MMPose 1.x leaves in a checkpoint: a config, and a log with methods of its class."""
    module = ModuleType("mmengine.logging.history_buffer")
    code = """
class HistoryBuffer:
    def __init__(self):
        self.values = [0.5, 0.25]
        self.methods = {"mean": HistoryBuffer.mean}
    def mean(self):
        raise SystemExit("executed")
class ConfigDict(dict):
    def __reduce_ex__(self, protocol):
        return ConfigDict, (dict(self),)
"""
    exec(code, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return {"loss": module.HistoryBuffer(), "cfg": module.ConfigDict(lr=5e-4)}


def test_a_checkpoint_with_objects_of_mmengine_is_read(tmp_path: Path, monkeypatch):
    state = model(seed=1).state_dict()
    named = {key.replace("keypoint_head.", "head."): value for key, value in state.items()}
    content = {"state_dict": named, "message_hub": of_mmengine(monkeypatch)}
    path = save(content, tmp_path / "x.pth")
    intruder = save({**content, "meta": Intruder()}, tmp_path / "intruder.pth")
    monkeypatch.undo()  # whoever reads it need not have MMEngine
    target = model(seed=2)
    assert "head. is keypoint_head. (MMPose 1.x" in load_weights(target, path, strict=True)
    assert same(target.state_dict(), state)
    with pytest.raises(CheckpointError, match=r"holds a Python object \(\w+\.system\)"):
        read_state_dict(intruder)


class Intruder:
    def __reduce__(self):
        return os.system, ("echo intruder",)


def test_nothing_is_executed(tmp_path: Path, capfd):
    path = save({"state_dict": {"x": torch.ones(1)}, "meta": Intruder()}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"x\.pth: holds a Python object \(\w+\.system\)"):
        read_state_dict(path)
    assert "intruder" not in capfd.readouterr().out


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_checkpoints_are_refused_by_name(tmp_path: Path, share: float, legacy: bool):
    state = {f"layer{i}.weight": torch.ones(20) for i in range(20)}
    path = save(state, tmp_path / "cut.pth", _use_new_zipfile_serialization=not legacy)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match=r"cut\.pth: not a readable checkpoint") as caught:
        read_state_dict(path)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("data", [b"<!DOCTYPE html><p>404", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04 no"])
def test_other_files_are_refused_by_name(tmp_path: Path, data: bytes):
    path = tmp_path / "other.pth"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"other\.pth: not a readable checkpoint"):
        read_state_dict(path)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"state_dict": [1]}, {1: torch.ones(1)}])
def test_files_without_weights_are_refused(tmp_path: Path, content: object):
    with pytest.raises(CheckpointError, match=r"x\.pth: no weights in it"):
        read_state_dict(save(content, tmp_path / "x.pth"))


def test_missing_file_and_folder(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"none\.pth: no such checkpoint"):
        load_weights(model(), tmp_path / "none.pth", strict=True)
    with pytest.raises(CheckpointError, match="is a folder"):
        fetch(tmp_path)
