"""The heatmap head: names, shapes, a product by hand, refusals."""

import pytest
import torch

from hrpose.models import HeatmapHead


def test_without_deconvolutions_it_is_one_convolution():
    head = HeatmapHead(2, 1)
    assert list(head.state_dict()) == ["final_layer.weight", "final_layer.bias"]
    with torch.no_grad():
        head.final_layer.weight[0, :, 0, 0] = torch.tensor([2.0, -1.0])
        head.final_layer.bias[0] = 0.5
    features = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1).expand(1, 2, 3, 5)
    assert torch.equal(head(features), torch.full((1, 1, 3, 5), 2.5))  # 2 * 3 - 4 + 0.5


@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_each_deconvolution_doubles_the_grid(kernel):
    head = HeatmapHead(3, 5, deconv_channels=[6, 4], deconv_kernels=[kernel] * 2, final_kernel=3)
    assert head(torch.randn(2, 3, 4, 3)).shape == (2, 5, 16, 12)
    assert head.upscale == 4


def test_children_are_named_as_published():
    state = HeatmapHead(8, 17, deconv_channels=(6, 4)).state_dict()
    shapes = {key: tuple(value.shape) for key, value in state.items() if value.ndim > 1}
    assert shapes == {
        "deconv_layers.0.weight": (8, 6, 4, 4),
        "deconv_layers.3.weight": (6, 4, 4, 4),
        "final_layer.weight": (17, 4, 1, 1),
    }
    assert {"deconv_layers.1.running_mean", "deconv_layers.4.bias"} < set(state)


def test_initial_weights():
    torch.manual_seed(0)
    head = HeatmapHead(64, 22, deconv_channels=[64])
    assert head.deconv_layers[0].weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert head.final_layer.weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert not head.final_layer.bias.any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"deconv_channels": [8], "deconv_kernels": [4, 4]}, r"\[4, 4\]: 2 values for 1 .* \[8\]"),
        ({"deconv_channels": [8], "deconv_kernels": [5]}, r"\[5\]: each must be 2, 3 or 4"),
        ({"final_kernel": 2}, "final_kernel 2: must be 1 or 3"),
        ({"deconv_channels": [0]}, r"\(4, 0, 2\): each must be at least 1"),
    ],
)
def test_refusals(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        HeatmapHead(4, 2, **arguments)
