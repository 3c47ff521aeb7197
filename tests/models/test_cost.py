"""Costs worked by hand on layers small enough, and the published figures of W32 and W48."""

from pathlib import Path

import pytest
import torch
from parity.recipe import model
from torch import nn

from hrpose import config
from hrpose.engine.experiment import prepare
from hrpose.models import HeatmapHead
from hrpose.models.cost import Cost, PartCost, cost, table

TINY = Path(__file__).parent.parent / "pages" / "tiny.py"


def on_meta(*layers) -> nn.Module:
    return nn.Sequential(*layers).to("meta")


def test_one_convolution_by_hand():
    # 8 maps of 6 x 4, each value from 3 x 3 x 3 weights; weights 8 * 27 and 8 biases
    counted = cost(on_meta(nn.Conv2d(3, 8, 3, padding=1)), (6, 4))
    assert counted.macs == 8 * 24 * 27
    assert counted.parameters == 8 * 27 + 8
    image, maps = 4 * 3 * 24, 4 * 8 * 24  # bytes of float32
    assert counted.kept == (image, image)
    assert counted.peak == (image + maps, image + maps)


def test_stride_groups_deconvolution_and_linear():
    assert cost(on_meta(nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3)), (8, 4)).macs == (
        6 * 8 * 9  # 4 x 2 cells, one input channel each
    )
    # each of the 3 x 8 x 4 inputs spreads over 4 x 4 cells of 5 maps
    assert cost(on_meta(nn.ConvTranspose2d(3, 5, 4, 2, 1)), (8, 4)).macs == 3 * 32 * 16 * 5
    assert cost(on_meta(nn.Flatten(), nn.Linear(96, 7)), (8, 4)).macs == 96 * 7


def test_memory_of_three_layers_by_hand():
    layers = on_meta(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
    counted = cost(layers, (6, 4))
    image, maps = 4 * 3 * 24, 4 * 8 * 24
    # kept: the image, the convolution's maps, mean and deviation of 8 channels, the ReLU's maps
    assert counted.kept == (image + 2 * maps + 2 * 32, image + 2 * maps)
    # at once: image, convolution's and batch norm's maps, its statistics; ReLU works in place
    assert counted.peak == (image + 2 * maps + 2 * 32, image + 2 * maps)
    assert layers.training


def test_a_tensor_that_is_dropped_does_not_count():
    # 1 x 1 convolutions of 2 channels: the third's result comes when the first's is gone, so that
    # the image (held by the caller), one input and one output are there at a time
    layers = on_meta(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1))
    assert cost(layers, (4, 4)).peak[0] == 4 * 16 * (3 + 2 + 2)


@pytest.mark.parametrize(
    ("width", "parameters", "macs"), [(32, "28.54", "10.19"), (48, "63.60", "20.92")]
)
def test_published_figures(width, parameters, macs):
    with torch.device("meta"):
        counted = cost(model("horse10", width), (256, 256))
    assert f"{counted.parameters / 1e6:.2f}" == parameters
    assert f"{counted.macs / 1e9:.2f}" == macs


def test_parts_of_hrnet():
    with torch.device("meta"):
        counted = cost(model("atrw", 32), (192, 256))
    parts = {part.name: part for part in counted.parts}
    assert list(parts) == [
        "backbone.conv1 ... bn2",
        *(f"backbone.{name}" for name in ("layer1", "transition1", "stage2", "transition2")),
        *(f"backbone.{name}" for name in ("stage3", "transition3", "stage4")),
        "keypoint_head.final_layer",
        "backbone, itself",
    ]
    assert parts["backbone.conv1 ... bn2"].parameters == 64 * 27 + 64 * 576 + 4 * 64
    assert parts["backbone.conv1 ... bn2"].macs == 64 * 96 * 128 * 27 + 64 * 48 * 64 * 576
    assert parts["keypoint_head.final_layer"].macs == 48 * 64 * 32 * 15
    assert sum(part.kept for part in counted.parts) == counted.kept[0]
    # doubling the images doubles all but the statistics of batch norm
    for first, further in (counted.kept, counted.peak):
        assert 0 < first - further < 2e-3 * first


def test_any_registered_model():
    with torch.device("meta"):
        head = HeatmapHead(3, 5, deconv_channels=[4])
    counted = cost(nn.Sequential(head), (8, 8))
    assert counted.macs == 3 * 64 * 16 * 4 + 256 * 4 * 5
    experiment = prepare(config.load(TINY))
    assert cost(experiment.outline(), experiment.codec.input_size).macs > 0


def test_weights_that_exist_are_refused():
    with pytest.raises(ValueError, match="the model is on cpu; build it under"):
        cost(nn.Conv2d(3, 1, 1), (4, 4))


def test_table_to_read():
    parts = (PartCost("net.body", 1_500_000, 3_000_000_000, 2**20), PartCost("head", 0, 10**9, 0))
    text = table(Cost(parts, (2**20, 2**19), (2**21, 2**21)))
    assert text.splitlines()[1].split() == ["net.body", "1,500,000", "3.000", "75.0%", "1.0"]
    assert text.splitlines()[3].split() == ["total", "1,500,000", "4.000", "100.0%", "1.0"]
    assert "1.50 M" in text and "4.00 GMAC" in text
    assert "1.0 MiB, each further image 0.5 MiB" in text
