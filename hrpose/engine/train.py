"""A training run: from a page and a folder to checkpoints, logs and curves."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Literal

import torch

from hrpose import config
from hrpose.engine.experiment import Experiment, prepare
from hrpose.engine.loading import loader, look_at_images, validator
from hrpose.engine.precision import set_backends
from hrpose.engine.runner import Runner
from hrpose.errors import RunError
from hrpose.models.weights import load_weights
from hrpose.processes import distributed
from hrpose.rundir import provenance
from hrpose.rundir.lock import Lock
from hrpose.rundir.log import RunLog
from hrpose.rundir.resume import compare, find, refuse_second_run, require_agreement, within
from hrpose.rundir.state import Progress, restore
from hrpose.storage import checkpoint_file as checkpoint
from hrpose.storage.addresses import without_secrets
from hrpose.storage.download import fetch
from hrpose.storage.whole_file import write_whole


def train(
    page: dict[str, Any],
    work_dir: Path,
    resume: str | None = None,
    allow_data_change: bool = False,
) -> Progress:
    """Train what `page` says in `work_dir`.

    Args:
        resume: None for a new run, 'auto' for the newest checkpoint of `work_dir`, or a path.
        allow_data_change: resume although the annotations are not those of the run.

    Raises:
        HrposeError: with what the user can do; before any data is read where the page is wrong.
    """
    experiment = prepare(page)
    device = distributed.choose_device(experiment.settings.device)
    main = int(os.environ.get("RANK", 0)) == 0
    if not resume or (resume != "auto" and not within(Path(resume), work_dir)):
        refuse_second_run(work_dir)
    with (
        closing(Lock(work_dir)) if main else nullcontext() as lock,
        distributed.processes(device),
        closing(RunLog(work_dir, main, lock)) as log,
    ):
        try:
            if main:
                checkpoint.remove_leftovers(work_dir)
            source = find(work_dir, resume, log)
            require_agreement(source)
            runner = make_runner(experiment, work_dir, device, log, source, allow_data_change)
            return runner.train()
        except BaseException as error:
            log.info(f"stopped: {type(error).__name__}: {error}")
            raise


def make_runner(
    experiment: Experiment,
    work_dir: Path,
    device: torch.device,
    log: RunLog,
    source: tuple[Path, dict[str, Any]] | None,
    allow_data_change: bool = False,
) -> Runner:
    """Read the data, load the weights, make the runner; logs what the run is made of.

    Args:
        source: a checkpoint to go on from, and what was read from it.
    """
    settings, page = experiment.settings, without_secrets(experiment.page)
    set_backends(settings.deterministic, device)
    log.info(f"run directory {work_dir}  ({provenance.command()})")
    log.info("  ".join(f"{k} {v}" for k, v in provenance.versions().items()))
    dataset = experiment.dataset("train")
    log.info(f"train: {dataset.summary()}")
    batches = loader(experiment, dataset, train=True, device=device)
    val = experiment.dataset("val") if settings.val_interval else None
    if val is not None:
        log.info(f"val: {val.summary()}")
    look_at_images(experiment, {"train": dataset, "val": val}, log, work_dir)
    if source is None:
        _load_start(experiment, log)
        log.rewind(0, 0, 0)  # of an attempt that ended before its first checkpoint
    identity = {
        "page": json.dumps(page),
        "config": provenance.page_digest(page),
        "train": dataset.digest(),
        "val": val.digest() if val is not None else "",
        "hrpose": provenance.versions()["hrpose"],
    }
    if source is not None:
        compare(source[0], source[1]["meta"], identity, allow_data_change, log)
    runner = Runner(
        experiment.model, _optimizer(experiment, log), experiment.schedule, settings, batches,
        validator(experiment, val, device, log) if val is not None else None,
        experiment.higher_is_better(), log, work_dir, device, identity,
    )  # fmt: skip
    _say_size(runner, experiment, len(dataset), log)
    if source is not None:
        restore(runner, *source, allow_data_change)
        log.info(f"resumed from {source[0]} after {_where(runner)}")
    if distributed.rank() == 0:
        try:
            write_whole(work_dir / "config.py", config.as_python(page))
        except OSError as error:  # the page stands in each checkpoint too
            log.warning(f"could not write config.py: {error}")
    return runner


def _optimizer(experiment: Experiment, log: RunLog) -> Callable[..., torch.optim.Optimizer]:
    """From parameters to the page's optimizer, its rate scaled to the real batch where asked."""
    settings, data = experiment.settings, experiment.data
    real_batch = data.batch_size * distributed.world_size() * settings.accumulate
    scale = real_batch / (settings.base_batch_size or real_batch) if settings.auto_scale_lr else 1.0
    if settings.auto_scale_lr:
        log.info(
            f"learning rate times {scale:g}: {real_batch} animals a step instead of "
            f"{settings.base_batch_size}"
        )

    def make(params: Any) -> torch.optim.Optimizer:
        optimizer = experiment.optimizer(params)
        for group in optimizer.param_groups:
            group["lr"] *= scale
        return optimizer

    return make


def _say_size(runner: Runner, experiment: Experiment, animals: int, log: RunLog) -> None:
    """Log how large model and run are; RunError where a step has no animal for each process."""
    world, settings = distributed.world_size(), experiment.settings
    model, loader = experiment.model, runner.loader
    parameters = sum(p.numel() for p in model.parameters())
    log.info(
        f"{type(model.backbone).__name__}: {parameters / 1e6:.2f} M parameters on "
        f"{provenance.machine(runner.device)}, {runner.precision}; {settings.epochs} epochs of "
        f"{runner.iters_per_epoch} steps of {min(runner.step_size, animals)} animals "
        f"({world} process{'es' * (world > 1)}), {loader.num_workers} loader workers each"
    )
    if not len(loader):
        raise RunError(
            f"the training set has {animals} animals, fewer than the {world} processes; start "
            "fewer processes"
        )
    if animals < experiment.data.batch_size * world:
        log.warning(
            f"the training set has {animals} animals, fewer than a batch of "
            f"{experiment.data.batch_size * world}: each epoch is one smaller batch"
        )


def _where(runner: Runner) -> str:
    """How far a resumed run is."""
    progress = runner.progress
    if progress.step:
        return f"step {progress.step} of epoch {progress.epoch + 1}"
    if progress.stopped_early:
        return f"epoch {progress.epoch}: nothing is left to train, it stopped early"
    done = progress.epoch >= runner.settings.epochs
    return f"epoch {progress.epoch}" + ": nothing is left to train" * done


def _load_start(experiment: Experiment, log: RunLog) -> None:
    """Give the model its first weights: `load_from` (whole model), else `pretrained` (backbone)."""
    page = experiment.page
    part: Literal["model", "backbone"] = "model" if page.get("load_from") else "backbone"
    weights = page.get("load_from") or page.get("pretrained")
    if weights:
        path = distributed.local_first(fetch, weights, None, log.warning)
        log.info(load_weights(experiment.model, path, strict=False, part=part))
    else:
        log.info("weights: from scratch")
