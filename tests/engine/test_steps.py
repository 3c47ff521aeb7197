"""Steps that are skipped, at the level of one layer."""

import pytest
import torch
from torch import nn

from hrpose.engine.optim import SGD, Adam, AdamW
from hrpose.engine.steps import clip_gradients, step_if_finite


@pytest.fixture
def nan_in_fresh_memory():
    """Memory that is not initialised holds NaN, not what was there by chance."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def weights_after(gradients, make, scaler, clip):
    """Weights of a layer that began as ones, after steps with gradients all of one value."""
    layer = nn.Linear(8, 4)
    for parameter in layer.parameters():
        nn.init.ones_(parameter)
    optimizer = make(layer.parameters(), lr=0.5)
    for value in gradients:
        scaler.scale(torch.ones(1))  # as of a loss
        for parameter in layer.parameters():
            parameter.grad = torch.full_like(parameter, value * scaler.get_scale())
        norm = clip_gradients(optimizer, scaler, clip)
        assert bool(step_if_finite(optimizer, scaler, norm)) == (value == 1)
    return layer.weight


@pytest.mark.parametrize("clip", [None, 1.0])
@pytest.mark.parametrize("bad", [torch.nan, 1e30], ids=["nan", "norm beyond all numbers"])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("make", [Adam, AdamW, SGD])
def test_a_skipped_first_step_leaves_nothing_behind(make, scaled, bad, clip, nan_in_fresh_memory):
    plain, after = (
        weights_after(gradients, make, torch.amp.GradScaler("cpu", enabled=scaled), clip)
        for gradients in ([1, 1], [bad, 1, 1])
    )
    assert not torch.equal(plain, torch.ones_like(plain))
    assert torch.equal(plain, after)
