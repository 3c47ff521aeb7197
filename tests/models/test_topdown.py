"""The estimator, with a backbone that reads every fourth pixel, so that all numbers are by hand."""

import pytest
import torch
from torch import Tensor

from hrpose.codecs import MSRAHeatmap, UDPHeatmap
from hrpose.config.registry import build
from hrpose.errors import ConfigError
from hrpose.keypoints import KeypointMeta
from hrpose.models import Backbone, HeatmapHead, HRNet, KeypointMSELoss, TopDown
from hrpose.models.hrnet import HRModule

META = KeypointMeta("toy", ["left", "right", "tail"], flip_pairs=[("left", "right")])
CODEC = MSRAHeatmap((32, 32), (8, 8))


class EveryFourthPixel(Backbone):
    out_channels = 3
    stride = 4

    def forward(self, images: Tensor) -> Tensor:
        return images[..., ::4, ::4]


def topdown(**changes) -> TopDown:
    """Heatmaps are the three colours of every fourth pixel."""
    head = HeatmapHead(3, 3)
    with torch.no_grad():
        head.final_layer.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
    parts = {
        "backbone": EveryFourthPixel(),
        "head": head,
        "codec": CODEC,
        "keypoints": META,
        "loss": KeypointMSELoss(),
    }
    return TopDown(**(parts | changes)).eval()


def ramps() -> Tensor:
    """(1, 3, 32, 32): column x is x in red, 100 + x in green, 200 + x in blue."""
    columns = torch.arange(32.0).expand(1, 1, 32, 32)
    return torch.cat([columns, columns + 100, columns + 200], dim=1)


def test_uint8_images_are_normalised():
    images = torch.empty(1, 3, 32, 32, dtype=torch.uint8)
    images[0] = torch.tensor([255, 0, 51], dtype=torch.uint8).view(3, 1, 1)
    before = images.clone()
    heatmaps = topdown()(images)
    expected = [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    torch.testing.assert_close(heatmaps[0, :, 3, 5], torch.tensor(expected))
    assert torch.equal(images, before)
    own = topdown(mean=[0.2, 0.2, 0.2], std=[0.5, 0.5, 0.1])(images)
    torch.testing.assert_close(own[0, :, 0, 0], torch.tensor([1.6, -0.4, 0.0]))
    plain = topdown(mean=[0, 0, 0], std=[1, 1, 1])(images)
    torch.testing.assert_close(plain[0, :, 0, 0], torch.tensor([1.0, 0.0, 0.2]))


def test_floating_images_count_as_normalised():
    images = ramps()
    torch.testing.assert_close(topdown()(images), images[..., ::4, ::4])
    assert topdown()(images.double()).dtype == torch.float32


def test_flip_test_by_hand():
    cells = torch.arange(8.0)
    plain = 4 * cells
    # the mirror image has 31 - x in column x; read at 4 j and mirrored back that is 4 j + 3
    back = 4 * cells + 3
    shifted = torch.cat([back[:1], back[:-1]])  # 3, 3, 7, 11, ...: now within 1 of `plain`
    for shift, mirrored in ((False, back), (True, shifted)):
        heatmaps = topdown(shift_heatmap=shift).predict_heatmaps(ramps())[0, :, 0]
        left = (plain + 100 + mirrored) / 2  # red, and green from the mirror image: a flip pair
        torch.testing.assert_close(heatmaps[0], left)
        torch.testing.assert_close(heatmaps[1], left)
        torch.testing.assert_close(heatmaps[2], 200 + (plain + mirrored) / 2)
    without = topdown(flip_test=False).predict_heatmaps(ramps())
    torch.testing.assert_close(without, ramps()[..., ::4, ::4])


def test_predict_decodes_the_peak():
    images = torch.zeros(1, 3, 32, 32)
    images[0, 0, 12, 20] = 2.0  # left: cell (5, 3)
    images[0, 2, 8, 24] = 3.0  # tail: cell (6, 2)
    keypoints, scores = topdown(flip_test=False).predict(images)
    assert keypoints[0].tolist() == [[20, 12], [-4, -4], [24, 8]]
    assert scores[0].tolist() == [2, 0, 3]
    assert not scores.requires_grad


def test_forward_can_learn_from_uint8_images():
    model = topdown()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    model.loss(model(images), torch.zeros(2, 3, 8, 8), torch.ones(2, 3)).backward()
    assert model.keypoint_head.final_layer.weight.grad.abs().sum() > 0


def test_state_dict_holds_only_backbone_and_head():
    assert set(topdown().state_dict()) == {
        "keypoint_head.final_layer.weight",
        "keypoint_head.final_layer.bias",
    }


def real(width: int = 8) -> TopDown:
    torch.manual_seed(0)
    return topdown(backbone=HRNet(width), head=HeatmapHead(width, 3))


def test_autocast_and_bfloat16_follow_float32():
    model = real()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    exact = model.predict_heatmaps(images)
    spread = exact.std().item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(images).dtype == torch.bfloat16
        coarse = model.predict_heatmaps(images)
        keypoints, scores = model.predict(images)
        target = torch.zeros(2, 3, 8, 8)
        assert model.loss(model(images), target, torch.ones(2, 3)).dtype == torch.float32
    assert coarse.dtype == keypoints.dtype == scores.dtype == torch.float32
    torch.testing.assert_close(coarse, exact, rtol=0, atol=0.1 * spread)
    assert model.bfloat16()(images).dtype == torch.bfloat16
    torch.testing.assert_close(model.predict_heatmaps(images), exact, rtol=0, atol=0.1 * spread)


def test_channels_last_stays_channels_last():
    model = real().to(memory_format=torch.channels_last)
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    images = images.to(memory_format=torch.channels_last)
    seen = []
    hook = model.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.predict(images)
    hook.remove()
    assert [x.is_contiguous(memory_format=torch.channels_last) for x in seen] == [True, True]


@pytest.mark.parametrize(
    "codec",
    [CODEC, MSRAHeatmap((32, 32), (8, 8), decoding="dark"), UDPHeatmap((32, 32), (8, 8))],
)
def test_the_host_reads_nothing(codec):
    """Tensors on the meta device have no values, so any wait for one is an error here."""
    model = topdown(backbone=HRNet(4), head=HeatmapHead(4, 3), codec=codec, shift_heatmap=False)
    model = model.to("meta").train()
    images = torch.empty(2, 3, 32, 32, dtype=torch.uint8, device="meta")
    keypoints, visible = (torch.empty(shape, device="meta") for shape in ((2, 3, 2), (2, 3)))
    target, weight = codec.encode(keypoints, visible)
    model.loss(model(images), target, weight).backward()
    assert model.backbone.conv1.weight.grad.is_meta
    assert model.eval().predict(images)[0].shape == (2, 3, 2)


class OneExchange(Backbone):
    """Of HRNet's operations each once: compiling the whole network takes too long for a test."""

    out_channels = 3
    stride = 4

    def __init__(self) -> None:
        super().__init__()
        self.module = HRModule((3, 3, 3), 2)

    def forward(self, images: Tensor) -> Tensor:
        return self.module([images[..., ::step, ::step] for step in (4, 8, 16)])[0]


def test_compiles_in_one_piece():
    model = topdown(backbone=OneExchange())
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(images), model(images))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"head": HeatmapHead(3, 17)},
            r"head.out_channels 17: must be 3, the number of keypoints of 'toy'",
        ),
        ({"head": HeatmapHead(48, 3)}, r"head.in_channels 48: must be 3, the channels"),
        (
            {"codec": MSRAHeatmap((64, 96), (32, 48))},
            r"codec.heatmap_size \(32, 48\): must be \(16, 24\), .* codec.input_size \(64, 96\)",
        ),
        (
            {"head": HeatmapHead(3, 3, deconv_channels=[8])},
            r"codec.heatmap_size \(8, 8\): must be \(16, 16\)",
        ),
        ({"codec": UDPHeatmap((32, 32), (8, 8))}, "shift_heatmap True: UDP .* must be False"),
        ({"std": (0.2, 0.2, 0.0)}, r"std \(0.2, 0.2, 0.0\): must be three values"),
    ],
)
def test_parts_that_disagree_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        topdown(**changes)


def test_all_disagreements_come_at_once():
    with pytest.raises(ValueError, match=r"head.out_channels 17: .*head.in_channels 48: "):
        topdown(head=HeatmapHead(48, 17))


def test_udp_without_shift_and_a_deconvolution_fit():
    codec = UDPHeatmap((32, 32), (16, 16))
    head = HeatmapHead(3, 3, deconv_channels=[8])
    model = topdown(codec=codec, head=head, shift_heatmap=False)
    keypoints, _ = model.predict(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    assert keypoints.shape == (1, 3, 2)


def test_a_config_page_makes_it():
    page = {
        "type": "TopDown",
        "backbone": {"type": "HRNet", "width": 4},
        "head": {"type": "HeatmapHead", "in_channels": 4, "out_channels": 2},
        "codec": {"type": "MSRAHeatmap", "input_size": [32, 64], "heatmap_size": [8, 16]},
        "keypoints": {"type": "KeypointMeta", "dataset": "toy", "names": ["nose", "tail"]},
        "loss": {"type": "KeypointMSELoss"},
    }
    assert build(page, "model")(torch.zeros(2, 3, 64, 32)).shape == (2, 2, 16, 8)
    page["head"]["out_channels"] = 3
    with pytest.raises(ConfigError, match=r"model \(TopDown\): head.out_channels 3: must be 2"):
        build(page, "model")
    page["backbone"] = {"type": "HeatmapHead", "in_channels": 4, "out_channels": 2}
    with pytest.raises(ConfigError, match=r"model.backbone: .* makes Backbone"):
        build(page, "model")
