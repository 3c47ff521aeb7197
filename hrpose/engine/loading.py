"""The data of an experiment on their way to the device: loaders, the look before, validation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hrpose.engine.experiment import Experiment
from hrpose.engine.micro_batches import out_of_memory
from hrpose.errors import DataError, RunError
from hrpose.processes import distributed

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset
    from hrpose.models import TopDown


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


def look_at_images(
    experiment: Experiment,
    datasets: Mapping[str, PoseDataset | None],
    log: Any,
    folder: Path | None = None,
) -> None:
    """Check the images of all `datasets`, by split, as `data.check` says.

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


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def validator(experiment: Experiment, dataset: PoseDataset, device: torch.device, log: Any) -> Any:
    """A function from a model to its report on `dataset`, the same on every process.

    It takes a second function too, to call before each batch; what that one raises ends it.
    """
    from hrpose.engine.evaluate import predict, score
    from hrpose.engine.precision import autocast, resolve_precision

    batches = loader(experiment, dataset, train=False, device=device)
    precision = resolve_precision(experiment.settings.precision, device)

    def validate(model: TopDown, check: Callable[[], None] = lambda: None) -> Any:
        shown = log.progress(batches, len(batches), "evaluation")
        checked = _checked(shown, distributed.largest(len(batches)), check)
        try:
            predictions = predict(
                model, checked, device, partial(autocast, precision, device), log.warning
            )
        except RuntimeError as error:
            if not (short := out_of_memory(error)):
                raise
            raise RunError(
                f"out of memory in the evaluation ({short}); set data.val_batch_size lower"
            ) from error
        report = None
        if distributed.rank() == 0:
            report = score(predictions, dataset, experiment.metrics)
        return distributed.broadcast(report)

    return validate


def _checked(
    batches: Iterable[dict[str, Any]], rounds: int, check: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    """`batches`, with `check` before each; `rounds` checks in all, also where batches are fewer."""
    for batch in batches:
        check()
        rounds -= 1
        yield batch
    for _ in range(rounds):
        check()
