"""The same pictures in training and in what the model is measured on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.faults.fault import Fault, Place
from hrpose.datasets.faults.kinds import fault
from hrpose.datasets.images import read_image
from hrpose.errors import DataError

THREADS = 8


def shared_files(datasets: Mapping[str, PoseDataset]) -> Iterator[Fault]:
    """Image files that are in two of `datasets`, by split."""
    images = {split: images_of(dataset) for split, dataset in datasets.items()}
    for first, second in combinations(images, 2):
        both = [path for path in images[second] if path in images[first]]
        if not both:
            continue
        what = f"{len(both)} of {len(images[second])} images of {second} are in {first} too"
        places = [datasets[second].place(images[second][path]) for path in both]
        kind = "same-file" if first == "train" else "val-is-test"
        yield fault(kind, what, datasets[second].source, places)


def same_pictures(datasets: Mapping[str, PoseDataset], full: bool) -> Iterator[Fault]:
    """Pictures under other names in two of `datasets`: files with the same content.

    Args:
        full: images with the same pixels, in whatever file; else only files of one size are read.
    """
    images = {split: images_of(dataset) for split, dataset in datasets.items()}
    everything = list({path: None for paths in images.values() for path in paths})
    looked_at = everything if full else _of_one_size(everything)
    with ThreadPoolExecutor(THREADS) as threads:
        digests = dict(
            zip(looked_at, threads.map(_pixels if full else _content, looked_at), strict=True)
        )
    for first, second in combinations(images, 2):
        if first != "train":
            continue
        known = {digests[path]: path for path in images[first] if digests.get(path)}
        pairs = [
            (path, known[digests[path]])
            for path in images[second]
            if path not in images[first] and digests.get(path) in known
        ]
        if pairs:
            path, other = pairs[0]
            what = (
                f"{len(pairs)} of {len(images[second])} images of {second} are pictures "
                f"of {first} too (the first: {path} is {other})"
            )
            places: list[Place] = [
                datasets[second].place(images[second][path]) for path, _ in pairs
            ]
            yield fault("same-pixels", what, datasets[second].source, places)


def images_of(dataset: PoseDataset) -> dict[str, int]:
    """Path of each image, with the index of its first animal; none where they are drawn."""
    if "image" in dataset.record_keys:
        return {}
    here = str(Path.cwd())
    paths: dict[str, int] = {}
    for index in range(len(dataset)):
        path = dataset.record(index, 0)["image_path"]
        # training does this for each animal: a Path takes six times as long
        paths.setdefault(os.path.join(here, path), index)  # noqa: PTH118
    return paths


def _of_one_size(paths: Iterable[str]) -> list[str]:
    """Of `paths` those that have as many bytes as another."""
    sizes: dict[int, list[str]] = {}
    for path in paths:
        try:
            sizes.setdefault(Path(path).stat().st_size, []).append(path)
        except OSError:  # the look at the images names it
            continue
    return [path for group in sizes.values() if len(group) > 1 for path in group]


def _digest(read: Callable[[str], tuple[bytes, object]]) -> Callable[[str], str]:
    def of(path: str) -> str:
        try:
            data, shape = read(path)
        except (OSError, DataError):
            return ""
        return f"{hashlib.sha256(data).hexdigest()} {shape}"

    return of


_content = _digest(lambda path: (Path(path).read_bytes(), None))


def _read_pixels(path: str) -> tuple[bytes, object]:
    image = read_image(path)
    return image.tobytes(), image.shape


_pixels = _digest(_read_pixels)
