"""Checkpoint files."""

import multiprocessing
import os
import random
import shutil
from pathlib import Path

import pytest
import torch
from runs import TINY, same_run

from hrpose import config
from hrpose.engine.train import train
from hrpose.errors import CheckpointError, RunError
from hrpose.rundir import checkpoints
from hrpose.storage import checkpoint_file
from hrpose.storage.seal import KEY


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    train(config.load(TINY, ["runner.log_interval=1"]), folder)
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(finished, tmp_path / "run", copy_function=shutil.copy))


def _write_for_ever(folder: str, started) -> None:
    latest = Path(folder, checkpoints.LATEST)
    number = 0
    while True:
        number += 1
        weights = torch.full((200_000,), float(number))
        state = {"optimizer": {}, "meta": {}, "number": number, "w": weights}
        if latest.is_file():
            checkpoint_file.link(latest, latest.with_name(checkpoints.PREVIOUS))
        checkpoint_file.save(state, Path(folder, f"epoch_{number % 3}.pth"), latest)
        started.set()


@pytest.mark.fault(
    name="kill -9 during a checkpoint write",
    does="a process that writes checkpoints without a pause is killed at 50 random moments",
    expects="each time the newest checkpoint is whole",
)
def test_kill_while_writing(tmp_path, happened):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hrpose.storage.checkpoint_file"])
    draws, numbers, passed_by = random.Random(0), [], []
    for _ in range(50):
        started = context.Event()
        process = context.Process(target=_write_for_ever, args=(str(tmp_path), started))
        process.start()
        assert started.wait(60)
        process.join(draws.uniform(0, 0.02))
        process.kill()
        process.join()
        path, state = checkpoints.newest_whole(tmp_path, passed_by.append)
        assert path.name == checkpoints.LATEST
        assert torch.equal(state["w"], torch.full((200_000,), float(state["number"])))
        numbers.append(state["number"])
    assert passed_by == []
    assert len(set(numbers)) > 1, "killed at different moments"
    left = list(tmp_path.glob(".*.tmp"))
    happened(f"50 of 50 whole; {len(left)} of the kills fell into a write (temporary files left)")


@pytest.mark.fault(
    name="truncated latest checkpoint",
    does="latest.pth loses its second half, then `--resume`",
    expects="the checkpoint before it is used, which is said; the run ends as the undisturbed one",
)
def test_truncated(copy, finished, happened):
    latest = copy / checkpoints.LATEST
    content = latest.read_bytes()
    latest.unlink()
    latest.write_bytes(content[: len(content) // 2])
    train(config.load(TINY, ["runner.log_interval=1"]), copy, resume="auto")
    said = (copy / "train.log").read_text()
    assert "latest.pth: not a readable checkpoint" in said
    assert "resumed from" in said and "previous.pth after step 4 of epoch 2" in said
    assert same_run(copy, finished)
    happened("named; went on from previous.pth; equal to the bit")


@pytest.mark.fault(
    name="bit-flipped latest checkpoint",
    does="one bit of a weight in latest.pth is turned, then `--resume` and tools/test.py",
    expects="noticed by the digest; resuming takes the one before, testing refuses",
)
def test_bit_flip(copy, finished, happened, tmp_path):
    from hrpose.engine.test import run_test

    latest = copy / checkpoints.LATEST
    content = bytearray(latest.read_bytes())
    latest.unlink()  # epoch_2.pth is the same file: it stays whole
    weight = torch.load(finished / "latest.pth")["state_dict"]["keypoint_head.final_layer.weight"]
    content[content.index(weight.numpy().tobytes()) + 2] ^= 1
    latest.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match=r"latest\.pth: damaged"):
        run_test(config.load(TINY), str(latest), tmp_path / "test")
    train(config.load(TINY, ["runner.log_interval=1"]), copy, resume="auto")
    assert "the digest differs" in (copy / "train.log").read_text()
    assert same_run(copy, finished)
    happened("noticed in both; resumed from previous.pth, equal to the bit")


@pytest.mark.fault(
    name="damaged latest checkpoint, then a full disk",
    does="latest.pth is cut off; the run that went on from previous.pth cannot write",
    expects="previous.pth is not replaced by the damaged file: one can resume again",
)
def test_damaged_then_full(copy, happened, monkeypatch):
    folder, page = copy, config.load(TINY, ["runner.log_interval=1", "runner.epochs=3"])
    for path in folder.glob("epoch_*.pth"):
        path.unlink()
    latest, previous = folder / "latest.pth", (folder / "previous.pth").read_bytes()
    latest.write_bytes(latest.read_bytes()[:-2000])

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_file, "save", full)
        with pytest.raises(RunError, match="its end could not be saved"):
            train(page, folder, "auto")
    assert (folder / "previous.pth").read_bytes() == previous
    assert f"the last good one is {folder / 'previous.pth'}" in (folder / "train.log").read_text()
    assert train(page, folder, "auto").epoch == 3
    happened("previous.pth stayed and was named; the next --resume went on from it")


@pytest.mark.fault(
    name="every checkpoint damaged",
    does="all checkpoints of a run are emptied, then `--resume`",
    expects="CheckpointError that lists them; nothing is overwritten",
)
def test_all_damaged(copy, happened):
    for path in checkpoints.candidates(copy):
        path.unlink()
        path.write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        train(config.load(TINY), copy, resume="auto")
    for name in ("latest.pth", "previous.pth", "epoch_2.pth", "epoch_1.pth"):
        assert name in str(caught.value)
    assert (copy / "latest.pth").read_bytes() == b""
    happened("refused, four files named")


@pytest.mark.fault(
    name="hostile checkpoint",
    does="a pickle that would make a folder is resumed from, loaded from and tested",
    expects="CheckpointError; nothing is executed",
)
def test_hostile(tmp_path, happened):
    from hrpose.engine.test import run_test

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made-by-pickle"),)

    evil = tmp_path / "evil.pth"
    torch.save({"optimizer": Hostile(), "state_dict": {}}, evil)
    with pytest.raises(CheckpointError):
        train(config.load(TINY), tmp_path / "a", resume=str(evil))
    with pytest.raises(CheckpointError):
        train(config.load(TINY, [f"load_from={str(evil)!r}"]), tmp_path / "b")
    with pytest.raises(CheckpointError, match="could run code"):
        run_test(config.load(TINY), str(evil), tmp_path / "c")
    assert not (tmp_path / "made-by-pickle").exists()
    happened("refused three times; the folder was not made")


@pytest.mark.fault(
    name="best metric over a resume",
    does="the best epoch lies before the checkpoint that a run resumes from",
    expects="the best value, its epoch and its file stay; worse epochs do not replace it",
)
def test_best_is_kept(tmp_path, happened):
    changes = ["runner.epochs=1", "runner.log_interval=1"]
    train(config.load(TINY, changes), tmp_path)
    best = next(tmp_path.glob("best_*.pth"))
    before = best.read_bytes()
    state = checkpoints.read_training(tmp_path / "latest.pth")
    state["meta"]["best"] = 2.0  # a PCK that no later epoch reaches
    checkpoint_file.save(state, tmp_path / "latest.pth")
    progress = train(config.load(TINY, ["runner.log_interval=1"]), tmp_path, resume="auto")
    assert (progress.epoch, progress.best, progress.best_epoch) == (2, 2.0, 1)
    assert [path.name for path in tmp_path.glob("best_*.pth")] == [best.name]
    assert best.read_bytes() == before
    happened("kept")


def _sparse(state):
    key = next(iter(state["state_dict"]))
    state["state_dict"][key] = state["state_dict"][key].to_sparse()


def _without_memory(state):
    state["optimizer"] = {"state": {}, "groups": []}


_ODD = {
    "a sparse tensor among the weights": _sparse,
    "an optimizer of another form": _without_memory,
    "a generator's state of another form": lambda state: state.update(generators=[1, 2]),
    "losses that are a table": lambda state: state.update(losses=torch.zeros(2, 2)),
    "no meta": lambda state: state.update(meta=None),
    "an epoch that is a text": lambda state: state["meta"].update(epoch="two"),
    "a step below 0": lambda state: state["meta"].update(step=-1),
    "a step beyond all counts": lambda state: state["meta"].update(iteration=10**30),
    "a best value that is a list": lambda state: state["meta"].update(best=[1.0]),
    "a page that is no page": lambda state: state["meta"].update(page="[[["),
}


@pytest.mark.fault(
    name="a sealed checkpoint with odd content",
    does="a latest.pth with a right digest whose weights, optimizer, generators, losses or meta "
    "are of another kind, as another program may write them",
    expects="the content is named; the run goes on from previous.pth and ends with the same bits",
)
@pytest.mark.parametrize("change", _ODD.values(), ids=_ODD)
def test_odd_content(copy, finished, happened, change):
    latest = copy / checkpoints.LATEST
    state = torch.load(latest, weights_only=True)
    change(state)
    try:
        checkpoint_file.save(state, latest)
    except OSError:  # no digest can be made of it, so another program wrote it without
        torch.save({key: value for key, value in state.items() if key != KEY}, latest)
    train(config.load(TINY, ["runner.log_interval=1"]), copy, "auto")
    said = (copy / "train.log").read_text()
    assert "damaged, or not written by hrpose: " in said and "trying the one before" in said
    assert "resumed from" in said and "previous.pth" in said
    assert same_run(copy, finished)
    happened("named; previous.pth was taken, equal to the bit")


@pytest.mark.fault(
    name="best weights that are said to be elsewhere",
    does="latest.pth and previous.pth whose meta.best_file leads to another folder",
    expects="refused as damaged; no best weights are removed",
)
@pytest.mark.parametrize("name", ["../best_PCK_epoch_1.pth", "/etc/passwd", "latest.pth"])
def test_best_elsewhere(copy, happened, name):
    bests = sorted(copy.glob("best_*"))
    for path in (copy / checkpoints.LATEST, copy / checkpoints.PREVIOUS, *copy.glob("epoch_*")):
        state = torch.load(path, weights_only=True)
        state["meta"]["best_file"] = name
        checkpoint_file.save(state, path)
    with pytest.raises(CheckpointError, match="best_file"):
        train(config.load(TINY, ["runner.epochs=3"]), copy, "auto")
    assert sorted(copy.glob("best_*")) == bests
    happened("refused; the best weights are still there")


@pytest.mark.fault(
    name="a clock that is wrong",
    does="latest.pth and previous.pth are damaged, the oldest epoch_N.pth was touched last; then "
    "epochs of an abandoned branch have higher numbers",
    expects="the content decides: the last epoch of the last attempt goes on",
)
def test_content_decides(copy, happened):
    for name in (checkpoints.LATEST, checkpoints.PREVIOUS):
        (copy / name).write_bytes(b"damaged")
    os.utime(copy / "epoch_2.pth", (1, 1))
    assert next(checkpoints.candidates(copy)).name == checkpoints.LATEST
    path, _ = checkpoints.newest_whole(copy, lambda message: None)
    assert path.name == "epoch_2.pth"
    state = torch.load(copy / "epoch_2.pth", weights_only=True)
    abandoned = {**state, "meta": {**state["meta"], "iteration": 80, "epoch": 20}}
    checkpoint_file.save(abandoned, copy / "epoch_20.pth")
    later = {**state, "meta": {**state["meta"], "attempt": 2, "iteration": 4, "epoch": 1}}
    checkpoint_file.save(later, copy / "epoch_1.pth")
    os.utime(copy / "epoch_1.pth", (1, 1))
    path, _ = checkpoints.newest_whole(copy, lambda message: None)
    assert path.name == "epoch_1.pth"
    train(config.load(TINY), copy, "auto")
    meta = checkpoints.read_training(copy / checkpoints.LATEST)["meta"]
    assert (meta["attempt"], meta["epoch"]) == (3, 2)
    happened("epoch_2, then epoch_1 of the later attempt; the run went on as the third")
