"""Data sets, transforms and batches; importing this makes them known to config pages.

Only what makes tensors brings torch: `batch`, `shipping` and `loader`, which are not imported here.
"""

from hrpose.datasets import (
    half_body,
    photometric,
    random_transforms,
    synthetic,
    transforms,
    whole_pixel_crop,
)
from hrpose.datasets.base import PoseDataset
from hrpose.datasets.coco.dataset import CocoPoseDataset

__all__ = [
    "CocoPoseDataset",
    "PoseDataset",
    "half_body",
    "photometric",
    "random_transforms",
    "synthetic",
    "transforms",
    "whole_pixel_crop",
]
