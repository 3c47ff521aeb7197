import torch
from proofs.benchmark.roofline import Demand, demand
from torch import nn


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
WEIGHTS = 3 * 8 * 4


def counted(training):
    with torch.device("meta"):
        return demand(Block(), (4, 4), training)


def test_inference_by_hand():
    found = counted(training=False)
    # convolution reads the image and writes the map; the sum reads one term
    assert found.image[0] == IMAGE + MAP + MAP
    # BatchNorm and ReLU read and write a map; the sum reads two and writes one
    assert found.image[1] == IMAGE + MAP + 2 * MAP + 2 * MAP + 3 * MAP
    assert found.batch[0] == WEIGHTS and found.optimizer == 0
    assert found.flop == 2 * 3 * 8 * 16


def test_training_by_hand():
    found = counted(training=True)
    # forward: the convolution, BatchNorm (reads and writes a map), one term of the sum; backward:
    # one term of the two gradients' sum, BatchNorm (reads two maps twice, writes one), and the
    # convolution's weights (the gradient and the image; the image wants no gradient)
    fused = (IMAGE + MAP) + 2 * MAP + MAP + MAP + 5 * MAP + (MAP + IMAGE)
    # besides: BatchNorm's second read, ReLU (2) and its backward pass (3), the sums' other maps
    assert found.image == (fused, fused + MAP + 2 * MAP + 3 * MAP + 2 * MAP + 2 * MAP)
    assert found.optimizer == 28 * (3 * 8 + 8 + 8)
    assert found.flop == 2 * 3 * 8 * 16  # of the forward pass


def test_bytes_of_an_image_in_a_batch():
    found = Demand(flop=1, image=(1000, 2000), batch=(80, 160), optimizer=40)
    assert found.bytes_per_image(torch.float32, 8) == (1000 + 15, 2000 + 25)
    assert found.bytes_per_image(torch.bfloat16, 8) == (500 + 10, 1000 + 15)


def test_the_model_stays_in_its_mode():
    with torch.device("meta"):
        model = Block().eval()
    demand(model, (4, 4), training=True)
    assert not model.training and all(weight.grad is None for weight in model.parameters())
