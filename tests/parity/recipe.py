"""The weights and models that the reference numbers were made with (tests/golden)."""

import functools
import zlib

import numpy as np
import torch
from torch import nn

from hrpose.codecs import MSRAHeatmap
from hrpose.keypoints import KeypointMeta
from hrpose.models import HeatmapHead, HRNet, KeypointMSELoss, TopDown

MACAQUE_PAIRS = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))
ATRW_PAIRS = ((0, 1), (3, 5), (4, 6), (7, 10), (8, 11), (9, 12))
DATASETS: dict[str, tuple[int, tuple[tuple[int, int], ...], tuple[int, int]]] = {
    "horse10": (22, (), (256, 256)),
    "macaque": (17, MACAQUE_PAIRS, (192, 256)),
    "atrw": (15, ATRW_PAIRS, (256, 256)),
}
"""Number of keypoints, flip pairs, input (width, height)."""


def deterministic(key: str, shape: torch.Size) -> np.ndarray:
    """The value of the state-dict entry `key` in all reference runs."""
    random = np.random.RandomState(zlib.crc32(key.encode()) & 0x7FFFFFFF)
    leaf = key.rsplit(".", 1)[1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape)
    if leaf in ("running_mean", "bias"):
        return 0.1 * random.standard_normal(shape)
    if leaf == "running_var":
        return 1.0 + 0.2 * random.random_sample(shape)
    if len(shape) == 1:
        return 0.5 + 0.2 * random.random_sample(shape)
    return np.sqrt(2 / np.prod(shape[1:])) * random.standard_normal(shape)


def fill(module: nn.Module, prefix: str) -> None:
    """Give every entry of `module`, which stands under `prefix` in the model, its value."""
    for key, tensor in module.state_dict().items():
        tensor.copy_(torch.from_numpy(deterministic(prefix + key, tensor.shape).astype("float32")))


@functools.lru_cache(maxsize=1)
def filled_backbone(width: int) -> dict[str, torch.Tensor]:
    backbone = HRNet(width)
    fill(backbone, "backbone.")
    return backbone.state_dict()


def meta(dataset: str) -> KeypointMeta:
    count, pairs, _ = DATASETS[dataset]
    names = [f"k{i}" for i in range(count)]
    return KeypointMeta(dataset, names, [(names[a], names[b]) for a, b in pairs])


def model(dataset: str, width: int, input_size: tuple[int, int] | None = None) -> TopDown:
    """The reference model as a config page makes it, with its initial weights."""
    w, h = input_size or DATASETS[dataset][2]
    return TopDown(
        HRNet(width),
        HeatmapHead(width, DATASETS[dataset][0]),
        MSRAHeatmap((w, h), (w // 4, h // 4)),
        meta(dataset),
        KeypointMSELoss(),
    )


def filled_model(
    dataset: str, width: int, input_size: tuple[int, int] | None = None, training: bool = False
) -> TopDown:
    """The reference model with the deterministic weights; `training` as in the golden train/."""
    made = model(dataset, width, input_size)
    made.backbone.load_state_dict(filled_backbone(width))
    fill(made.keypoint_head, "keypoint_head.")
    if training:
        for parameter in made.keypoint_head.final_layer.parameters():
            parameter.data.mul_(0.01)
    return made.train(training)
