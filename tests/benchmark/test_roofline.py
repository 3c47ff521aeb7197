import pytest
import torch
from torch import nn

from hrpose.benchmark.roofline import traffic


class Block(nn.Module):
    """4x4 images: convolution 3 to 8 channels, BatchNorm, ReLU, and the sum with itself."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, images):
        made = torch.relu(self.norm(self.conv(images)))
        return made + made


IMAGE, MAP = 3 * 16 * 4, 8 * 16 * 4
"""Bytes of an image and of what the convolution makes of it, float32."""


def counted(training):
    with torch.device("meta"):
        model = Block()
    return traffic(model, (4, 4), torch.float32, training)


def test_inference_by_hand():
    fused, op_by_op = counted(training=False)
    # convolution reads the image and writes the map; the sum reads one term
    assert fused.image == IMAGE + MAP + MAP
    # BatchNorm and ReLU read and write a map; the sum reads two and writes one
    assert op_by_op.image == IMAGE + MAP + 2 * MAP + 2 * MAP + 3 * MAP
    assert fused.batch == 3 * 8 * 4  # the convolution's weights; the sum has none


def test_training_by_hand():
    fused, op_by_op = counted(training=True)
    # forward: the convolution, BatchNorm (reads and writes a map), one term of the sum; backward:
    # one term of the two gradients' sum, BatchNorm (reads two maps twice, writes one), and the
    # convolution's weights (the gradient and the image; the image wants no gradient)
    assert fused.image == (IMAGE + MAP) + 2 * MAP + MAP + MAP + 5 * MAP + (MAP + IMAGE)
    # besides: BatchNorm's second read, ReLU (2) and its backward pass (3), the sums' other maps
    assert op_by_op.image == fused.image + MAP + 2 * MAP + 3 * MAP + 2 * MAP + 2 * MAP
    adam = 28 * (3 * 8 + 8 + 8)
    assert adam < fused.batch < 2 * adam


def test_half_the_bytes_in_bf16_and_the_model_stays_as_it_was():
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).train()
    full, _ = traffic(model, (8, 8), torch.float32, training=False)
    half, _ = traffic(model, (8, 8), torch.bfloat16, training=False)
    assert half.image == full.image / 2
    assert model.training and next(model.parameters()).dtype == torch.float32
    assert full.per_image(4) == pytest.approx(full.image + full.batch / 4)
