"""The loss, by hand."""

import pytest
import torch

from hrpose.models import KeypointMSELoss


def test_by_hand():
    heatmaps = torch.zeros(2, 2, 1, 2)
    heatmaps[0, 0] = torch.tensor([[1.0, 3.0]])
    heatmaps[1, 1] = torch.tensor([[0.0, 2.0]])
    target = torch.zeros(2, 2, 1, 2)
    target[0, 0] = torch.tensor([[0.0, 1.0]])
    weight = torch.tensor([[1.0, 1.0], [1.0, 0.5]])
    # keypoint 0: (1 + 4 + 0 + 0) / 4; keypoint 1: 0.5 * (0 + 4) / 4
    expected = (5 / 4 + 2 / 4) / 2
    assert KeypointMSELoss()(heatmaps, target, weight).item() == pytest.approx(expected)


def test_perfect_and_all_hidden_give_zero():
    target = torch.rand(2, 3, 4, 4)
    loss = KeypointMSELoss()
    assert loss(target, target, torch.ones(2, 3)).item() == 0
    hidden = torch.ones(2, 3, 4, 4, requires_grad=True)
    value = loss(hidden, target, torch.zeros(2, 3))
    value.backward()
    assert value.item() == 0 and not hidden.grad.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_coarse_heatmaps_are_compared_in_float32(dtype):
    heatmaps = torch.full((1, 1, 64, 64), 300.0, dtype=dtype)  # 300**2 is beyond float16
    value = KeypointMSELoss()(heatmaps, torch.zeros(1, 1, 64, 64), torch.ones(1, 1))
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(90_000)
