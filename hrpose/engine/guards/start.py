"""What is looked at before a run: images, targets, the size of batches."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from hrpose.errors import ConfigError, DataError, RunError
from hrpose.models.normalisation import group_batch_norm
from hrpose.models.soundness import faults, learned
from hrpose.processes import distributed
from hrpose.rundir.resume import differences
from hrpose.rundir.snapshot import misfit_of
from hrpose.storage.addresses import without_secrets

if TYPE_CHECKING:
    from hrpose.codecs import Codec
    from hrpose.datasets.base import PoseDataset
    from hrpose.engine.experiment import Experiment
    from hrpose.rundir.log import RunLog

_OF_A_MACHINE = re.compile(
    r"(load_from|pretrained|data\.(workers|timeout|(.*\.)?(root|ann_file|img_root|box_file|cache)))\b"
)
"""Places on a page that may differ between machines."""


def misfit(experiment: Experiment, saved: dict[str, Any]) -> str:
    """What of the training checkpoint `saved` does not fit this experiment, or is ruined, as runs
    without `Health` have left them; empty if all is well.
    """
    model = experiment.outline()
    optimizer = experiment.optimizer(model.parameters())
    problem = misfit_of(saved, without_secrets(experiment.page), model, optimizer)
    if problem or "page" not in saved["meta"]:
        return problem
    ours = learned(model)
    weights = {
        f"{part}.{key}": value
        for part in ("state_dict", "train_state_dict")
        for key, value in (saved[part] or {}).items()
        if key in ours
    }
    memory = {
        f"optimizer.{number}.{name}": value
        for number, values in saved["optimizer"]["state"].items()
        for name, value in values.items()
        if isinstance(value, torch.Tensor)
    }
    return "; ".join([*faults(weights), *faults(memory)])


def look_at_images(
    experiment: Experiment,
    datasets: Mapping[str, PoseDataset | None],
    log: RunLog,
    folder: Path | None = None,
) -> None:
    """Look at the images of all `datasets`, by split, as `data.check` says: on every machine, by
    its first process, for each may have files of its own.

    Raises:
        DataError: some are bad; on every process, with those of all splits and machines.
    """
    from hrpose.datasets.preflight.look import require_good_images

    how = experiment.data.check
    problems: list[str] = []
    first = distributed.rank() == 0
    looks = first or distributed.launched().local_rank == 0
    for split, dataset in datasets.items():
        if how != "off" and looks and dataset is not None:
            place = folder if first else None  # several machines may share it
            try:
                log.info(require_good_images(dataset, split, how == "full", place, log.progress))
            except DataError as error:
                problems.append(str(error))
    everywhere: dict[str, str] = {}  # what all machines find alike is said once
    for number, found in enumerate(distributed.gather(problems)):
        for problem in found:
            everywhere.setdefault(problem, f"on the machine of process {number}: " * (number > 0))
    if everywhere:
        raise DataError("\n".join(where + problem for problem, where in everywhere.items()))


def require_sound_labels(datasets: Mapping[str, PoseDataset | None], log: RunLog) -> None:
    """A warning where images are in two data sets, by split.

    Raises:
        DataError: labels that cannot be right, with all that is wrong with them.
    """
    from hrpose.datasets.faults.fault import errors_among, in_lines
    from hrpose.datasets.faults.splits import shared_files

    known = {split: dataset for split, dataset in datasets.items() if dataset is not None}
    wrong = errors_among(one for dataset in known.values() for one in dataset.faults)
    if wrong:
        raise DataError("\n".join(["the labels cannot be trained on:", *in_lines(wrong)]))
    for one in shared_files(known) if distributed.rank() == 0 else ():
        log.warning(f"{one.what}: {one.todo}")


def require_steps(batches: Any, batch_size: int, animals: int, log: RunLog) -> None:
    """RunError where a step has no animal for each process; a warning where batches are small."""
    world = distributed.world_size()
    if not len(batches):
        raise RunError(
            f"the training set has {animals} animals, fewer than the {world} processes; start "
            "fewer processes"
        )
    if animals < batch_size * world:
        log.warning(
            f"the training set has {animals} animals, fewer than a batch of "
            f"{batch_size * world}: each epoch is one smaller batch"
        )


def require_statistics(experiment: Experiment, batches: Any) -> None:
    """ConfigError where a batch norm would see a single value, of which there is no variance.

    That is one animal, alone in a batch or in a group, where the network leaves one cell of it. A
    network in outline shows it; of several processes all must ask together.

    Args:
        batches: the loader of the training set.
    """
    settings = experiment.settings
    sizes = batches.batch_sampler.sizes()
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


def require_same_run(identity: Mapping[str, Any]) -> None:
    """RunError unless all processes have the same page and the same animals.

    Each would make its own steps with gradients of all, and only the first is saved. Where files
    are, and how they are read, may differ from machine to machine.
    """
    first, *others = distributed.gather({name: identity[name] for name in ("page", "train", "val")})
    for number, other in enumerate(others, start=1):
        changes = differences(json.loads(first["page"]), json.loads(other["page"]), "")
        lines = [line for name, line in changes if not _OF_A_MACHINE.match(name)]
        lines += [f"the {split} annotations" for split in ("train", "val")
                  if first[split] != other[split]]  # fmt: skip
        if lines:
            raise RunError(
                f"process {number} of this run is not started as process 0 is:"
                + "".join(f"\n  - {line}" for line in lines)
                + "\ngive all machines the same page and the same annotations"
            )


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
