"""The whole state of a run, to and from the dict that a checkpoint holds."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hrpose.errors import CheckpointError
from hrpose.processes import distributed

if TYPE_CHECKING:
    from hrpose.engine.runner import Runner


@dataclass
class Progress:
    """How far a run is.

    While an epoch is validated, `step` is its last one and `epoch` does not count it yet.
    """

    epoch: int = 0
    """Finished epochs."""
    step: int = 0
    """Optimizer steps done of the epoch that is not finished."""
    iteration: int = 0
    """Optimizer steps done in all."""
    best: float | None = None
    best_epoch: int = 0
    best_file: str = ""
    unreadable: int = 0
    """Images that could not be read."""
    skipped: int = 0
    """Steps without effect, since their gradient was not finite."""
    skipped_in_a_row: int = 0
    """Of these, those since the last good step."""
    micro_batches: int = 1
    """Parts in which a batch goes through the network, because memory was short."""
    stopped_early: bool = False


def weights(run: Runner) -> dict[str, Any]:
    """The weights to test with, and how they came about."""
    steps = {"steps_per_epoch": run.iters_per_epoch, "animals_per_step": run.step_size}
    return {
        "state_dict": run.evaluated.state_dict(),
        "meta": {**vars(run.progress), **run.identity, **steps},
    }


def snapshot(run: Runner, losses: torch.Tensor) -> dict[str, Any]:
    """All that a run needs to go on as if nothing had happened.

    Args:
        losses: those since the last log line.
    """
    return {
        **weights(run),
        "train_state_dict": run.model.state_dict() if run.ema else None,
        "ema_updates": run.ema.updates if run.ema else 0,
        "optimizer": run.optimizer.state_dict(),
        "scaler": run.scaler.state_dict(),
        "generators": generator_states(),
        "losses": losses,
    }


def restore(run: Runner, path: Path, state: dict[str, Any], allow_data_change: bool) -> None:
    """Put `state`, read from `path`, back into `run`: weights, optimizer, counters, generators.

    Args:
        allow_data_change: go on from the start of the epoch where the data make other steps.

    Raises:
        CheckpointError: the state is not one of such a run.
    """
    meta, progress = state["meta"], run.progress
    run.keeper.whole = path
    try:
        run.model.load_state_dict(state["train_state_dict"] or state["state_dict"])
        if run.ema:
            run.ema.model.load_state_dict(state["state_dict"])
            run.ema.updates = state["ema_updates"]
        run.optimizer.load_state_dict(_with_settings_of(run.optimizer, state["optimizer"]))
    except (RuntimeError, ValueError, KeyError) as error:
        lines = str(error).splitlines()
        raise CheckpointError(
            f"{path}: does not fit this config ({' '.join(lines[:2]).strip()[:200]}); "
            "resume with the config of that run"
        ) from error
    if state["scaler"]:  # else that run needed none
        run.scaler.load_state_dict(state["scaler"])
    set_generator_states(state["generators"])
    vars(progress).update({name: meta[name] for name in vars(progress)})
    losses = state["losses"].to(run.device)
    made = meta["steps_per_epoch"], meta["animals_per_step"]
    if made != (run.iters_per_epoch, run.step_size):
        if not allow_data_change:
            raise CheckpointError(
                f"{path}: an epoch of that run had {made[0]} steps of {made[1]} animals, with this "
                f"config and number of processes it has {run.iters_per_epoch} of {run.step_size}; "
                "keep processes * data.batch_size * runner.accumulate as they were"
            )
        progress.step, progress.iteration = 0, progress.epoch * run.iters_per_epoch
        losses = losses[:0]
    _restore_best(run, meta)
    run.meter.reset(losses)
    run.log.rewind(progress.epoch, progress.step, progress.iteration)


def _restore_best(run: Runner, meta: dict[str, Any]) -> None:
    """Forget the best value where it does not hold any more, and an early stop with it."""
    progress, settings = run.progress, run.settings
    before = json.loads(meta["page"])["runner"]
    other_data = meta["val"] and run.identity["val"] and meta["val"] != run.identity["val"]
    if before.get("save_best") != settings.save_best or other_data:
        progress.best, progress.best_epoch, progress.best_file = None, progress.epoch, ""
        progress.stopped_early = False
    if before.get("early_stop") != settings.early_stop:
        progress.stopped_early = False
    name = progress.best_file
    if name and not distributed.broadcast((run.work_dir / name).is_file()):
        run.log.warning(
            f"the best weights so far, {name}, are not in {run.work_dir}: the best of the epochs "
            "from here on is kept"
        )
        progress.best, progress.best_file = None, ""


def _with_settings_of(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> dict[str, Any]:
    """`saved`, an optimizer's state, with the settings of `optimizer` in place of its own.

    So a changed weight decay counts, and a fused kernel finds its counters on its device. The rate
    stays: each step sets it.
    """
    groups = zip(saved["param_groups"], optimizer.param_groups, strict=True)
    return {
        **saved,
        "param_groups": [
            {**old, **{key: new[key] for key in new if key not in ("params", "lr")}}
            for old, new in groups
        ],
    }


def generator_states() -> dict[str, Any]:
    """The states of the global generators, as tensors and plain numbers."""
    numpy: Any = np.random.get_state()  # noqa: NPY002 - users' code may use it
    kind, keys, position, has_gauss, gauss = numpy
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        "python": random.getstate(),
    }


def set_generator_states(states: dict[str, Any]) -> None:
    """Put back what `generator_states` gave."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    random.setstate(states["python"])
