"""The backbone: shapes, initial weights, the exchange between branches."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from hrpose.models import HRNet
from hrpose.models.hrnet import Fusion, Transition


def randomised(module: nn.Module) -> nn.Module:
    """`module` in eval mode with weights and statistics that leave nothing at 0 or 1."""
    generator = torch.Generator().manual_seed(0)
    for key, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.2)
            if key.endswith("running_var"):
                tensor.abs_().add_(0.5)
    return module.eval()


@pytest.mark.parametrize(("h", "w"), [(32, 32), (64, 96), (96, 32)])
def test_features_have_a_quarter_of_the_grid(h, w):
    features = HRNet(width=4).eval()(torch.zeros(2, 3, h, w))
    assert features.shape == (2, 4, h // 4, w // 4)


def test_width_must_be_positive():
    with pytest.raises(ValueError, match=r"width 0: must be at least 1"):
        HRNet(width=0)


def test_initial_weights():
    torch.manual_seed(0)
    model = HRNet(width=16)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            assert module.bias is None
            assert module.weight.std().item() == pytest.approx(0.001, rel=0.15)
            assert abs(module.weight.mean().item()) < 2e-4
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all() and (module.bias == 0).all()


def test_fusion_is_the_sum_of_enlarged_branches():
    channels = (2, 4, 8, 16)
    xs = [torch.randn(1, c, 16 // 2**j, 16 // 2**j) for j, c in enumerate(channels)]
    for goal in range(4):
        fusion = randomised(Fusion(channels, goal))
        total = torch.zeros(1, channels[goal], 16 // 2**goal, 16 // 2**goal)
        for layer, x in zip(fusion, xs, strict=True):
            total += functional.interpolate(layer(x), size=total.shape[2:], mode="nearest")
        torch.testing.assert_close(fusion(xs), total.relu(), atol=1e-5, rtol=1e-5)
        assert total.min() < 0  # so that the ReLU had something to do


def test_transition_opens_one_branch_from_the_coarsest():
    transition = randomised(Transition([2, 4], [2, 4, 8]))
    xs = [torch.randn(1, 2, 8, 8), torch.randn(1, 4, 4, 4)]
    fine, coarse, opened = transition(xs)
    assert fine is xs[0] and coarse is xs[1]
    assert opened.shape == (1, 8, 2, 2)


def test_operations_in_place_leave_the_input_alone_and_keep_channels_last():
    model = randomised(HRNet(width=4))
    images = torch.randn(2, 3, 64, 32)
    before = images.clone()
    with torch.no_grad():
        features = model(images)
        model.to(memory_format=torch.channels_last)
        same = model(images.to(memory_format=torch.channels_last))
    assert torch.equal(images, before)
    assert same.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(same, features, rtol=1e-4, atol=1e-4 * features.std().item())


def test_every_parameter_learns():
    model = HRNet(width=4)
    model(torch.randn(2, 3, 64, 64)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
