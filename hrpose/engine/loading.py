"""The data of an experiment on their way to the training loop."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import torch

from hrpose.processes import distributed

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.engine.experiment import Experiment
    from hrpose.engine.settings import RunSettings


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


def size_of_epoch(batches: Any, settings: RunSettings) -> dict[str, int]:
    """Optimizer steps of an epoch of the loader `batches`, and animals of a full step over all
    processes, under the names that they have in a checkpoint.
    """
    animals = batches.batch_sampler.batch_size * settings.accumulate * distributed.world_size()
    steps = math.ceil(len(batches) / settings.accumulate)
    return {"steps_per_epoch": steps, "animals_per_step": animals}


def cores_of_process() -> int:
    """Processors for each process of this run on this machine."""
    return max(1, processors() // distributed.launched().local_world_size)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
