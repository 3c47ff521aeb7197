import pytest
import torch

from hrpose.engine.experiment import prepare
from hrpose.errors import ConfigError


def problems(page):
    with pytest.raises(ConfigError) as caught:
        prepare(page)
    return caught.value.problems


def test_a_sound_page_becomes_objects(tiny):
    experiment = prepare(tiny())
    assert experiment.model.codec.input_size == (64, 64)
    assert experiment.settings.epochs == 2
    assert experiment.higher_is_better()
    assert len(experiment.dataset("val")) == 6
    optimizer = experiment.optimizer([torch.nn.Parameter(torch.zeros(2))])
    assert optimizer.param_groups[0]["lr"] == 5e-4


def test_all_mistakes_of_a_page_are_said_at_once(tiny):
    found = problems(
        tiny(
            "runner.epoch=3", "optimizer.lr='fast'", "model.backbone.type='HRNett'",
            "metrics.0.thr=-1", "data.workers=-2", "schedule.step=(1, 2)", "data.train.lenght=5",
        )
    )  # fmt: skip
    text = "\n".join(found)
    assert "runner (RunSettings): unexpected key 'epoch'; did you mean 'epochs'?" in text
    assert "optimizer.lr: got 'fast', expected a float" in text
    assert "model.backbone: no 'HRNett' is registered; did you mean 'HRNet'?" in text
    assert "metrics.0 (PCK)" in text
    assert "data (DataSettings): workers is -2" in text
    assert "schedule (WarmupStep): unexpected key 'step'; did you mean 'steps'?" in text
    assert "data.train (SyntheticAnimals): unexpected key 'lenght'; did you mean 'length'?" in text


def test_all_wrong_values_of_runner_and_data_are_said_at_once(tiny):
    runner, data = problems(
        tiny(
            "runner.epochs=0", "runner.keep_checkpoints=0", "runner.val_interval=-1",
            "runner.seed=-1", "runner.ema=2", "runner.auto_scale_lr=True",
            "runner.base_batch_size=None", "data.batch_size=0", "data.workers=-2",
        )
    )  # fmt: skip
    assert runner == (
        "runner (RunSettings): epochs is 0: expected 1 or more; keep_checkpoints is 0: expected 1 "
        "or more, or None; val_interval is -1: expected 0 or more; seed is -1: expected 0 or more, "
        "and less than 2^63; ema is 2: expected a decay between 0 and 1, or None; auto_scale_lr "
        "needs base_batch_size, the batch that lr was chosen for"
    )
    assert data == (
        "data (DataSettings): batch_size is 0: expected 1 or more; workers is -2: expected 0 or "
        "more"
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("model.head.out_channels=17", "head.out_channels 17: must be 22"),
        ("codec.heatmap_size=(32, 32)", "codec.heatmap_size (32, 32)"),
        ("codec.input_size=(60, 64)", "multiples of 32"),
        ("train_pipeline.1.input_size=(96, 96)", "train_pipeline.1.input_size: (96, 96) differs"),
        ("test_pipeline.2.size=(32, 32)", "test_pipeline.2.size: (32, 32) differs"),
        ("test_pipeline.2.udp=True", "test_pipeline.2.udp: True, but MSRAHeatmap needs"),
        ("model.codec={'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16)}",
         "model.codec: differs from the page's codec"),
        ("runner.save_best='PCK@0.2'", "no metric of this page gives 'PCK@0.2'; there are PCK@0.3"),
        ("metrics.0.norm=('Sholder', 'Hip')", "Sholder"),
        ("metrics.1={'type': 'PCK', 'thr': 0.3}", "'PCK@0.3' is the name of another metric"),
        ("runner.early_stop=2 runner.save_best=None", "early_stop needs save_best"),
        ("runner.auto_scale_lr=True runner.base_batch_size=None", "auto_scale_lr needs"),
        ("custom_imports=['no_such_module_here']", "cannot import 'no_such_module_here'"),
        ("custom_imports=['']", "custom_imports: cannot import ''"),
        ("schedule={'_delete_': True, 'type': 'EPE'}", "schedule: EPE cannot stand here; expected"),
        ("train_pipeline.0={'_delete_': True, 'type': 'AUC'}", "train_pipeline.0: AUC cannot"),
    ],
)  # fmt: skip
def test_values_that_disagree(tiny, change, sentence):
    changes = change.split(" runner") if change.startswith("runner.") else [change]
    changes = [changes[0], *("runner" + rest for rest in changes[1:])]
    assert sentence in "\n".join(problems(tiny(*changes)))


def test_keypoints_of_another_kind(tiny):
    changes = "keypoints={'_delete_': True, 'type': 'EPE'}", "model.head.out_channels=22"
    assert "keypoints: EPE cannot stand here" in "\n".join(problems(tiny(*changes)))


@pytest.mark.parametrize(
    "part", ["model", "codec", "optimizer", "metrics", "schedule", "keypoints"]
)
def test_a_missing_part_is_named(tiny, part):
    page = tiny()
    del page[part]
    if part == "codec":  # the model holds its own copy; the page may leave its own out
        prepare(page)
        return
    assert any(line.startswith(f"{part}: the page does not say it") for line in problems(page))


def test_a_missing_split_is_named(tiny):
    page = tiny()
    del page["data"]["val"]
    assert "data.val: the page does not say it" in problems(page)


def test_a_transform_in_the_wrong_place_is_named(tiny):
    page = tiny()
    page["train_pipeline"] = page["train_pipeline"][2:]
    assert any("train_pipeline 0 (RandomFlip): needs" in line for line in problems(page))


def test_the_seed_decides_the_first_weights(tiny):
    first, again, other = (
        prepare(tiny(f"runner.seed={seed}")).model.state_dict()["backbone.conv1.weight"]
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
