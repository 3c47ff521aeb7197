"""What a run says of itself: at its start, between log lines, after a validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch

from hrpose.processes import distributed
from hrpose.processes.sharing import crowded
from hrpose.rundir import provenance
from hrpose.rundir.log import RunLog
from hrpose.rundir.meter import Meter, duration, memory
from hrpose.rundir.state import RunState, steps_of


def say_origin(work_dir: Path, log: RunLog) -> None:
    """Where the run is, how it was started, with which versions."""
    log.info(f"run directory {work_dir}  ({provenance.command()})")
    log.info("  ".join(f"{k} {v}" for k, v in provenance.versions().items()))


def say_size(
    state: RunState,
    name: str,
    arithmetic: str,
    epochs: int,
    animals: int,
    workers: int,
    log: RunLog,
) -> None:
    """How large model and run are.

    Args:
        name: of the backbone; `arithmetic`: such as 'bf16'.
        animals: of the training set; `workers`: loader processes of each process.
    """
    world, (steps, step_size) = distributed.world_size(), steps_of(state.identity)
    parameters = list(state.model.parameters())
    busy = crowded()
    log.info(
        f"{name}: {sum(p.numel() for p in parameters) / 1e6:.2f} M parameters on "
        f"{provenance.machine(parameters[0].device)}, {arithmetic}; {epochs} epochs of "
        f"{steps} steps of {min(step_size, animals)} animals "
        f"({world} process{'es' * (world > 1)}), {workers} loader workers each"
        + (f"; {busy}" if busy else "")
    )


def say_training(
    state: RunState,
    losses: torch.Tensor,
    meter: Meter,
    epochs: int,
    log: RunLog,
    device: torch.device,
) -> None:
    """One line of progress; the only place where losses leave a GPU.

    Args:
        losses: since the last line, means over the processes.
        epochs: of the whole run.
    """
    progress, world = state.progress, distributed.world_size()
    steps = steps_of(state.identity)[0]
    mean = losses.nanmean().item()
    loss = mean if math.isfinite(mean) else None  # None: every step was skipped
    rate = state.optimizer.param_groups[0]["lr"]
    images, seconds, wait = meter.speed()
    left = epochs * steps - progress.iteration
    log.info(
        f"epoch {progress.epoch + 1}/{epochs} step {progress.step}/{steps}"
        f"  loss {mean:.6f}  lr {rate:.2e}  {images * world:.1f} img/s  data wait {wait:.1%}  "
        f"{memory(device)}  ETA {duration(left * seconds)}"
    )
    if advice := meter.advice(wait, device.type == "cpu"):
        log.warning(advice)
    log.row("train", progress.epoch, progress.iteration, loss=loss, lr=rate)
    log.board(
        progress.iteration, train__loss=loss, train__lr=rate, speed__img_per_s=images * world,
        speed__data_wait=wait,
    )  # fmt: skip


def say_validation(
    values: Mapping[str, float | None], number: int, iteration: int, log: RunLog
) -> None:
    """The metrics after epoch `number`, in words, as a row, on the board and as a curve."""
    shown = ", ".join(f"{k} {v:.4f}" for k, v in values.items() if v is not None)
    log.info(f"epoch {number} validation: {shown}")
    log.row("val", number, iteration, metrics=dict(values))
    log.board(iteration, **{f"val__{k}": v for k, v in values.items()})
    log.curves()
