"""The loader: samples a second of one process and of several, each transform, and the ceiling.

The ceiling is what no loader that cuts crops does without: one decoding by OpenCV and one warp,
with the matrices of the very samples that are loaded. It is taken twice: with the bytes of the
files in memory, and with the files read each time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.loader import PoseLoader, collate, make_loader
from hrpose.engine.experiment import prepare
from proofs.benchmark.figures import Fact, Figure, Row, Section, rate, ratio
from proofs.benchmark.pages import Page
from proofs.benchmark.resized import Resized
from proofs.benchmark.timing import Plan, alternate, bar
from proofs.benchmark.transforms import transform_rows

Key = tuple[int, int]

_SAMPLES = 64
"""Samples in one call: enough that every call reads the same mixture of crops."""
_PREFETCH = 4
"""Batches that a loader's worker makes ahead; they must be gone before a run counts."""
_RGB = getattr(cv2, "IMREAD_COLOR_RGB", cv2.IMREAD_COLOR)


def loader_section(page: Page, plan: Plan, workers: Sequence[int]) -> Section:
    """Train and test pipeline of `page`, each for one process and for every number of `workers`."""
    experiment = prepare(page)
    data = experiment.data
    rows: list[Row] = []
    for split in ("train", "test"):
        dataset = experiment.dataset(split)
        batch_size = data.batch_size if split == "train" else data.val_batch_size
        with one_thread():
            first = _first_epoch(dataset, batch_size, split)
            found = _one_process(dataset, plan, split)
        alone = 1 / found[0].figure.median
        several = [number for number in workers if number > 0]
        rows += [*first, *found]
        rows += [_with_workers(dataset, batch_size, split, n, plan, alone) for n in several]
    return Section(
        rows,
        [
            "one process: one thread, file bytes from the page cache of the system, batches "
            f"collated; {_SAMPLES} samples, the same ones in every run",
            "decode + warp: the same images and matrices, nothing else, not collated; the bytes of "
            "the files are in memory before. read + decode + warp: each file is read as well",
            "the samples were read before: with a cache these are epochs from the second on",
        ],
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV and torch as in a loader's worker process."""
    opencv, threads = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(opencv)
        torch.set_num_threads(threads)


def _first_epoch(dataset: PoseDataset, batch_size: int, split: str) -> list[Row]:
    """Where the data set has a cache, fill it: every animal is read once. One run, as it can only
    be done once.
    """
    if getattr(dataset, "cache", None) is None:
        return []
    starts = range(0, len(dataset), batch_size)
    start = time.perf_counter()
    with bar(f"{split} loader, first epoch", len(starts)) as progress:
        for place in starts:
            indices = range(place, min(place + batch_size, len(dataset)))
            collate(dataset.__getitems__([(0, index) for index in indices]))
            progress.update()
    speed = len(dataset) / (time.perf_counter() - start)
    return [Row(f"{split}: one process, first epoch", Figure((speed,), "samples/s"))]


def _one_process(dataset: PoseDataset, plan: Plan, split: str) -> list[Row]:
    """Speed of the loader without workers; beside it, in turns, the ceiling."""
    keys = _keys(len(dataset))
    batches = [keys[start : start + 32] for start in range(0, len(keys), 32)]
    loader: PoseLoader = PoseLoader(
        dataset,  # type: ignore[arg-type]
        batch_sampler=batches,
        collate_fn=collate,
    )
    works: dict[str, Callable[[], object]] = {"loader": lambda: [None for _ in loader]}
    floors = ceilings(dataset, keys)
    works.update(floors)
    taken = alternate(works, plan, f"{split} loader")
    unit = "samples/s"
    rows = [Row(f"{split}: one process", rate(taken["loader"], len(keys), unit))]
    for name in floors:
        rows.append(Row(f"{split}: {name}", rate(taken[name], len(keys), unit)))
        share = ratio(taken[name], taken["loader"])
        rows.append(Row(f"{split}: one process, ratio to {name}", share))
    return rows + transform_rows(dataset, keys, plan, split)


def ceilings(dataset: PoseDataset, keys: Sequence[Key]) -> dict[str, Callable[[], object]]:
    """What decodes the images of `keys` and cuts their crops once: from memory, and from the files;
    nothing where images are drawn.
    """
    if any("image" in dataset.record(index, epoch) for epoch, index in keys[:1]):
        return {}
    samples = [dataset[key] for key in keys]
    height, width = samples[0]["image"].shape[:2]
    paths = [dataset.record(index, epoch)["image_path"] for epoch, index in keys]
    matrices = [sample["matrix"] for sample in samples]
    files = {path: Path(path).read_bytes() for path in set(paths)}  # of 64 samples at most

    def cut_all(read: Callable[[str], bytes]) -> None:
        for path, matrix in zip(paths, matrices, strict=True):
            image = cv2.imdecode(np.frombuffer(read(path), np.uint8), _RGB)
            cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)

    return {
        "decode + warp": partial(cut_all, files.__getitem__),
        "read + decode + warp": partial(cut_all, lambda path: Path(path).read_bytes()),
    }


def _with_workers(
    dataset: PoseDataset, batch_size: int, split: str, workers: int, plan: Plan, alone: float
) -> Row:
    """Samples a second that `workers` processes hand over, once they are at work.

    Args:
        alone: seconds a sample of one process, from which the length of a run is taken.
    """
    per_run = max(1, round(plan.seconds * workers / alone / batch_size))
    warm_up = _PREFETCH * workers + per_run
    needed = (warm_up + per_run * plan.repeats) * batch_size
    loader = make_loader(
        cast(PoseDataset, Resized(dataset, needed + batch_size)),
        batch_size,
        workers,
        shuffle=split == "train",
        drop_last=True,
        pin_memory=plan.device.type == "cuda",
    )
    taken = []
    with bar(f"{split} loader, {workers} workers", plan.repeats + 1) as progress:
        start = time.perf_counter()
        batches = iter(loader)
        next(batches)
        first = time.perf_counter() - start
        _consume(batches, warm_up - 1)
        progress.update()
        for _ in range(plan.repeats):
            start = time.perf_counter()
            _consume(batches, per_run)
            taken.append(time.perf_counter() - start)
            progress.update()
    figure = rate(taken, per_run * batch_size, "samples/s")
    facts: dict[str, Fact] = {
        "batch": batch_size,
        "per_worker": figure.median / workers,
        "first_batch_after_s": first,
    }
    return Row(f"{split}: {workers} worker{'s' * (workers > 1)}", figure, facts)


def _consume(batches: Iterator[Any], count: int) -> None:
    for _ in islice(batches, count):
        pass


def _keys(length: int) -> list[Key]:
    """`_SAMPLES` samples: of a small data set several epochs, of a large one a random part."""
    order = np.random.default_rng(0).permutation(length)
    epochs = math.ceil(_SAMPLES / length)
    return [(epoch, int(index)) for epoch in range(epochs) for index in order][:_SAMPLES]
