"""Starts that fail, and the start after them."""

import json

import pytest
import torch
from runs import TINY, rows

from hrpose import config
from hrpose.engine.train import train
from hrpose.errors import CheckpointError, HrposeError, RunError
from hrpose.models.topdown import TopDown
from hrpose.rundir import checkpoints

SHORT = ["runner.epochs=1", "runner.val_interval=0", "runner.log_interval=1"]


@pytest.mark.fault(
    name="a start after one that failed",
    does="a first start ends before its first save: weights that are not there, a rate that ruins, "
    "a forward pass that fails in the third step; then the same command, mended",
    expects="it starts, and its rows are those of a new run",
)
@pytest.mark.parametrize("how", ["weights", "rate", "step"])
def test_starts_again(tmp_path, happened, monkeypatch, how):
    change = {"weights": ["load_from='gone.pth'"], "rate": ["optimizer.lr=1e6"]}.get(how, [])
    with monkeypatch.context() as patch:
        if how == "step":
            calls = []
            whole = TopDown.forward

            def fails(self, images):
                calls.append(1)
                if len(calls) == 3:
                    raise CheckpointError("in the third step")
                return whole(self, images)

            patch.setattr(TopDown, "forward", fails)
        with pytest.raises(HrposeError):
            train(config.load(TINY, [*SHORT, *change]), tmp_path / "run")
    assert (tmp_path / "run/train.log").is_file() and not list((tmp_path / "run").glob("*.pth"))
    assert train(config.load(TINY, SHORT), tmp_path / "run").epoch == 1
    assert [row["iteration"] for row in rows(tmp_path / "run")] == [1, 2, 3, 4]
    happened("started; four rows of four steps")


@pytest.mark.fault(
    name="a start in the folder of a run whose checkpoints were removed",
    does="all *.pth of a run of one epoch are removed, then a new run is started there",
    expects="refused: its rows and its log are the last that is left of it",
)
def test_a_history_is_a_run(tmp_path, happened):
    train(config.load(TINY, [*SHORT, "runner.epochs=2"]), tmp_path / "run")
    for path in (tmp_path / "run").glob("*.pth"):
        path.unlink()
    before = (tmp_path / "run/metrics.jsonl").read_bytes()
    with pytest.raises(RunError, match="already holds a run"):
        train(config.load(TINY, SHORT), tmp_path / "run")
    assert (tmp_path / "run/metrics.jsonl").read_bytes() == before
    happened("refused; the rows stayed")


@pytest.mark.fault(
    name="the measure of a ruined loss over a resume",
    does="a run of two steps is gone on with; then the loss is 30 times as large",
    expects="measured by the first step of the run, not of the process that goes on",
)
def test_first_loss_of_the_run(tmp_path, happened, monkeypatch):
    train(config.load(TINY, SHORT), tmp_path / "run")
    meta = checkpoints.read_training(tmp_path / "run/latest.pth")["meta"]
    first = json.loads((tmp_path / "run/metrics.jsonl").read_text().splitlines()[0])["loss"]
    assert meta["first_loss"] == pytest.approx(first, rel=0.5), "as if all points had a target"
    whole = TopDown.forward
    monkeypatch.setattr(TopDown, "forward", lambda self, images: whole(self, images) + 2.0)
    more = [*SHORT, "runner.epochs=2"]
    with pytest.raises(RunError, match="times that of the first step"):
        train(config.load(TINY, more), tmp_path / "run", "auto")
    happened("stopped by the loss of the first step of the run")


@pytest.mark.fault(
    name="memory for no two animals, and batch norm on one value",
    does="crops of 32 x 32 px; every forward pass of more than one animal runs out of memory",
    expects="RunError that names both reasons and says what to do",
)
def test_halved_to_one_value(tmp_path, happened, monkeypatch):
    whole = TopDown.forward

    def short(self, images):
        if len(images) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(self, images)

    monkeypatch.setattr(TopDown, "forward", short)
    small = ["codec.input_size=(32, 32)", "codec.heatmap_size=(8, 8)", "codec.blur_kernel=7"]
    with pytest.raises(RunError) as caught:
        train(config.load(TINY, [*SHORT, *small]), tmp_path / "run")
    said = str(caught.value)
    assert "out of memory" in said and "batch norm" in said and "frozen" in said
    happened("RunError: out of memory with two animals, and one alone is too few for batch norm")


@pytest.mark.fault(
    name="a loss that grows without ruin",
    does="in two of eight steps, each with its line of the log, the loss is twenty times the first",
    expects="said once, as the run goes on; it is saved, for its loss comes back",
)
def test_growth_is_said(tmp_path, happened, monkeypatch):
    whole, calls = TopDown.forward, []

    def forward(self, images):
        calls.append(1)
        return whole(self, images) + (0.5 if len(calls) in (3, 4) else 0.0)

    monkeypatch.setattr(TopDown, "forward", forward)
    more = [*SHORT, "runner.epochs=2", "runner.batch_norm='frozen'"]
    assert train(config.load(TINY, more), tmp_path / "run").epoch == 2
    said = (tmp_path / "run/train.log").read_text()
    assert said.count("times that of the first step: should it not fall soon") == 1
    happened("said once; the run came to its end")
