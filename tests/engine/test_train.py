import json
from pathlib import Path

import pytest
import torch

from hrpose import config
from hrpose.engine.test import run_test
from hrpose.engine.train import train
from hrpose.errors import CheckpointError, ConfigError, RunError
from hrpose.models import KeypointMSELoss
from hrpose.rundir import checkpoints
from hrpose.rundir.keeper import Keeper

TINY = Path(__file__).resolve().parent.parent / "pages" / "tiny.py"


def rows(folder, kind):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


def weights(path):
    return torch.load(path, weights_only=True)["state_dict"]


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs."""
    folder = tmp_path_factory.mktemp("finished")
    train(config.load(TINY), folder)
    return folder


def test_a_run_leaves_what_the_docs_promise(finished):
    names = {path.name for path in finished.iterdir()}
    assert {"config.py", "train.log", "metrics.jsonl", "latest.pth", "epoch_1.pth"} <= names
    assert {"epoch_2.pth", "curves.png", "tensorboard"} <= names
    assert len(list(finished.glob("best_PCK@0.3_epoch_*.pth"))) == 1
    assert [row["iteration"] for row in rows(finished, "train")] == [2, 4, 6, 8]
    assert [row["epoch"] for row in rows(finished, "val")] == [1, 2]


def test_it_learns(tiny, tmp_path):
    """Four animals, seen 16 times: the loss falls well below that of empty heatmaps."""
    page = tiny(
        "data.train.length=4", "data.train.fresh=False", "runner.epochs=16",
        "runner.val_interval=0", "optimizer.lr=2e-3", "schedule.steps=()",
    )  # fmt: skip
    page["train_pipeline"] = page["test_pipeline"]
    train(page, tmp_path)
    losses = [row["loss"] for row in rows(tmp_path, "train")]
    assert losses[-1] < 0.75 * losses[0]


def test_the_dumped_page_is_the_page(finished, tiny):
    assert config.load(finished / "config.py") == tiny()


def test_a_second_run_in_the_same_folder_is_refused(finished, tiny):
    before = weights(finished / "latest.pth")
    with pytest.raises(RunError, match=r"already holds a run.*--resume"):
        train(tiny(), finished)
    assert equal(weights(finished / "latest.pth"), before)


def test_the_same_seed_gives_the_same_run(finished, tiny, tmp_path):
    train(tiny(), tmp_path / "run")
    assert equal(weights(tmp_path / "run/latest.pth"), weights(finished / "latest.pth"))
    again, first = (folder / "metrics.jsonl" for folder in (tmp_path / "run", finished))
    assert again.read_bytes() == first.read_bytes()


def test_a_resumed_run_ends_where_the_undisturbed_one_does(finished, tiny, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("epoch_1.pth", "metrics.jsonl", "train.log"):
        (folder / name).write_bytes((finished / name).read_bytes())
    train(tiny("data.workers=1"), folder, resume="auto")
    assert equal(weights(folder / "latest.pth"), weights(finished / "latest.pth"))
    assert (folder / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()


def test_saving_by_the_clock_changes_nothing(finished, tiny, tmp_path, monkeypatch):
    save, steps = Keeper.save, []

    def counting(self, state, *rest):
        steps.append(state["meta"]["iteration"])
        save(self, state, *rest)

    monkeypatch.setattr(Keeper, "save", counting)
    train(tiny("runner.save_minutes=1e-9"), tmp_path)
    assert steps == [1, 2, 3, 4, 4, 5, 6, 7, 8, 8]
    assert equal(weights(tmp_path / "latest.pth"), weights(finished / "latest.pth"))
    ours, theirs = (folder / "metrics.jsonl" for folder in (tmp_path, finished))
    assert ours.read_bytes() == theirs.read_bytes()


def test_resume_without_a_checkpoint_starts_anew(finished, tiny, tmp_path):
    """So that a job which the scheduler starts again and again is one command."""
    train(tiny(), tmp_path, resume="auto")
    assert "no checkpoint in" in (tmp_path / "train.log").read_text()
    assert equal(weights(tmp_path / "latest.pth"), weights(finished / "latest.pth"))


def test_resume_with_another_width_is_refused(finished, tiny, tmp_path):
    with pytest.raises(CheckpointError, match="does not fit this config"):
        train(tiny("model.backbone.width=8"), tmp_path, resume=str(finished / "epoch_1.pth"))


def test_testing_gives_the_number_of_the_training(finished, tiny, tmp_path):
    best = next(finished.glob("best_*.pth"))
    report, _ = run_test(tiny(), str(best), tmp_path)
    reached = max(row["metrics"]["PCK@0.3"] for row in rows(finished, "val"))
    assert report.values["PCK@0.3"] == reached
    record = json.loads((tmp_path / "metrics.json").read_text())
    assert record["metrics"] == report.values
    assert set(record["per_keypoint"]["PCK@0.3"]) == set(tiny()["keypoints"]["names"])
    assert record["provenance"]["animals"] == 6
    assert len(record["provenance"]["checkpoint_sha256"]) == 64
    results = json.loads((tmp_path / "predictions.json").read_text())
    assert len(results) == 6
    assert {len(row["keypoints"]) for row in results} == {66}
    assert {"image_id", "category_id", "score", "annotation_id"} <= set(results[0])


def test_testing_refuses_another_keypoint_count(finished, tiny, tmp_path):
    page = tiny()
    names = page["keypoints"]["names"][:20]
    page["keypoints"] = {**page["keypoints"], "names": names, "skeleton": [], "lower_body": []}
    page["keypoints"]["upper_body"] = page["keypoints"]["flip_pairs"] = []
    page["model"]["head"]["out_channels"] = 20
    with pytest.raises(CheckpointError, match="final_layer"):
        run_test(page, str(next(finished.glob("best_*.pth"))), tmp_path)


def test_load_from_starts_from_the_weights(finished, tiny, tmp_path):
    source = finished / "latest.pth"
    train(tiny(f"load_from={str(source)!r}", "runner.epochs=1", "optimizer.lr=1e-12"), tmp_path)
    ours, theirs = weights(tmp_path / "latest.pth"), weights(source)
    key = "backbone.stage4.2.branches.0.3.conv2.weight"
    torch.testing.assert_close(ours[key], theirs[key], rtol=0, atol=1e-9)


def test_old_checkpoints_go_and_the_best_stays(tiny, tmp_path):
    train(tiny("runner.epochs=4", "runner.keep_checkpoints=2"), tmp_path)
    assert [path.name for path in checkpoints.epoch_files(tmp_path)] == [
        "epoch_3.pth",
        "epoch_4.pth",
    ]
    assert len(list(tmp_path.glob("best_*.pth"))) == 1


def test_early_stop(tiny, tmp_path):
    progress = train(tiny("runner.epochs=9", "runner.early_stop=1", "optimizer.lr=1e-12"), tmp_path)
    assert progress.epoch < 9
    assert "early stop: no better PCK@0.3" in (tmp_path / "train.log").read_text()


@pytest.mark.parametrize(
    "change",
    [
        "runner.ema=0.9", "runner.precision='bf16'", "runner.clip_grad=0.1", "runner.accumulate=3",
        "runner.batch_norm_group=2", "runner.val_interval=0", "runner.channels_last=False",
        "data.train.fresh=False",
    ],
)  # fmt: skip
def test_variants_train(tiny, tmp_path, change):
    train(tiny("runner.epochs=1", change), tmp_path)
    losses = [row["loss"] for row in rows(tmp_path, "train")]
    assert losses
    assert all(0 < loss < 1 for loss in losses)
    assert bool(rows(tmp_path, "val")) == (change != "runner.val_interval=0")


def test_accumulated_batches_make_the_step_of_one_large_batch(tiny, tmp_path):
    """With BatchNorm frozen, 2 x 4 animals and 1 x 8 animals are the same step."""
    common = ["runner.epochs=1", "runner.batch_norm='frozen'", "runner.log_interval=1"]
    train(tiny(*common, "data.batch_size=8"), tmp_path / "one")
    train(tiny(*common, "data.batch_size=4", "runner.accumulate=2"), tmp_path / "two")
    one, two = ([row["loss"] for row in rows(tmp_path / name, "train")] for name in ("one", "two"))
    assert len(one) == len(two) == 2
    assert one == pytest.approx(two, rel=1e-5)


def test_the_rate_follows_the_real_batch_when_asked(tiny, tmp_path):
    train(
        tiny("runner.auto_scale_lr=True", "runner.base_batch_size=8", "runner.epochs=1"), tmp_path
    )
    assert "learning rate times 0.5" in (tmp_path / "train.log").read_text()
    # iteration 4 of a warm-up of 2 is at the full rate
    assert rows(tmp_path, "train")[-1]["lr"] == pytest.approx(0.5 * 5e-4)


def test_a_lost_loss_stops_the_run_with_advice(tiny, tmp_path, monkeypatch):
    with pytest.raises(RunError, match=r"ruined its weights.*optimizer\.lr"):
        train(tiny("optimizer.lr=1e30", "runner.epochs=3", "schedule.warmup_iters=0"), tmp_path)
    original = KeypointMSELoss.forward
    monkeypatch.setattr(KeypointMSELoss, "forward", lambda *args: original(*args) * torch.nan)
    with pytest.raises(RunError, match=r"10 steps in a row.*optimizer\.lr"):
        train(tiny("runner.epochs=3", "schedule.warmup_iters=0"), tmp_path / "nan")


def test_config_errors_come_before_the_run_directory(tiny, tmp_path):
    with pytest.raises(ConfigError):
        train(tiny("runner.save_best='AP'"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
