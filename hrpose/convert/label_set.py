"""Labels on their way from the files of one program to those of another.

Each reader makes one `LabelSet` and each writer takes one, so that boxes, splits, images and the
manifest are made in one place for all formats.

Legend: K keypoints of a category. Coordinates are image px with the centre of the first pixel at
(0, 0), as float64, so that what was read is what is written back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Category:
    """A kind of animal and its keypoints, in the order of the file.

    Args:
        skeleton: pairs of names to draw a limb between, as far as the file knows.
        flip_pairs: names that change places in a mirrored image, as far as the file knows.
    """

    name: str
    keypoints: Sequence[str]
    skeleton: Sequence[tuple[str, str]] = ()
    flip_pairs: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class LabelledImage:
    """One image.

    Args:
        name: what it is called in what is written: relative, parted by '/'.
        source: its file; or a call that gives the bytes of one, for images within other files.
        size: width and height in px.
        group: the video or session that it is from, which a split keeps whole.
        source_id: what the original calls it, where it has an id.
    """

    name: str
    source: Path | Callable[[], bytes]
    size: tuple[int, int]
    group: str = ""
    source_id: str | int | None = None


@dataclass(frozen=True)
class LabelledAnimal:
    """One animal in one image.

    Args:
        image, category: places in the lists of the `LabelSet`.
        keypoints: (K, 2); NaN where there is no label.
        visible: (K,) as in COCO: 0 no label, 1 labelled though hidden, 2 seen.
        box: x, y, width, height; None where the file has none.
        area: of the animal in square px; None where the file has none.
        individual: its name or track over several images; None where the file has none.
        source_id: what the original calls it, where it has an id.
        scores: (K,) of a program that predicted them; None for what a person labelled.
    """

    image: int
    category: int
    keypoints: np.ndarray
    visible: np.ndarray
    box: tuple[float, float, float, float] | None = None
    area: float | None = None
    individual: str | None = None
    source_id: str | int | None = None
    scores: np.ndarray | None = None


@dataclass
class LabelSet:
    """All that was read, and what is to be said about it.

    Args:
        files: what was read, images left out; the manifest gives their digests.
        split: images (their places in the list) of each part where the original says so, such as
            'train'; an image may be in several parts or in none.
        notes: one sentence each about what was left out or assumed.
        about: what a way back to the program needs besides, as plain JSON; goes into `info`.
        image_folder: folder below the destination that the names of images start from.
    """

    categories: Sequence[Category]
    images: list[LabelledImage]
    animals: list[LabelledAnimal]
    files: Sequence[Path] = ()
    split: Mapping[str, Sequence[int]] | None = None
    notes: list[str] = field(default_factory=list)
    about: Mapping[str, Any] = field(default_factory=dict)
    image_folder: str = "images"
