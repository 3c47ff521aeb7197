"""A training run from its page to its last epoch, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from hrpose import config
from hrpose.config.registry import build
from hrpose.engine.evaluate import Evaluator
from hrpose.engine.experiment import Experiment, prepare
from hrpose.engine.guards.start import (
    look_at_images,
    misfit,
    require_same_run,
    require_sound_labels,
    require_statistics,
    require_steps,
    require_targets,
)
from hrpose.engine.loading import loader, size_of_epoch
from hrpose.engine.placement import grad_scaler, on_device, resolve_precision
from hrpose.engine.runner import Runner
from hrpose.errors import HrposeError
from hrpose.models.ema import EMA
from hrpose.models.weights import load_weights
from hrpose.processes import distributed
from hrpose.processes.device import arithmetic, choose_device, set_backends
from hrpose.rundir import checkpoints, provenance
from hrpose.rundir.keeper import Keeper
from hrpose.rundir.lock import Lock
from hrpose.rundir.log import RunLog
from hrpose.rundir.resume import compare, find, require_agreement, require_free, restore
from hrpose.rundir.said import say_origin, say_size
from hrpose.rundir.state import Progress, RunState
from hrpose.storage.addresses import without_secrets
from hrpose.storage.download import fetch
from hrpose.storage.whole_file import write_whole

if TYPE_CHECKING:
    from hrpose.datasets.base import PoseDataset


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
    public = without_secrets(page)
    settings = experiment.settings
    device = choose_device(settings.device)
    require_free(work_dir, resume)
    with _run_directory(work_dir, device) as log:
        source = find(work_dir, resume, partial(misfit, experiment), log)
        require_agreement(source)
        set_backends(settings.deterministic, device, settings.tf32)
        say_origin(work_dir, log)
        dataset, val = _data_sets(experiment, log, work_dir)
        batches = loader(experiment, dataset, train=True, device=device)
        require_steps(batches, experiment.data.batch_size, len(dataset), log)
        require_statistics(experiment, batches)
        require_targets(dataset, experiment.codec)
        evaluator = Evaluator.of(experiment, val, device, log) if val is not None else None
        identity = provenance.identity(public, dataset, val) | size_of_epoch(batches, settings)
        require_same_run(identity)
        if source is not None:
            compare(*source, identity, allow_data_change, log)
        else:
            _load_start(experiment, log)
            log.rewind(0, 0, 0)  # of an attempt that ended before its first checkpoint
        runner = make_runner(experiment, identity, batches, evaluator, work_dir, log, device)
        name, workers = type(experiment.model.backbone).__name__, batches.num_workers
        told = arithmetic(runner.precision, device)
        say_size(runner.state, name, told, settings.epochs, len(dataset), workers, log)
        if source is not None:
            restore(runner.state, *source, settings, runner.keeper, log)
        _write_page(public, work_dir, log)
        if runner.precision != "fp32" and val is not None:
            log.info(
                f"validated in {runner.precision}, as it is trained: config.py of this run tests "
                "so too; a page with runner.precision='fp32' gives slightly other digits"
            )
        return runner.train()


def make_runner(
    experiment: Experiment,
    identity: dict[str, Any],
    batches: Any,
    evaluator: Evaluator | None,
    work_dir: Path,
    log: RunLog,
    device: torch.device,
) -> Runner:
    """The model on its device, its optimizer and all around them, as a new run begins.

    Args:
        identity: what the run is made of, the size of an epoch included.
        batches: the loader of the training set.
    """
    settings = experiment.settings
    model = on_device(experiment.model, settings, device)
    optimizer = experiment.optimizer(model.parameters(), _rate_factor(experiment, log))
    scaler = grad_scaler(resolve_precision(settings.precision, device), device)
    ema = EMA(model, settings.ema) if settings.ema else None
    state = RunState(model, optimizer, scaler, ema, identity)
    keeper = Keeper(
        work_dir, settings.keep_checkpoints, settings.save_best, log, settings.save_minutes
    )
    return Runner(
        state, experiment.schedule, settings, batches, evaluator, experiment.higher_is_better(),
        keeper, log, device,
    )  # fmt: skip


@contextmanager
def _run_directory(work_dir: Path, device: torch.device) -> Iterator[RunLog]:
    """Hold the run directory, join the other processes, keep the log; which says how it ended."""
    first = distributed.launched().is_first
    with (
        closing(Lock(work_dir)) if first else nullcontext() as lock,
        distributed.processes(device),
        closing(RunLog(work_dir, first, lock)) as log,
    ):
        try:
            if first:
                checkpoints.remove_leftovers(work_dir)
            yield log
        except BaseException as error:
            say = log.keep if isinstance(error, HrposeError) else log.info  # commands show those
            say(f"stopped: {type(error).__name__}: {error}")
            raise


def _data_sets(
    experiment: Experiment, log: RunLog, work_dir: Path
) -> tuple[PoseDataset, PoseDataset | None]:
    """The training set, and the validation set where there is to be one; their images looked at."""
    dataset = experiment.dataset("train")
    log.info(f"train: {dataset.summary()}")
    val = experiment.dataset("val") if experiment.settings.val_interval else None
    if val is not None:
        log.info(f"val: {val.summary()}")
    require_sound_labels({"train": dataset, "val": val}, log)
    look_at_images(experiment, {"train": dataset, "val": val}, log, work_dir)
    return dataset, val


def _load_start(experiment: Experiment, log: RunLog) -> None:
    """Give the model its first weights: `load_from` (whole model), else `pretrained` (backbone)."""
    page = experiment.page
    start = page.get("load_from")
    part: Literal["model", "backbone"] = "model" if start else "backbone"
    trained = build(start, "load_from") if isinstance(start, dict) else None
    other = (trained, experiment.meta.names) if trained else None
    weights = (trained.checkpoint if trained else start) or page.get("pretrained")
    if weights:
        path = distributed.local_first(fetch, weights, None, log.warning)
        log.info(load_weights(experiment.model, path, strict=False, part=part, other=other))
    else:
        log.info("weights: from scratch")


def _rate_factor(experiment: Experiment, log: RunLog) -> float:
    """What the learning rate is multiplied by, for the real batch, where that is asked for."""
    settings = experiment.settings
    if not settings.auto_scale_lr or not settings.base_batch_size:
        return 1.0
    batch = experiment.data.batch_size * distributed.world_size() * settings.accumulate
    factor = batch / settings.base_batch_size
    log.info(
        f"learning rate times {factor:g}: {batch} animals a step instead of "
        f"{settings.base_batch_size}"
    )
    return factor


def _write_page(page: dict[str, Any], work_dir: Path, log: RunLog) -> None:
    if distributed.rank() == 0:
        try:
            write_whole(work_dir / "config.py", config.as_python(page))
        except OSError as error:  # the page stands in each checkpoint too
            log.warning(f"could not write config.py: {error}")
