"""Ruined weights."""

import pytest
import torch
from runs import TINY, Run

from hrpose import config
from hrpose.engine.test import run_test
from hrpose.engine.train import train
from hrpose.errors import CheckpointError, RunError
from hrpose.models.topdown import TopDown
from hrpose.rundir import checkpoints

SHORT = ["runner.epochs=1", "runner.log_interval=1"]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A run of one epoch, with everything that a run may keep."""
    folder = tmp_path_factory.mktemp("good") / "run"
    changes = [*SHORT, "runner.save_best='PCK@0.3'", "runner.ema=0.9", "runner.save_steps=2"]
    train(config.load(TINY, changes), folder)
    return folder


@pytest.fixture
def content(good):
    """What each checkpoint of that run holds, to be the same when the test is over."""
    before = {path.name: path.read_bytes() for path in good.glob("*.pth")}
    assert {"latest.pth", "previous.pth", "epoch_1.pth"} < before.keys() and len(before) == 4
    yield before
    assert {path.name: path.read_bytes() for path in good.glob("*.pth")} == before


@pytest.mark.fault(
    name="a rate that ruins the weights, with finite gradients",
    does="a run that has good checkpoints goes on with a rate of 10, 1000 or 1e6; few steps are "
    "left",
    expects="RunError with the reason, the last good file and advice; latest, previous, epoch_N "
    "and best are as they were, and nothing is validated",
)
@pytest.mark.parametrize("rate", ["10", "1e3", "1e6"])
def test_ruined_by_the_rate(good, content, happened, rate):
    changes = ["runner.epochs=2", "runner.log_interval=50", f"optimizer.lr={rate}"]
    changes += ["runner.save_best='PCK@0.3'", "runner.ema=0.9"]
    with pytest.raises(RunError) as caught:
        train(config.load(TINY, changes), good, resume="auto")
    said = str(caught.value)
    assert "has ruined its weights" in said and "neither saved nor validated" in said
    assert f"last good checkpoint is {good / 'latest.pth'}, and --resume goes on" in said
    assert "lower optimizer.lr" in said
    assert "epoch 2 validation" not in (good / "train.log").read_text()
    happened("RunError: the training has ruined its weights (...); lower optimizer.lr, ...; the "
             "last good checkpoint is .../latest.pth; all files are as they were")  # fmt: skip


@pytest.mark.fault(
    name="the exit status of a ruined run",
    does="a new run with a rate of 10, whose weights are ruined before its first save",
    expects="status 2; it says that it had not been saved yet; no checkpoint",
)
def test_status(tmp_path, happened):
    run = Run(tmp_path / "run", "optimizer.lr=10", "runner.epochs=1", "schedule.warmup_iters=0")
    assert run.wait() == 2
    assert "RunError: the training has ruined its weights" in run.said()
    assert "it had not been saved yet: start anew" in run.said()
    assert not list(run.folder.glob("*.pth"))
    happened("status 2, said, no checkpoint")


@pytest.mark.fault(
    name="ruined BatchNorm statistics, moving average or optimizer memory",
    does="in the second epoch one number becomes NaN, infinite or a variance below 0, in weights "
    "that are sound otherwise",
    expects="RunError that names the entry; the checkpoints are as they were",
)
@pytest.mark.parametrize(
    ("entry", "value", "reason"),
    [
        ("backbone.bn1.running_var", -0.5, "backbone.bn1 (1 entry): a variance below 0"),
        ("backbone.bn1.running_mean", torch.nan, "backbone.bn1 (1 entry): not finite"),
        ("backbone.bn2.weight", torch.inf, "backbone.bn2 (1 entry): not finite"),
        ("backbone.bn2.weight", 2e4, "backbone.bn2 (1 entry): beyond 10,000"),
        ("ema", torch.nan, "ema.backbone.conv1 (1 entry): not finite"),
        ("optimizer", torch.inf, "optimizer.0 (1 entry): not finite"),
    ],
)
def test_one_bad_number(good, content, happened, monkeypatch, entry, value, reason):
    from hrpose.engine.runner import Runner

    original = Runner.finish_epoch

    def spoil(self, number):
        state = self.state
        tensor = {
            "ema": state.ema.model.backbone.conv1.weight,
            "optimizer": next(iter(state.optimizer.state.values()))["exp_avg_sq"],
            **dict(state.model.named_parameters()),
            **dict(state.model.named_buffers()),
        }[entry]
        with torch.no_grad():
            tensor[(0,) * tensor.ndim] = value
        original(self, number)

    monkeypatch.setattr(Runner, "finish_epoch", spoil)
    changes = ["runner.epochs=2", "runner.save_best='PCK@0.3'", "runner.ema=0.9"]
    with pytest.raises(RunError) as caught:
        train(config.load(TINY, changes), good, resume="auto")
    assert reason in str(caught.value)
    happened("RunError names the entry and the reason")


@pytest.mark.fault(
    name="no false alarm for one hard batch",
    does="one step of eight has a loss a million times as large, with clip_grad",
    expects="the run goes on and is saved: its weights are sound and its median loss is",
)
def test_one_hard_batch(tmp_path, happened, monkeypatch):
    calls = []
    original = TopDown.forward

    def forward(self, images):
        heatmaps = original(self, images)
        calls.append(self.training)
        return heatmaps + 1000 if sum(calls) == 4 and self.training else heatmaps

    monkeypatch.setattr(TopDown, "forward", forward)
    changes = ["runner.log_interval=2", "runner.clip_grad=0.01", "runner.val_interval=0"]
    progress = train(config.load(TINY, changes), tmp_path)
    assert (progress.epoch, progress.skipped) == (2, 0)
    assert checkpoints.read_training(tmp_path / "latest.pth")["meta"]["epoch"] == 2
    happened("saved; the run came to its end")


@pytest.mark.fault(
    name="testing weights that cannot be right",
    does="a checkpoint holds a NaN, an infinite weight, a variance below 0, complex numbers or "
    "integers; `hrpose test` and --load-from",
    expects="CheckpointError names the file, the entries and the reason; nothing is scored",
)
@pytest.mark.parametrize(
    ("key", "change", "reason"),
    [
        ("backbone.conv1.weight", lambda w: w * torch.nan, "backbone.conv1 (1 entry): not finite"),
        ("backbone.conv1.weight", lambda w: w.double() + 1e300, "(1 entry): not finite"),
        ("backbone.bn1.running_var", lambda w: -w, "bn1 (1 entry): a variance below 0"),
        ("backbone.bn1.running_mean", lambda w: w + torch.inf, "bn1 (1 entry): not finite"),
        ("keypoint_head.final_layer.weight", lambda w: w + 1j, "complex64 instead of"),
        ("keypoint_head.final_layer.weight", lambda w: w.to(torch.int8), "int8 instead of"),
    ],
)
def test_unsound_weights_are_not_tested(good, tmp_path, happened, key, change, reason):
    state = torch.load(good / "latest.pth")["state_dict"]
    torch.save({"state_dict": state | {key: change(state[key])}}, tmp_path / "bad.pth")
    for use in (
        lambda: run_test(config.load(TINY), str(tmp_path / "bad.pth"), tmp_path / "test"),
        lambda: train(
            config.load(TINY, [f"load_from={str(tmp_path / 'bad.pth')!r}"]), tmp_path / "run"
        ),
    ):
        with pytest.raises(CheckpointError, match=r"bad\.pth: does not fit the model") as caught:
            use()
        assert reason in str(caught.value) and key.rpartition(".")[0] in str(caught.value)
    assert not (tmp_path / "test/metrics.json").exists()
    happened("CheckpointError names file, entries and reason; no metrics were written")
