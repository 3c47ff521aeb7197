import shutil
from pathlib import Path

import pytest
import torch

from hrpose import config
from hrpose.engine.train import train
from hrpose.errors import RunError
from hrpose.processes import distributed
from hrpose.rundir import checkpoints
from hrpose.rundir.resume import require_agreement
from hrpose.storage import checkpoint_file

TINY = Path(__file__).resolve().parent.parent / "pages" / "tiny.py"


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run of one epoch."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    train(config.load(TINY, ["runner.epochs=1"]), folder)
    return folder


@pytest.fixture
def copy(begun, tmp_path):
    """A copy of that run."""
    return shutil.copytree(begun, tmp_path / "run")


def unbeatable(folder):
    """Give a run a best PCK that no later epoch reaches."""
    state = checkpoints.read_training(folder / "latest.pth")
    state["meta"]["best"] = 2.0
    checkpoint_file.save(state, folder / "latest.pth")


def test_a_changed_weight_decay_counts(copy, tiny):
    train(tiny("optimizer.weight_decay=0.25"), copy, "auto")
    (group,) = checkpoints.read_training(copy / "latest.pth")["optimizer"]["param_groups"]
    assert group["weight_decay"] == 0.25
    assert group["lr"] == 5e-4


def test_a_run_can_go_on_without_validation_and_with_it_again(copy, tiny):
    train(tiny("runner.val_interval=0"), copy, "auto")
    progress = train(tiny("runner.epochs=3"), copy, "auto")
    assert (progress.epoch, progress.best_epoch > 0) == (3, True)
    assert "annotations have changed" not in (copy / "train.log").read_text()


def test_a_run_that_ended_before_its_first_checkpoint_begins_anew(copy, tiny, tmp_path):
    folder = tmp_path / "early"
    folder.mkdir()
    first = (copy / "metrics.jsonl").read_text().splitlines(keepends=True)[0]
    (folder / "metrics.jsonl").write_text(first + first[:9])  # killed while it wrote a row
    (folder / ".latest.pth.123.tmp").write_bytes(b"killed while it wrote a checkpoint")
    train(tiny("runner.epochs=1"), folder, "auto")
    assert (folder / "metrics.jsonl").read_bytes() == (copy / "metrics.jsonl").read_bytes()
    assert not (folder / ".latest.pth.123.tmp").exists()


def test_other_patience_ends_an_early_stop(copy, tiny):
    unbeatable(copy)
    impatient = tiny("runner.epochs=3", "runner.early_stop=1")
    for _ in range(2):
        progress = train(impatient, copy, "auto")
        assert (progress.stopped_early, progress.epoch) == (True, 2)
    assert "nothing is left to train, it stopped early" in (copy / "train.log").read_text()
    assert train(tiny("runner.epochs=3"), copy, "auto").epoch == 3


def test_best_weights_that_are_gone_are_replaced(copy, tiny):
    (best,) = copy.glob("best_*.pth")
    best.unlink()
    train(tiny("optimizer.lr=1e-12"), copy, "auto")
    assert [path.name for path in copy.glob("best_*.pth")] == ["best_PCK@0.3_epoch_2.pth"]
    assert f"the best weights so far, {best.name}, are not in" in (copy / "train.log").read_text()


def test_best_of_other_validation_data_is_forgotten(copy, tiny):
    unbeatable(copy)
    progress = train(tiny("data.val.length=5"), copy, "auto", allow_data_change=True)
    assert progress.best_epoch == 2


def test_resuming_with_a_gradient_scaler_that_was_not_needed_before(copy, tiny, monkeypatch):
    """As from bf16 to fp16; the scaler of the CPU stands in for that of a GPU."""
    real = torch.amp.GradScaler
    monkeypatch.setattr(torch.amp, "GradScaler", lambda *a, **k: real("cpu", init_scale=64.0))
    train(tiny(), copy, "auto")
    assert checkpoints.read_training(copy / "latest.pth")["scaler"]["scale"] == 64.0


def test_rows_of_earlier_epochs_stay_when_the_data_shrink(copy, tiny):
    rows = (copy / "metrics.jsonl").read_text().splitlines()
    train(tiny("data.train.length=8"), copy, "auto", allow_data_change=True)
    now = (copy / "metrics.jsonl").read_text().splitlines()
    assert now[: len(rows)] == rows
    assert '"epoch": 1' in now[len(rows)]


def test_processes_must_agree_on_the_checkpoint(monkeypatch):
    require_agreement(None)
    monkeypatch.setattr(distributed, "gather", lambda value: ["digest", value])
    with pytest.raises(RunError, match="on a disk that all machines share"):
        require_agreement(None)
