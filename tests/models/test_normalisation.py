"""Batch norm on groups is batch norm of each group by itself."""

import copy

import pytest
import tiny
import torch
from torch import nn

from hrpose.models.normalisation import group_batch_norm


def grouped(layer: nn.Module, size: int) -> nn.Module:
    group_batch_norm(layer, size)
    return layer


def test_two_groups_by_hand():
    layer = grouped(nn.Sequential(nn.BatchNorm2d(1, eps=1e-12, momentum=0.5)), 2)
    output = layer(torch.tensor([1.0, 3.0, 10.0, 30.0]).view(4, 1, 1, 1))
    torch.testing.assert_close(output.flatten(), torch.tensor([-1.0, 1, -1, 1]))
    state = layer.state_dict()
    assert state["0.running_mean"].tolist() == [0.5 * (2 + 20) / 2]
    # unbiased variances 2 and 200, their mean 101, and half way from 1
    assert state["0.running_var"].tolist() == [51]
    assert state["0.num_batches_tracked"] == 1


def test_what_is_left_over_is_a_group_and_counts_by_its_animals():
    layer = grouped(nn.Sequential(nn.BatchNorm2d(1, eps=1e-12, momentum=1.0)), 2)
    images = torch.tensor([[1.0, 3.0], [1.0, 3.0], [8.0, 12.0]]).view(3, 1, 1, 2)
    torch.testing.assert_close(layer(images).flatten(), torch.tensor([-1.0, 1, -1, 1, -1, 1]))
    # (2 * 2 + 1 * 10) / 3; unbiased variances 4 / 3 of four cells and 8 of two
    torch.testing.assert_close(layer[0].running_mean, torch.tensor([14 / 3]))
    torch.testing.assert_close(layer[0].running_var, torch.tensor([(2 * 4 / 3 + 8) / 3]))


def test_whole_model_equals_its_groups_apart():
    """Batch 8 in groups of 4 against two passes of 4: outputs, gradients, running statistics."""
    together = tiny.model().double().train()
    apart = copy.deepcopy(together)
    keys = set(together.state_dict())
    group_batch_norm(together, 4)
    assert set(together.state_dict()) == keys
    images = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)
    target = torch.rand(8, 3, 8, 8, dtype=torch.float64)
    weight = torch.ones(8, 3)
    heatmaps = together(images)
    together.loss(heatmaps, target, weight).backward()
    started = copy.deepcopy(apart.state_dict())
    after = []
    for rows in (slice(0, 4), slice(4, 8)):
        apart.load_state_dict(started)
        alone = apart(images[rows])
        torch.testing.assert_close(heatmaps[rows], alone, rtol=0, atol=1e-12)
        (apart.loss(alone, target[rows], weight[rows]) / 2).backward()
        after.append(copy.deepcopy(apart.state_dict()))
    for (name, ours), theirs in zip(together.named_parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-7, atol=1e-10, msg=name)
    state = together.state_dict()
    for key in keys - {name for name, _ in together.named_parameters()}:
        mean = (after[0][key] + after[1][key]) / 2
        torch.testing.assert_close(state[key], mean, check_dtype=False, msg=key)
    group_batch_norm(together, 4)  # a second time changes nothing
    apart.load_state_dict(state)
    assert torch.equal(together.eval()(images), apart.eval()(images))


def test_a_batch_of_one_group_trains_as_before():
    plain = nn.Sequential(nn.BatchNorm2d(2))
    layer = grouped(copy.deepcopy(plain), 8)
    images = torch.rand(8, 2, 3, 3)
    assert torch.equal(layer(images), plain(images))
    assert tiny.same(layer.state_dict(), plain.state_dict())


def test_gradients_are_those_of_small_differences():
    layer = grouped(nn.Sequential(nn.BatchNorm2d(2)), 3).double()
    torch.manual_seed(0)
    images = torch.rand(6, 2, 2, 1, dtype=torch.float64, requires_grad=True)
    parameters = (torch.rand(2, dtype=torch.float64) for _ in range(2))
    weight, bias = (parameter.requires_grad_() for parameter in parameters)

    def run(images, weight, bias):
        return torch.func.functional_call(layer, {"0.weight": weight, "0.bias": bias}, (images,))

    assert torch.autograd.gradcheck(run, (images, weight, bias))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_bfloat16_and_layout_stay(layout):
    layer = grouped(nn.Sequential(nn.BatchNorm2d(4)), 2)
    images = torch.randn(4, 4, 5, 6).to(memory_format=layout)
    exact = layer(images)
    coarse = layer(images.bfloat16())
    assert coarse.dtype == torch.bfloat16 and layer[0].running_mean.dtype == torch.float32
    assert exact.is_contiguous(memory_format=layout) and coarse.is_contiguous(memory_format=layout)
    torch.testing.assert_close(coarse.float(), exact, rtol=0.01, atol=0.02)


@pytest.mark.parametrize(
    ("layer", "size", "sentence"),
    [
        (nn.BatchNorm2d(2), 0, "groups of 0 animals"),
        (nn.BatchNorm2d(2, affine=False), 4, r"0: batch norm in groups needs weights"),
        (nn.BatchNorm2d(2, momentum=None), 4, "needs weights, statistics, momentum"),
    ],
)
def test_what_cannot_be_grouped_is_refused(layer, size, sentence):
    with pytest.raises(ValueError, match=sentence):
        group_batch_norm(nn.Sequential(layer), size)
