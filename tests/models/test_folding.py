"""Folded batch norm gives the answers of the model that it came from."""

import copy

import pytest
import tiny
import torch
from test_topdown import CODEC, META, topdown
from torch import Tensor, nn

from hrpose.codecs import MSRAHeatmap
from hrpose.models import Backbone, HeatmapHead, HRNet, TopDown
from hrpose.models.folding import fold_batch_norm
from hrpose.models.normalisation import group_batch_norm


class Small(Backbone):
    """Convolution and batch norm by hand, on a quarter of the grid."""

    out_channels = 3
    stride = 4

    def __init__(self, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, stride=4, bias=bias)
        self.norm = nn.BatchNorm2d(3, eps=0)
        self.norm.running_mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
        self.norm.running_var.copy_(torch.tensor([4.0, 16.0, 1.0]))
        self.norm.weight.data.copy_(torch.tensor([1.0, 2.0, 3.0]))
        self.norm.bias.data.copy_(torch.tensor([0.0, 0.0, 5.0]))

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.conv(images))


class ReadTwice(Small):
    """The convolution's own output goes further too."""

    def forward(self, images: Tensor) -> Tensor:
        y = self.conv(images)
        return self.norm(y) + y


class RunTwice(Small):
    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.conv(images)) + self.norm(self.conv(images + 1))


class ReadsTheWeight(Small):
    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.conv(images)) + self.conv.weight.sum()


class Untraceable(Small):
    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.conv(images if images.sum() > 0 else -images))


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())


def trained(model: TopDown) -> TopDown:
    """`model` with weights and statistics under which no layer is trivial."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_var, 1, 4)
            for tensor in (module.bias, module.running_mean):
                nn.init.uniform_(tensor, -0.2, 0.2)
    return model


@pytest.mark.parametrize("bias", [False, True])
def test_weights_and_bias_by_hand(bias):
    model = topdown(backbone=Small(bias))
    conv = model.backbone.conv
    conv.weight.data.fill_(1.0)
    if bias:
        conv.bias.data.fill_(1.0)
    folded = fold_batch_norm(model).backbone
    assert isinstance(folded.norm, nn.Identity)
    assert folded.conv.weight.flatten(1).tolist() == [[0.5] * 3, [0.5] * 3, [3.0] * 3]
    # (0 or 1, less the mean) times weight over deviation, plus bias
    expected = [0.0, -0.5, -1.0] if bias else [-0.5, -1.0, -4.0]
    assert folded.conv.bias.tolist() == expected
    assert norms(model) == 1 and conv.weight.unique().tolist() == [1.0]


@pytest.mark.parametrize("backbone", [ReadTwice, RunTwice, ReadsTheWeight, Untraceable])
def test_what_is_not_safe_stays(backbone):
    torch.manual_seed(0)
    model = topdown(backbone=backbone())
    folded = fold_batch_norm(model)
    assert norms(folded) == 1
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(folded(images), model(images))


def test_hrnet_moves_no_keypoint():
    codec, layout = MSRAHeatmap((64, 64), (32, 32)), torch.channels_last
    head = HeatmapHead(8, 3, deconv_channels=[4])
    model = trained(topdown(backbone=HRNet(8), head=head, codec=codec, flip_test=False))
    model.to(memory_format=layout)
    kept = copy.deepcopy(model.state_dict())
    folded = fold_batch_norm(model.train())
    assert model.training and not folded.training
    assert norms(folded) == 0 and norms(model) > 280
    images = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8)
    before, after = (each.eval().predict_heatmaps(images) for each in (model, folded))
    assert 0 < (after - before).abs().max() < 1e-4 * before.std()
    moved = codec.decode(after)[0] - codec.decode(before)[0]
    assert moved.abs().max() <= 0.1
    assert tiny.same(model.state_dict(), kept)
    assert folded.backbone.stage2[0].branches[0][0].conv1.weight.is_contiguous(memory_format=layout)


def test_other_batch_norms_fold_as_well():
    model = topdown(backbone=HRNet(8), head=HeatmapHead(8, 3))
    group_batch_norm(model, 4)
    assert norms(fold_batch_norm(model)) == 0
    assert norms(fold_batch_norm(nn.SyncBatchNorm.convert_sync_batchnorm(model))) == 0


def test_half_types_fold_in_double_precision():
    model = topdown(backbone=Small()).bfloat16()
    folded = fold_batch_norm(model)
    assert folded.backbone.conv.weight.dtype == folded.backbone.conv.bias.dtype == torch.bfloat16


def test_the_estimator_stays_what_it_was():
    folded = fold_batch_norm(topdown(backbone=Small(), flip_test=False))
    assert isinstance(folded, TopDown) and not folded.flip_test
    assert folded.codec.input_size == CODEC.input_size and folded.keypoints.names == META.names
