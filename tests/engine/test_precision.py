from types import SimpleNamespace

import pytest
import torch

from hrpose import config
from hrpose.engine.evaluate import Estimator
from hrpose.engine.experiment import prepare
from hrpose.engine.loading import loader
from hrpose.engine.placement import mean_in_bf16, resolve_precision
from hrpose.engine.train import train
from hrpose.errors import ConfigError
from hrpose.processes.device import arithmetic, set_backends


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "fp16")])
def test_amp_takes_fp16_where_bf16_is_only_emulated(monkeypatch, native, expected):
    """torch counts a V100 or T4 as having bf16, though it emulates it."""
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or native,
    )
    assert resolve_precision("amp", torch.device("cuda", 0)) == expected
    assert resolve_precision("amp", torch.device("cpu")) == "bf16"
    assert resolve_precision("fp32", torch.device("cuda", 0)) == "fp32"


def test_tf32_is_the_pages_to_choose_and_off_where_digits_must_repeat(tiny):
    """torch's default lets convolutions round; `--deterministic` promises bits."""
    assert tiny_settings(tiny).tf32 is True
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark
    device, said = torch.device("cpu"), []
    try:
        for deterministic, tf32 in ((False, True), (False, False), (True, True)):
            set_backends(deterministic, device, tf32)
            said.append(arithmetic("fp32", torch.device("cuda", 0)))
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = before
    assert said == ["fp32 (convolutions in TF32)", "fp32", "fp32"]
    assert arithmetic("fp32", device) == "fp32" and arithmetic("bf16", device) == "bf16"


def test_weights_are_converted_once_and_the_answers_stay_what_they_were(tiny):
    """On the CPU; autocast alone converts them in every batch."""
    model, device = prepare(tiny()).model, torch.device("cpu")
    images = torch.randint(0, 255, (3, 3, 64, 64), dtype=torch.uint8)
    estimator, fp32 = Estimator(model, device, "bf16"), Estimator(model, device, "fp32")
    with torch.autocast("cpu", torch.bfloat16):
        want = fp32.model.predict_heatmaps(images)
        assert torch.equal(estimator.model.predict_heatmaps(images), want)
    types = {parameter.dtype for parameter in estimator.model.parameters()}
    assert types == {torch.bfloat16}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert estimator.model.mean.dtype == torch.float32, "crops are normalised in fp32"


def tiny_settings(tiny, *changes):
    return prepare(tiny(*changes)).settings


def test_a_run_in_bf16_says_that_its_validations_are(tiny, tmp_path):
    train(tiny("runner.precision='amp'", "runner.epochs=1", "data.train.length=4"), tmp_path)
    said = (tmp_path / "train.log").read_text()
    assert "validated in bf16, as it is trained" in said and "runner.precision='fp32'" in said
    page = config.load(tmp_path / "config.py")
    assert prepare(page).settings.precision == "amp", "the page of the run tests as it validated"


def test_pinned_memory_is_for_gpus(tiny):
    experiment = prepare(tiny())
    dataset = experiment.dataset("train")
    pinned = [
        loader(experiment, dataset, train=True, device=torch.device(name)).pin_memory
        for name in ("cuda", "cpu")
    ]
    assert pinned == [True, False]


def test_how_gradients_are_exchanged_is_checked(tiny):
    settings = tiny_settings(tiny)
    told = (settings.agree_steps, settings.gradient_bucket_mb, settings.gradient_bf16)
    assert told == (None, 25, False)
    for name in ("agree_steps", "gradient_bucket_mb"):
        with pytest.raises(ConfigError, match=f"{name} is 0: expected 1 or more"):
            tiny_settings(tiny, f"runner.{name}=0")


def test_gradients_are_exchanged_in_bf16(tmp_path):
    """One process, so that the mean is what went in, rounded to 8 bits of mantissa."""
    gradients = torch.linspace(-1, 1, 1001)
    rounded = gradients.bfloat16().float()
    bucket = SimpleNamespace(buffer=lambda: gradients)
    meet = f"file://{tmp_path / 'meet'}"
    torch.distributed.init_process_group("gloo", init_method=meet, rank=0, world_size=1)
    try:
        answer = mean_in_bf16(None, bucket).wait()
    finally:
        torch.distributed.destroy_process_group()
    assert answer is gradients or answer.data_ptr() == gradients.data_ptr()
    assert torch.equal(gradients, rounded)
