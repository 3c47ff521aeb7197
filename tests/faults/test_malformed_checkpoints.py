"""Checkpoints with other content than a run writes."""

import shutil
from copy import copy

import pytest
import torch
from runs import TINY, same_run

from hrpose import config
from hrpose.engine.experiment import prepare
from hrpose.engine.train import train
from hrpose.errors import CheckpointError
from hrpose.rundir import checkpoints
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.log import RunLog
from hrpose.rundir.snapshot import fault_of, misfit_of
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
def state(finished):
    """What its latest checkpoint holds."""
    return checkpoints.read_training(finished / "latest.pth")


@pytest.fixture(scope="module")
def fits(finished):
    """Whether a checkpoint fits the tiny page."""
    experiment = prepare(config.load(TINY, ["runner.log_interval=1"]))
    model = experiment.outline()
    optimizer = experiment.optimizer(model.parameters())
    return lambda saved: misfit_of(saved, experiment.page, model, optimizer)


def changed(state, place, value):
    """`state` with another content at `place`, keys with / between; GONE removes it."""
    *keys, last = [int(key) if key.isdigit() else key for key in place.split("/")]
    whole = item = dict(state)
    for key in keys:
        item[key] = copy(item[key])
        item = item[key]
    if value is GONE:
        del item[last]
    else:
        item[last] = value(item.get(last)) if callable(value) else value
    return whole


def write(state, path):
    """Write `state`, with its digest where one can be made."""
    path.unlink(missing_ok=True)  # epoch_2.pth is the same file: it stays whole
    try:
        checkpoint_file.save(state, path)
    except (RuntimeError, OSError):
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
def test_malformed(state, fits, tmp_path, happened, place, value):
    state, path = changed(state, place, value), tmp_path / "latest.pth"
    if place.startswith("state_dict") or value is ITSELF:
        write(state, path)
        with pytest.raises(CheckpointError, match=r"latest\.pth: damaged"):
            checkpoints.read_training(path, fits)
    else:  # what a file holds, without the time that writing one takes
        assert fault_of(state) or fits(state)
    happened("named as damaged")


@pytest.mark.fault(
    name="a malformed checkpoint, gone on from",
    does="latest.pth holds half a moment of a weight, its digest is right; then `--resume`",
    expects="said; the run goes on from previous.pth and ends as the undisturbed one",
)
def test_gone_on(finished, state, tmp_path, happened):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, copy_function=shutil.copy)
    half = changed(state, "optimizer/state/0/exp_avg", lambda m: m[:1])
    write(half, folder / "latest.pth")
    train(config.load(TINY, ["runner.log_interval=1"]), folder, "auto")
    said = (folder / "train.log").read_text()
    assert "exp_avg has not the shape of its parameter" in said and "trying the one before" in said
    assert "previous.pth after step 4 of epoch 2" in said
    assert same_run(folder, finished)
    happened("equal to the bit")


@pytest.mark.fault(
    name="ruined weights in a checkpoint, gone on from",
    does="latest.pth, its digest right, holds a NaN in a weight, in a moment, or a variance below "
    "0, as a run of another program leaves it; then `--resume`",
    expects="it is not called the last good one: the run goes on from previous.pth",
)
@pytest.mark.parametrize(
    ("place", "number", "reason"),
    [
        (f"state_dict/{WEIGHT}", torch.nan, "state_dict.backbone.conv1 (1 entry): not finite"),
        ("state_dict/backbone.bn1.running_var", -0.5, "bn1 (1 entry): a variance below 0"),
        ("optimizer/state/0/exp_avg_sq", torch.inf, "optimizer.0 (1 entry): not finite"),
    ],
)
def test_ruined(finished, state, tmp_path, happened, place, number, reason):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, copy_function=shutil.copy)
    write(changed(state, place, lambda t: torch.full_like(t, number)), folder / "latest.pth")
    train(config.load(TINY, ["runner.log_interval=1"]), folder, "auto")
    said = (folder / "train.log").read_text()
    assert reason in said and "previous.pth after step 4 of epoch 2" in said
    assert same_run(folder, finished)
    happened("said; went on from previous.pth, equal to the bit")


@pytest.mark.fault(
    name="best_file of a checkpoint that points elsewhere",
    does="meta.best_file of latest.pth is another file of the folder, of another, or of no epoch",
    expects="it counts as damaged, so that no best weights are removed for it",
)
@pytest.mark.parametrize(
    "name",
    [
        "latest.pth", "../run/best_PCK@0.3_epoch_2.pth", "best_PCK@0.3_epoch_1.pth", "/etc/passwd",
        "best_PCK@0.3_epoch_2.pth\n", 5, None,
    ],
)  # fmt: skip
def test_best_file(state, happened, name):
    assert state["meta"]["best_file"] == "best_PCK@0.3_epoch_2.pth" and not fault_of(state)
    assert "meta.best_file is" in fault_of(changed(state, "meta/best_file", name))
    happened("named as damaged")


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
        keeper.save({"optimizer": {}}, f"best_PCK@0.3_epoch_{epoch}.pth", None)
    keeper.wait()
    assert all(path.is_file() for path in mine)
    assert not (tmp_path / "best_PCK@0.3_epoch_1.pth").exists()
    happened("the copies stayed")
