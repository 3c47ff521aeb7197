"""A training step and a prediction on tensors that only say that they are on a GPU.

Nothing is computed; an operation on tensors of two devices, or a look at a value that would wait
for the device, is an error. The backward pass needs a driver: tests/gpu/test_gpu_only.py.
"""

import copy
import warnings
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily

from hrpose.codecs import MSRAHeatmap, UDPHeatmap
from hrpose.engine.experiment import prepare
from hrpose.engine.guards.skipped import SkippedSteps
from hrpose.engine.memory import MicroBatch
from hrpose.engine.placement import autocast, grad_scaler
from hrpose.engine.steps import BatchStatistics, clip_gradients
from hrpose.models.ema import EMA
from hrpose.models.folding import fold_batch_norm
from hrpose.rundir.state import Progress

GPU = torch.device("cuda", 0)


def on_gpu(model):
    """`model` with parameters and buffers that are nothing but their shape and a device."""
    for module in model.modules():
        for name, value in module._parameters.items():
            if value is not None:
                fake = torch.empty(value.shape, dtype=value.dtype, device=GPU)
                fake = torch.nn.Parameter(fake, requires_grad=value.requires_grad)
                module._parameters[name] = fake
        for name, value in module._buffers.items():
            if value is not None:
                module._buffers[name] = torch.empty(value.shape, dtype=value.dtype, device=GPU)
    return model


@pytest.fixture(scope="module")
def experiment(tiny):
    return prepare(tiny())


@pytest.fixture
def fake():
    with warnings.catch_warnings(), FakeTensorMode() as mode:
        warnings.filterwarnings("ignore", "CUDA is not available")  # autocast, without a driver
        yield mode


def on_one_device(*tensors):
    assert {tensor.device for tensor in tensors} == {GPU}


def parts(keypoints):
    """A batch as the loader gives it: on the CPU."""
    images = torch.zeros((4, 3, 64, 64), dtype=torch.uint8)
    points = torch.zeros((4, keypoints, 2)), torch.ones((4, keypoints))
    return MicroBatch(images, *points, 1.0, nullcontext())


def test_fake_tensors_can_show_a_mistake(fake):
    with pytest.raises(RuntimeError, match="device"):
        torch.zeros(3, 4, device=GPU) + torch.zeros(3, 4)


def test_forward_encode_and_loss(experiment, fake):
    with unset_fake_temporarily():
        model = copy.deepcopy(experiment.model)
    model = on_gpu(model).train()
    images, keypoints, visible = parts(len(experiment.meta)).to(GPU)
    on_one_device(images, keypoints, visible)
    with autocast("bf16", GPU):
        heatmaps = model(images)
    target, weight = model.codec.encode(keypoints, visible)
    loss = model.loss(heatmaps.float(), target, weight)
    on_one_device(heatmaps, target, weight, loss)
    assert loss.shape == () and loss.requires_grad


@pytest.mark.parametrize(
    "codec",
    [
        MSRAHeatmap((64, 64), (16, 16), 1),
        MSRAHeatmap((64, 64), (16, 16), 1, decoding="dark"),
        UDPHeatmap((64, 64), (16, 16), 1),
    ],
    ids=["quarter cell", "DARK", "UDP"],
)
def test_codecs(fake, codec):
    points, visible = torch.zeros((4, 3, 2), device=GPU), torch.ones((4, 3), device=GPU)
    target, weight = codec.encode(points, visible)
    keypoints, scores = codec.decode(target)
    on_one_device(target, weight, keypoints, scores)
    assert (keypoints.shape, scores.shape) == ((4, 3, 2), (4, 3))


def test_guards_and_average(experiment, fake):
    """The norm of the gradients, what is put back, the moving average: nothing waits."""
    with unset_fake_temporarily():
        model = copy.deepcopy(experiment.model)
        average = EMA(model, 0.9)
    model, average.model = on_gpu(model), on_gpu(average.model)
    optimizer = experiment.optimizer(model.parameters())
    assert all(group["fused"] for group in optimizer.param_groups)
    for parameter in model.parameters():
        parameter.grad = torch.empty_like(parameter)
    statistics = BatchStatistics(model)
    statistics.remember()
    norm = clip_gradients(optimizer, grad_scaler("fp32", GPU), 1.0)
    finite = norm.isfinite()
    statistics.put_back_where(~finite)
    average.update(model)
    on_one_device(norm, finite, *average.model.parameters(), *average.model.buffers())


def test_outcomes_of_steps_are_looked_at_no_sooner_than_they_must(fake):
    """`SkippedSteps.note` leaves what is on a GPU there; `examine` waits for it."""
    state = SimpleNamespace(progress=Progress(), scaler=grad_scaler("fp32", GPU))
    skipped = SkippedSteps(state, 10, str, print, str)
    with unset_fake_temporarily():
        batch = {"index": torch.arange(2)}
    for number in range(9):
        finite = torch.ones((), device=GPU).isfinite()
        with unset_fake_temporarily():
            skipped.note(number, finite, [batch])
    with pytest.raises(Exception, match="_local_scalar_dense"):
        skipped.examine()


def test_flip_test_and_decode(experiment, fake):
    with unset_fake_temporarily():
        folded = fold_batch_norm(experiment.model)
    images = torch.zeros((4, 3, 64, 64), dtype=torch.uint8, device=GPU)
    keypoints, scores = on_gpu(folded).predict(images)
    on_one_device(keypoints, scores)
    assert keypoints.shape == (4, len(experiment.meta), 2)
