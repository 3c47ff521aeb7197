"""Numbers and memory."""

import weakref

import pytest
import torch
from runs import TINY, rows

from hrpose import config
from hrpose.engine.train import train
from hrpose.errors import RunError
from hrpose.models.topdown import TopDown
from hrpose.rundir import checkpoints

FROZEN = ["runner.epochs=1", "runner.log_interval=1", "runner.val_interval=0"]


class Steep(torch.autograd.Function):
    """Makes finite gradients with a norm beyond the largest number of fp32."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient / gradient.abs().max() * 1e30


class Explodes(torch.autograd.Function):
    """Runs out of memory in the backward pass."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.fixture
def forward(monkeypatch):
    """Replaces the model's forward pass in training by function(call number, images, y)."""
    original = TopDown.forward

    def install(function):
        calls = []

        def patched(self, images):
            if self.training:
                calls.append(len(images))
                return function(len(calls), images, lambda: original(self, images))
            return original(self, images)

        monkeypatch.setattr(TopDown, "forward", patched)
        return calls

    return install


def finite(path):
    state = checkpoints.read_training(path)
    tensors = [*state["state_dict"].values(), *(state["train_state_dict"] or {}).values()]
    for values in state["optimizer"]["state"].values():
        tensors += values.values()
    return all(tensor.isfinite().all() for tensor in tensors)


@pytest.mark.fault(
    name="NaN gradient",
    does="one batch of eight holds a NaN, in a run with EMA",
    expects="the step is skipped and counted, its animals named; weights, BatchNorm statistics, "
    "EMA and optimizer stay finite",
)
def test_nan_gradient(tmp_path, happened, forward):
    forward(lambda call, images, y: y() * (torch.nan if call == 3 else 1))
    progress = train(config.load(TINY, ["runner.ema=0.9", "runner.log_interval=1"]), tmp_path)
    said = (tmp_path / "train.log").read_text()
    assert said.count("skipped") == 1
    assert "step 3 skipped: its gradient is not finite (number 1, 1 in a row); animals: " in said
    assert said.count("synthetic animal") == 4
    assert (progress.skipped, progress.skipped_in_a_row, progress.iteration) == (1, 0, 8)
    assert finite(tmp_path / "latest.pth")
    losses = [row["loss"] for row in rows(tmp_path) if row["kind"] == "train"]
    assert losses[2] is None and None not in losses[:2] + losses[3:]
    happened("step 3 skipped, four animals named, everything finite")


@pytest.mark.fault(
    name="gradient too large to be clipped",
    does="finite gradients with an infinite norm, in a run with clip_grad",
    expects="the step is skipped and counted; it is not made with a gradient of zeros",
)
def test_gradient_beyond_clipping(tmp_path, happened, forward):
    changes = [*FROZEN, "runner.clip_grad=1.0", "runner.save_steps=1", "data.train.length=8"]
    forward(lambda call, images, y: Steep.apply(y()) if call == 2 else y())
    progress = train(config.load(TINY, changes), tmp_path)
    assert progress.skipped == 1
    before, after = (
        checkpoints.read_training(tmp_path / name) for name in ("previous.pth", "latest.pth")
    )
    for key, value in before["state_dict"].items():
        assert torch.equal(value, after["state_dict"][key]), key
    happened("skipped; weights and statistics equal to the bit")


@pytest.mark.fault(
    name="a skipped step leaves nothing behind",
    does="the weights after a step with a NaN are compared with those before it",
    expects="weights, BatchNorm statistics and optimizer equal to the bit",
)
def test_skip_is_no_step(tmp_path, happened, forward):
    changes = [*FROZEN, "runner.save_steps=1", "data.train.length=8"]
    forward(lambda call, images, y: y() * (torch.nan if call == 2 else 1))
    train(config.load(TINY, changes), tmp_path)
    before, after = (
        checkpoints.read_training(tmp_path / name) for name in ("previous.pth", "latest.pth")
    )
    assert (before["meta"]["iteration"], after["meta"]["iteration"]) == (1, 2)
    counters = [key for key in before["state_dict"] if key.endswith("num_batches_tracked")]
    assert counters
    for key, value in before["state_dict"].items():
        assert torch.equal(value, after["state_dict"][key]), key
    for number, values in before["optimizer"]["state"].items():
        for key, value in values.items():
            assert torch.equal(value, after["optimizer"]["state"][number][key]), key
    happened("equal to the bit")


@pytest.mark.fault(
    name="exploding loss",
    does="from the second epoch on every loss is NaN",
    expects="steps are skipped; after ten in a row the run stops with advice and names its "
    "checkpoint",
)
def test_exploding(tmp_path, happened, forward):
    forward(lambda call, images, y: y() * (torch.nan if call > 4 else 1))
    changes = ["runner.epochs=4", "schedule.warmup_iters=0"]
    with pytest.raises(RunError) as caught:
        train(config.load(TINY, [*changes, "runner.val_interval=0"]), tmp_path)
    assert "10 steps in a row" in str(caught.value)
    assert "lower optimizer.lr" in str(caught.value)
    assert "--resume" in str(caught.value)
    assert f"last good checkpoint is {tmp_path / 'latest.pth'}" in str(caught.value)
    assert finite(tmp_path / "latest.pth")
    assert checkpoints.read_training(tmp_path / "latest.pth")["meta"]["epoch"] >= 1
    happened("stopped after ten skipped steps, with advice")


@pytest.mark.fault(
    name="out of memory at the first step, and later",
    does="a device with room for three animals at once; from step 3 on for one",
    expects="batches go through in parts with the same result for the step; said once each time; "
    "kept over a resume",
)
def test_out_of_memory(tmp_path, happened, forward):
    frozen = [*FROZEN, "runner.batch_norm='frozen'"]
    train(config.load(TINY, frozen), tmp_path / "whole")
    done = []

    def short(call, images, y):
        if len(images) > (3 if len(done) < 4 else 1):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore")
        done.append(len(images))
        return y()

    forward(short)
    progress = train(config.load(TINY, [*frozen, "runner.save_steps=2"]), tmp_path / "short")
    assert done == [2, 2, 2, 2, *[1] * 8], "two steps in halves, two in quarters"
    assert progress.micro_batches == 4
    said = (tmp_path / "short/train.log").read_text()
    assert said.count("warning: out of memory") == 2
    assert "in 2 parts" in said and "in 4 parts" in said
    whole, parts = ([row["loss"] for row in rows(tmp_path / name)] for name in ("whole", "short"))
    assert parts == pytest.approx(whole, rel=1e-4)
    assert checkpoints.read_training(tmp_path / "short/latest.pth")["meta"]["micro_batches"] == 4
    happened("2, then 4 parts; losses equal those of whole batches within 1e-4")


@pytest.mark.fault(
    name="memory too short for one animal",
    does="every forward pass runs out of memory",
    expects="RunError that says what to make smaller",
)
def test_no_memory_at_all(tmp_path, happened, forward):
    def never(call, images, y):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    calls = forward(never)
    with pytest.raises(RunError, match="single animal in the network"):
        train(config.load(TINY, FROZEN), tmp_path)
    assert calls == [4, 2, 1]
    happened("tried 4, 2, 1 animals, then refused with advice")


@pytest.mark.fault(
    name="a failed attempt leaves nothing behind",
    does="out of memory in the backward pass of the first step, BatchNorm not frozen",
    expects="BatchNorm statistics count the step once, not the attempt too",
)
def test_attempt_leaves_nothing(tmp_path, happened, forward):
    forward(lambda call, images, y: Explodes.apply(y()) if call == 1 else y())
    train(config.load(TINY, [*FROZEN, "data.train.length=4"]), tmp_path / "short")
    state = checkpoints.read_training(tmp_path / "short/latest.pth")["state_dict"]
    assert state["backbone.bn1.num_batches_tracked"] == 2, "two halves of one step"
    happened("two halves counted, the attempt not")


@pytest.mark.fault(
    name="a failed attempt holds no memory",
    does="out of memory in the backward pass of the first step",
    expects="activations of that attempt are gone when the parts of the batch go through",
)
def test_attempt_holds_no_memory(tmp_path, happened, forward):
    attempts, held = [], []

    def first_explodes(call, images, y):
        if call == 1:
            heatmaps = Explodes.apply(y())
            attempts.append(weakref.ref(heatmaps))
            return heatmaps
        held.append(attempts[0]() is not None)
        return y()

    forward(first_explodes)
    train(config.load(TINY, [*FROZEN, "data.train.length=4"]), tmp_path)
    assert held == [False, False]
    happened("gone before the next attempt")
