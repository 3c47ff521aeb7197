"""Data sets, transforms and batches; importing this makes them known to config pages."""

from hrpose.datasets import photometric, random_transforms, synthetic, transforms
from hrpose.datasets.base import PoseDataset
from hrpose.datasets.batch import collate
from hrpose.datasets.coco.dataset import CocoPoseDataset
from hrpose.datasets.loader import EpochSampler, make_loader

__all__ = [
    "CocoPoseDataset",
    "EpochSampler",
    "PoseDataset",
    "collate",
    "make_loader",
    "photometric",
    "random_transforms",
    "synthetic",
    "transforms",
]
