"""Tiny models of the full structure, for tests that save and load them."""

from pathlib import Path

import torch
from torch import Tensor

from hrpose.codecs import MSRAHeatmap
from hrpose.keypoints import KeypointMeta
from hrpose.models import HeatmapHead, HRNet, KeypointMSELoss, TopDown


def model(width: int = 4, keypoints: int = 3, seed: int = 0) -> TopDown:
    torch.manual_seed(seed)
    return TopDown(
        HRNet(width),
        HeatmapHead(width, keypoints),
        MSRAHeatmap((32, 32), (8, 8)),
        KeypointMeta("toy", [f"k{i}" for i in range(keypoints)]),
        KeypointMSELoss(),
    )


def save(content: object, path: Path, **options: bool) -> Path:
    torch.save(content, path, **options)
    return path


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
