"""What a link is: a comparison with numbers of MMPose, its tolerance, and how far apart we are."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.keypoints import KeypointMeta

INPUTS = {"horse10": (256, 256), "macaque": (192, 256), "atrw": (256, 256)}
"""Width and height of the crops in px."""
DATASETS = tuple(INPUTS)
UNIT = np.float32(200)
"""Px in a unit of MMPose's `scale`."""


@dataclass(frozen=True)
class Reference:
    """The reference set (tests/golden/README.md) and the sample images that it was made from."""

    golden: Path
    data: Path

    @functools.cache  # noqa: B019 - lives as long as the process
    def arrays(self, path: str) -> dict[str, np.ndarray]:
        """All arrays of an .npz file."""
        with np.load(self.golden / path, allow_pickle=False) as file:
            return dict(file)

    @functools.cache  # noqa: B019
    def json(self, path: str) -> Any:
        """Content of a .json file, which may be compressed."""
        file = self.golden / path
        packed = file.with_name(f"{file.name}.gz")
        return json.loads(
            gzip.decompress(packed.read_bytes()) if packed.exists() else file.read_bytes()
        )

    def meta(self, dataset: str) -> KeypointMeta:
        """The keypoints of `dataset`."""
        facts = self.json("recipes.json")["datasets"][dataset]
        names = facts["keypoints"]
        return KeypointMeta(
            dataset,
            names,
            [[names[a], names[b]] for a, b in facts["flip_pairs"]],
            [names[k] for k in facts["upper_body"]],
            [names[k] for k in facts["lower_body"]],
            facts["sigmas"],
        )

    def samples(self, dataset: str) -> Path:
        """The folder of the sample images of `dataset`."""
        return self.data / "mmpose-samples" / dataset


@dataclass(frozen=True)
class Measured:
    """How far apart we are, at the worst of all inputs, and how many inputs there were."""

    difference: float
    inputs: str


@dataclass(frozen=True)
class Link:
    """One comparison."""

    chapter: str
    name: str
    files: str
    """Of the reference set."""
    tolerance: float
    unit: str
    measure: Callable[[Reference], Measured]
    slow: bool

    def holds(self, measured: Measured) -> bool:
        """Whether the difference is within the tolerance; NaN is not."""
        return measured.difference <= self.tolerance


LINKS: list[Link] = []


def link(
    chapter: str, name: str, files: str, tolerance: float, unit: str, slow: bool = False
) -> Callable[[Callable[[Reference], Measured]], Callable[[Reference], Measured]]:
    """Make a link of a function that measures."""

    def add(measure: Callable[[Reference], Measured]) -> Callable[[Reference], Measured]:
        assert name not in {known.name for known in LINKS}, name
        LINKS.append(Link(chapter, name, files, tolerance, unit, measure, slow))
        return measure

    return add


class Worst:
    """The largest difference so far; NaN where shapes or NaNs do not agree."""

    def __init__(self) -> None:
        self.value = 0.0

    def absolute(self, ours: Any, theirs: Any) -> None:
        """Largest |ours - theirs|."""
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        self._add(ours, theirs, np.abs(ours - theirs) if ours.shape == theirs.shape else None)

    def relative(self, ours: Any, theirs: Any) -> None:
        """Largest |ours - theirs| / |theirs|, 0 where both are 0."""
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        apart = np.abs(ours - theirs) if ours.shape == theirs.shape else None
        if apart is not None:
            with np.errstate(divide="ignore"):
                size = np.abs(theirs)
                apart = np.divide(apart, size, out=np.zeros_like(apart), where=apart > 0)
        self._add(ours, theirs, apart)

    def unequal(self, ours: Any, theirs: Any) -> None:
        """Add how many entries differ at all (1 for a list of another length)."""
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        same = ours.shape == theirs.shape
        self.value += np.count_nonzero(ours != theirs) if same else 1

    def _add(self, ours: np.ndarray, theirs: np.ndarray, apart: np.ndarray | None) -> None:
        if apart is None:
            self.value = float("nan")
        elif apart.size:
            self.value = float(np.maximum(self.value, apart.max()))  # NaN stays NaN
