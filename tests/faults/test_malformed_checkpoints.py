"""Checkpoints with other content than a run writes."""

import shutil
from functools import partial

import pytest
import torch
from runs import TINY, same_run

from hrpose import config
from hrpose.engine.experiment import prepare
from hrpose.engine.guards.start import misfit
from hrpose.engine.train import train
from hrpose.errors import CheckpointError
from hrpose.rundir import checkpoints
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.log import RunLog
from hrpose.storage import checkpoint_file
from hrpose.storage.seal import KEY

WEIGHT = "backbone.conv1.weight"
ITSELF: list = []
ITSELF.append(ITSELF)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    train(config.load(TINY, ["runner.log_interval=1"]), folder)
    return folder


@pytest.fixture(scope="module")
def fits():
    """Whether a checkpoint fits the tiny page."""
    return partial(misfit, prepare(config.load(TINY, ["runner.log_interval=1"])))


def put(path, place, value):
    """Give a checkpoint another content at `place`, keys with / between; GONE removes it."""
    state = checkpoints.read_training(path)
    *keys, last = place.split("/")
    item = state
    for key in keys:
        item = item[int(key) if key.isdigit() else key]
    if value is GONE:
        del item[last]
    else:
        last = int(last) if last.isdigit() else last
        item[last] = value(item.get(last)) if callable(value) else value
    path.unlink()  # epoch_2.pth is the same file: it stays whole
    try:
        checkpoint_file.save(state, path)
    except (RuntimeError, OSError):  # no digest can be made of some
        torch.save({**state, KEY: "0" * 64}, path)


GONE = object()
MALFORMED = {
    "a tensor that cannot be rebuilt": [
        (f"state_dict/{WEIGHT}", lambda w: w.to_sparse()),
        (f"state_dict/{WEIGHT}", lambda w: w.to("meta")),
        (f"state_dict/{WEIGHT}", lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8)),
        (f"state_dict/{WEIGHT}", lambda w: torch.nested.nested_tensor([w, w[:1]])),
        (f"state_dict/{WEIGHT}", lambda w: torch.zeros(1).expand(10**13)),
        (f"state_dict/{WEIGHT}", lambda w: w[:1]),
        (f"state_dict/{WEIGHT}", lambda w: w.to(torch.complex64)),
        (f"state_dict/{WEIGHT}", GONE),
        ("state_dict/more", torch.zeros(1)),
        ("state_dict", [1, 2]),
        ("train_state_dict", {}),
        ("train_state_dict", 5),
    ],
    "malformed progress": [
        ("meta", None),
        ("meta", [1]),
        ("meta/epoch", "2"),
        ("meta/epoch", -1),
        ("meta/epoch", True),
        ("meta/epoch", 1.5),
        ("meta/epoch", 10**400),
        ("meta/epoch", GONE),
        ("meta/step", 3),
        ("meta/iteration", torch.zeros(3)),
        ("meta/iteration", 10**9),
        ("meta/best", float("nan")),
        ("meta/best", "0.5"),
        ("meta/micro_batches", 0),
        ("meta/stopped_early", "no"),
        ("meta/steps_per_epoch", 0),
        ("meta/page", "{"),
        ("meta/page", "[]"),
        ("meta/page", 7),
        ("meta/page", "[" * 100_000),
        ("meta/train", None),
        ("meta/skipped", ITSELF),
    ],
    "malformed state of the optimizer": [
        ("optimizer", 1),
        ("optimizer/state", []),
        ("optimizer/state/0", 3),
        ("optimizer/state/0/exp_avg", lambda m: m[:1]),
        ("optimizer/state/0/exp_avg", lambda m: m.to_sparse()),
        ("optimizer/state/0/exp_avg", 1.0),
        ("optimizer/state/0/exp_avg_sq", GONE),
        ("optimizer/state/0/step", "1"),
        ("optimizer/state/0/step", float("nan")),
        ("optimizer/param_groups", None),
        ("optimizer/param_groups/0/params", [0, 1]),
        ("optimizer/state/100000", {}),
    ],
    "malformed scaler, generators or losses": [
        ("scaler", {"scale": 2.0}),
        ("scaler", "x"),
        ("generators", None),
        ("generators/torch", torch.zeros(3)),
        ("generators/torch", "x"),
        ("generators/cuda", "x"),
        ("generators/numpy", [1]),
        ("generators/numpy", ["MT19937", torch.zeros(3), 0, 0, 0.0]),
        ("generators/python", (3, (1, 2), None)),
        ("generators", GONE),
        ("losses", 3),
        ("losses", torch.zeros(2, 2)),
        ("losses", torch.zeros(1).expand(10**6)),
        ("losses", torch.zeros(3, dtype=torch.complex64)),
        ("ema_updates", -1),
        ("ema_updates", GONE),
    ],
}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(
            place, value, id=f"{place.split('/')[-1]}{number}",
            marks=pytest.mark.fault(
                name=f"{name} in a checkpoint",
                does="latest.pth holds it, its digest is right where it can be; then `--resume`",
                expects="it counts as damaged, so that previous.pth is gone on from",
            ),
        )
        for name, cases in MALFORMED.items()
        for number, (place, value) in enumerate(cases)
    ],
)  # fmt: skip
def test_malformed(finished, fits, tmp_path, happened, place, value):
    folder = tmp_path
    shutil.copy(finished / "latest.pth", folder)
    put(folder / "latest.pth", place, value)
    with pytest.raises(CheckpointError, match=r"latest\.pth: damaged"):
        checkpoints.read_training(folder / "latest.pth", fits)
    happened("named as damaged")


@pytest.mark.fault(
    name="a malformed checkpoint, gone on from",
    does="latest.pth holds a sparse tensor, a text for its epoch, half a moment; then `--resume`",
    expects="the run ends as the undisturbed one",
)
@pytest.mark.parametrize(
    ("place", "value"),
    [
        (f"state_dict/{WEIGHT}", lambda w: w.to_sparse()),
        ("meta/epoch", "2"),
        ("optimizer/state/0/exp_avg", lambda m: m[:1]),
    ],
)
def test_gone_on(finished, tmp_path, happened, place, value):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, copy_function=shutil.copy)
    put(folder / "latest.pth", place, value)
    train(config.load(TINY, ["runner.log_interval=1"]), folder, "auto")
    assert "previous.pth after step 4 of epoch 2" in (folder / "train.log").read_text()
    assert same_run(folder, finished)
    happened("equal to the bit")


@pytest.mark.fault(
    name="best_file of a checkpoint that points elsewhere",
    does="meta.best_file of latest.pth is another file of the folder, of another, or of no epoch",
    expects="it counts as damaged; the best weights of the run stay",
)
@pytest.mark.parametrize(
    "name",
    [
        "latest.pth", "../run/best_PCK@0.3_epoch_2.pth", "best_PCK@0.3_epoch_1.pth", "/etc/passwd",
        "best_PCK@0.3_epoch_2.pth\n", 5, None,
    ],
)  # fmt: skip
def test_best_file(finished, tmp_path, happened, name):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, copy_function=shutil.copy)
    (best,) = folder.glob("best_*.pth")
    assert best.name == "best_PCK@0.3_epoch_2.pth"
    (folder / "best_PCK@0.3_epoch_1.pth").write_bytes(b"an older one")
    put(folder / "latest.pth", "meta/best_file", name)
    train(config.load(TINY, ["runner.epochs=3", "optimizer.lr=1e-12"]), folder, "auto")
    assert "meta.best_file is" in (folder / "train.log").read_text()
    kept = checkpoints.read_training(folder / "latest.pth")["meta"]["best_file"]
    assert (folder / kept).is_file()
    assert torch.load(folder / kept, weights_only=True)["meta"]["best_file"] == kept
    happened("named as damaged; the best weights of the run stay")


@pytest.mark.fault(
    name="copies of best weights under names of the user's own",
    does="`best_PCK@0.3_epoch_1.copy.pth` and a metric of a longer name, while the best changes",
    expects="only best_<metric>_epoch_<N>.pth of the run's own metric are removed",
)
def test_own_copies(tmp_path, happened):
    mine = [tmp_path / f"best_{name}.pth" for name in ("PCK@0.3_epoch_1.copy", "PCK_epoch_1")]
    for path in mine:
        path.write_bytes(b"mine")
    keeper = Keeper(tmp_path, None, "PCK@0.3", RunLog(None))
    for epoch in (1, 2):
        keeper.save_best({"w": torch.ones(1)}, f"best_PCK@0.3_epoch_{epoch}.pth")
    keeper.save({"optimizer": {}}, "best_PCK@0.3_epoch_2.pth", None)
    assert all(path.is_file() for path in mine)
    assert not (tmp_path / "best_PCK@0.3_epoch_1.pth").exists()
    happened("the copies stayed")
