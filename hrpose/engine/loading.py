"""The data of an experiment on their way to the training loop: the look before, the loader."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hrpose.errors import ConfigError, DataError
from hrpose.models.normalisation import group_batch_norm
from hrpose.processes import distributed

if TYPE_CHECKING:
    from hrpose.codecs import Codec
    from hrpose.datasets.base import PoseDataset
    from hrpose.engine.experiment import Experiment
    from hrpose.engine.settings import RunSettings
    from hrpose.rundir.log import RunLog


def look_at_images(
    experiment: Experiment,
    datasets: Mapping[str, PoseDataset | None],
    log: RunLog,
    folder: Path | None = None,
) -> None:
    """Look at the images of all `datasets`, by split, as `data.check` says.

    Raises:
        DataError: some are bad; on every process, with those of all splits.
    """
    from hrpose.datasets.preflight.look import require_good_images

    how = experiment.data.check
    problems = []
    for split, dataset in datasets.items():
        if how != "off" and distributed.rank() == 0 and dataset is not None:
            try:
                log.info(require_good_images(dataset, split, how == "full", folder, log.progress))
            except DataError as error:
                problems.append(str(error))
    if problems := distributed.broadcast(problems):
        raise DataError("\n".join(problems))


def loader(experiment: Experiment, dataset: PoseDataset, train: bool, device: torch.device) -> Any:
    """The loader of this process for `dataset`."""
    from hrpose.datasets.loader import make_loader

    data, world = experiment.data, distributed.world_size()
    batch_size = data.batch_size if train else data.val_batch_size
    return make_loader(
        dataset,
        batch_size=batch_size,
        workers=min(data.workers, processors()),
        shuffle=train,
        drop_last=train and len(dataset) >= batch_size * world,
        seed=experiment.settings.seed,
        rank=distributed.rank(),
        world_size=world,
        pin_memory=device.type == "cuda",
        timeout=data.timeout,
    )


def require_statistics(experiment: Experiment, batches: Any) -> None:
    """ConfigError where a batch norm would see a single value, of which there is no variance.

    That is one animal, alone in a batch or in a group, where the network leaves one cell of it. A
    network in outline shows it; of several processes all must ask together.

    Args:
        batches: the loader of the training set.
    """
    settings = experiment.settings
    sizes = set(map(len, batches.batch_sampler))
    single = min(sizes, default=2) == 1 or settings.batch_norm_group is not None
    message = ""
    if single and settings.batch_norm == "local":
        model = experiment.outline()
        if settings.batch_norm_group:
            group_batch_norm(model, settings.batch_norm_group)
        model.train()
        width, height = experiment.codec.input_size
        for size in sizes:
            try:
                model(torch.zeros(size, 3, height, width, device="meta"))
            except ValueError as error:  # torch's own, of any batch norm
                if "more than 1 value per channel" in str(error):
                    message = (
                        f"data.batch_size: in a batch of {size} (of a training set of "
                        f"{len(batches.dataset)}) a batch norm sees one animal alone, and "
                        f"of its {width} x {height} px a single cell, which has no variance; take "
                        "2 animals or more a batch and group, a larger codec.input_size, or "
                        "runner.batch_norm='frozen'"
                    )
            except NotImplementedError:  # a network that has no outline finds out for itself
                pass
    everywhere = [line for line in distributed.gather(message) if line]
    if everywhere:
        raise ConfigError(everywhere[:1])


def require_targets(dataset: PoseDataset, codec: Codec) -> None:
    """DataError where no point of any animal has a target, as if boxes belonged to other images.

    Looks no further than to the first animal that has one.
    """
    problem = ""
    if distributed.rank() == 0:
        for index in range(len(dataset)):
            try:
                sample = dataset[index]
            except DataError:  # is met, and named, where the image is needed
                break
            if "image" not in sample:
                break
            points, visible = (
                torch.as_tensor(sample[name])[None] for name in ("keypoints", "visible")
            )
            if codec.encode(points, visible)[1].any():
                break
        else:
            problem = (
                f"no labelled keypoint of all {len(dataset)} animals lies inside its crop: there "
                f"is nothing to learn; the first is {dataset.describe(0)}: compare its bbox (x, y, "
                "width, height in px) with its keypoints"
            )
    if problem := distributed.broadcast(problem):
        raise DataError(problem)


def size_of_epoch(batches: Any, settings: RunSettings) -> dict[str, int]:
    """Optimizer steps of an epoch of the loader `batches`, and animals of a full step over all
    processes, under the names that they have in a checkpoint.
    """
    animals = batches.batch_sampler.batch_size * settings.accumulate * distributed.world_size()
    steps = math.ceil(len(batches) / settings.accumulate)
    return {"steps_per_epoch": steps, "animals_per_step": animals}


def in_steps(batches: Iterable[dict[str, Any]], accumulate: int) -> Iterator[list[dict[str, Any]]]:
    """`batches` as optimizer steps take them: `accumulate` each, perhaps fewer in the last."""
    iterator = iter(batches)
    while group := list(itertools.islice(iterator, accumulate)):
        yield group


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
