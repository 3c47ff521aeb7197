"""Runs that are not what they were."""

import shutil
import signal

import pytest
from runs import TINY, Run, rows

from hrpose import config
from hrpose.engine.train import train
from hrpose.errors import CheckpointError, RunError


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run of one epoch."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    train(config.load(TINY, ["runner.epochs=1"]), folder)
    return folder


def resume(begun, folder, *changes, **options):
    """Resume a copy of `begun` for one more epoch; what its log says."""
    shutil.copytree(begun, folder)
    train(config.load(TINY, changes), folder, "auto", **options)
    return (folder / "train.log").read_text()


@pytest.mark.fault(
    name="resume with a changed config",
    does="`--resume` with another learning rate and number of workers",
    expects="the run goes on; every difference is printed with old and new value",
)
def test_difference_is_printed(begun, tmp_path, happened):
    said = resume(begun, tmp_path / "run", "optimizer.lr=1e-3", "data.workers=1")
    assert "the config has changed since" in said
    assert "optimizer.lr: 0.0005 -> 0.001" in said
    assert "data.workers: 0 -> 1" in said
    assert rows(tmp_path / "run")[-2]["lr"] == 1e-3
    happened("printed: optimizer.lr: 0.0005 -> 0.001, data.workers: 0 -> 1")


@pytest.mark.fault(
    name="resume with an incompatible config",
    does="`--resume` with another width, another sigma, another batch size",
    expects="CheckpointError that says what changed; the run directory stays as it was",
)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("model.backbone.width=8", "model.backbone.width: 4 -> 8"),
        ("codec.sigma=2", "codec.sigma: 1 -> 2"),
        ("data.batch_size=8", "had 4 steps of 4 animals.*it has 2 of 8"),
        ("optimizer={'type': 'SGD', 'lr': 0.1}", "optimizer.type: 'Adam' -> 'SGD'"),
    ],
)
def test_incompatible(begun, tmp_path, happened, change, words):
    before = (begun / "latest.pth").read_bytes()
    with pytest.raises(CheckpointError, match=words):
        resume(begun, tmp_path / "run", change)
    assert (tmp_path / "run" / "latest.pth").read_bytes() == before
    assert config.load(tmp_path / "run" / "config.py") == config.load(TINY, ["runner.epochs=1"])
    happened("refused")


@pytest.mark.fault(
    name="resume with changed annotations",
    does="`--resume` with other training animals; with other validation animals",
    expects="refused, unless --allow-data-change says that it is meant",
)
def test_changed_annotations(begun, tmp_path, happened):
    for number, change in enumerate(["data.train.seed=5", "data.val.length=5"]):
        with pytest.raises(RunError, match=r"annotations are not those.*--allow-data-change"):
            resume(begun, tmp_path / f"refused{number}", change)
    changes = ("data.train.length=24", "data.val.length=5")
    said = resume(begun, tmp_path / "allowed", *changes, allow_data_change=True)
    assert "the train and val annotations have changed" in said
    assert rows(tmp_path / "allowed")[-2]["iteration"] == 12, "two epochs of six steps"
    happened("refused twice; went on with --allow-data-change")


@pytest.mark.fault(
    name="two runs in one directory",
    does="a second run, new or resumed, is started in the directory of one that runs",
    expects="RunError that names the process that has it; the first is not disturbed",
)
def test_two_runs(tmp_path, happened):
    first = Run(tmp_path / "run", "runner.epochs=50")
    first.reach(lambda: first.steps() >= 1)
    second = Run(tmp_path / "run", options=("--resume",))
    assert second.wait() == 2
    assert f"is in use by process {first.process.pid} on" in second.said()
    third = Run(tmp_path / "run")
    assert third.wait() == 2
    assert first.process.is_alive()
    seen = first.steps()
    first.reach(lambda: first.steps() > seen)
    first.kill()
    again = Run(tmp_path / "run", "runner.epochs=1", options=("--resume",))
    assert again.wait() == 0, again.said()
    happened("refused with the process named; after kill -9 the directory was free at once")


@pytest.mark.fault(
    name="resumed into the directory of another run",
    does="`--resume A/latest.pth --work-dir B`, where B holds another run; then into an empty C",
    expects="refused, B stays as it is; C takes the run",
)
def test_resumed_elsewhere(begun, tmp_path, happened):
    other = tmp_path / "B"
    train(config.load(TINY, ["runner.epochs=1", "runner.seed=7"]), other)
    files = {path: path.read_bytes() for path in other.iterdir() if path.is_file()}
    page = config.load(TINY, ["runner.epochs=2"])
    with pytest.raises(RunError, match="B already holds a run"):
        train(page, other, str(begun / "latest.pth"))
    assert files == {path: path.read_bytes() for path in other.iterdir() if path.is_file()}
    assert train(page, tmp_path / "C", str(begun / "latest.pth")).epoch == 2
    happened("refused, no file of B changed; C went on from A")


@pytest.mark.fault(
    name="a new run in the place of one that runs",
    does="the directory of a run is removed, and a new run is made under its name",
    expects="the first stops and names the second, whose files stay as they are",
)
def test_directory_taken_over(tmp_path, happened):
    folder = tmp_path / "run"
    first = Run(folder, "runner.epochs=50")
    first.reach(lambda: first.steps() >= 1)
    first.send(signal.SIGSTOP)
    shutil.rmtree(folder)
    second = Run(folder, "runner.epochs=1")
    assert second.wait() == 0, second.said()
    files = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    first.send(signal.SIGCONT)
    assert first.wait() == 2, first.said()
    assert f"process {second.process.pid} on" in first.said()
    assert "has begun another run in a new one of that name" in first.said()
    assert files == {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    happened("the first stopped; no file of the second changed")
