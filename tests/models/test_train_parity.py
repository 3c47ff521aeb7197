"""Against MMPose: one training step and a run of 20 iterations (tests/golden/train)."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from recipe import filled_model, read_json_gz
from torch import Tensor

LEARNING_RATE = 5e-4


def norms(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, float]:
    """Euclidean norm of all tensors under each child of the backbone, and of those of the head."""
    squares: dict[str, float] = defaultdict(float)
    for key, tensor in tensors:
        depth = 2 if key.startswith("backbone.") else 1
        squares[".".join(key.split(".")[:depth])] += tensor.double().square().sum().item()
    return {key: value**0.5 for key, value in squares.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dtype", "loss_rtol", "gradient_rtol", "change_rtol", "second_rtol"),
    [
        # five times what float32 differs from float64 in the reference
        ("w32_horse10", torch.float32, 2e-6, 1.2e-2, 5e-4, 1e-3),
        ("w32_horse10_float64", torch.float64, 1e-12, 1e-11, 1e-11, 1e-11),
    ],
)
def test_one_step(golden: Path, name, dtype, loss_rtol, gradient_rtol, change_rtol, second_rtol):
    stored = read_json_gz(golden / "train" / "one_step.json.gz")[name]
    batch = np.load(golden / "train" / "one_step_batch.npz")
    random = np.random.RandomState(77).standard_normal((2, 3, 256, 256)).astype("float32")
    np.testing.assert_array_equal(random[:, 0, 0, :8], batch["horse10_img_first8"])
    images = torch.from_numpy(random).to(dtype)
    target = torch.from_numpy(batch["horse10_target"]).to(dtype)
    weight = torch.from_numpy(batch["horse10_target_weight"][..., 0]).to(dtype)
    model = filled_model("horse10", 32, training=True).to(dtype)
    parameters = dict(model.named_parameters())
    before = {key: parameter.detach().clone() for key, parameter in parameters.items()}
    optimizer = torch.optim.Adam(parameters.values(), lr=LEARNING_RATE)

    loss = model.loss(model(images), target, weight)
    loss.backward()
    assert loss.item() == pytest.approx(stored["log_vars"]["loss"], rel=loss_rtol)
    gradients = {key: parameter.grad for key, parameter in parameters.items()}
    assert norms(gradients.items()) == pytest.approx(stored["grad_norm"], rel=gradient_rtol)
    each = {key: gradient.norm().item() for key, gradient in gradients.items()}
    assert each == pytest.approx(stored.get("grad_norm_per_param", each), rel=gradient_rtol)
    for key, total in stored["bn_running_abs_sums_after_1_forward"].items():
        child, leaf = key.split(":")
        found = [b for k, b in model.named_buffers() if k.startswith(child) and k.endswith(leaf)]
        assert sum(b.abs().sum().item() for b in found) == pytest.approx(total, rel=1e-6), key

    optimizer.step()
    change = norms((key, p.detach() - before[key]) for key, p in parameters.items())
    assert change == pytest.approx(stored["param_delta_norm_after_1_adam_step"], rel=change_rtol)
    with torch.no_grad():
        second = model.loss(model(images), target, weight).item()
    assert second == pytest.approx(stored["second_forward_log_vars"]["loss"], rel=second_rtol)


@pytest.mark.slow
def test_twenty_iterations_in_float64(golden: Path):
    stored = json.loads((golden / "train" / "short_run.json").read_text())["f64"]
    inputs = np.load(golden / "train" / "short_run.npz")
    images, target, weight = (
        torch.from_numpy(inputs[key]).double() for key in ("img", "target", "target_weight")
    )
    model = filled_model("horse10", 32, input_size=(64, 64), training=True).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    losses = []
    for step in range(20):
        rows = [2 * step % 3, (2 * step + 1) % 3]
        loss = model.loss(model(images[rows]), target[rows], weight[rows, :, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    # float32 drifts apart by percents within the run; float64 differs by 1e-11 between kernels
    assert losses == pytest.approx(stored["loss"], rel=1e-7)
    with torch.no_grad():
        heatmaps = model.eval()(images)
    assert heatmaps.abs().sum().item() == pytest.approx(stored["final_eval_abs_sum"], rel=1e-7)
    kept = torch.from_numpy(inputs["final_heatmaps"])
    torch.testing.assert_close(heatmaps[..., ::4, ::4], kept, rtol=0, atol=1e-7)
