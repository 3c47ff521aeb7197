"""All that a run needs to go on as if nothing had happened: to a checkpoint's dict, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import nn

from hrpose.errors import CheckpointError
from hrpose.rundir.generators import generator_states, set_generator_states
from hrpose.rundir.losses import Losses

Model = TypeVar("Model", bound=nn.Module)


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
    first_loss: float | None = None
    """Of the first step with a target, as if every point had one; None before it, or where it is 0
    or less."""
    best: float | None = None
    best_epoch: int = 0
    best_file: str = ""
    unreadable: int = 0
    """Images that could not be read."""
    skipped: int = 0
    """Steps without effect, since their gradient was not finite."""
    skipped_in_a_row: int = 0
    """Of these, those since the last good step; without those that lowered the scale of fp16."""
    micro_batches: int = 1
    """Parts in which a batch goes through the network, because memory was short."""
    stopped_early: bool = False
    attempt: int = 1
    """How often the run was begun or gone on with, each a higher number than all before it in the
    run directory; so of two checkpoints the newer one is known, whatever the clock says."""


class Average(Protocol[Model]):
    """A moving average of the weights."""

    model: Model
    updates: int

    def update(self, model: Model) -> None:
        """Follow `model` by one optimizer step."""


@dataclass
class RunState(Generic[Model]):
    """What training changes, and what it is made of.

    Args:
        ema: moving average of the weights, where there is one.
        identity: page, digests, size of a step; stands in the checkpoints.
    """

    model: Model
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    ema: Average[Model] | None
    identity: dict[str, Any]
    progress: Progress = field(default_factory=Progress)
    losses: Losses = field(default_factory=Losses)

    @property
    def evaluated(self) -> Model:
        """The model to validate and to keep: the moving average where there is one."""
        return self.ema.model if self.ema else self.model

    def weights(self) -> dict[str, Any]:
        """The weights to test with, and how they came about."""
        return {
            "state_dict": self.evaluated.state_dict(),
            "meta": {**vars(self.progress), **self.identity},
        }

    def snapshot(self) -> dict[str, Any]:
        """The content of a training checkpoint; of several processes all must ask together."""
        return {
            **self.weights(),
            "train_state_dict": self.model.state_dict() if self.ema else None,
            "ema_updates": self.ema.updates if self.ema else 0,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "generators": generator_states(),
            "losses": self.losses.values(),
        }

    def restore(self, path: Path, saved: dict[str, Any]) -> None:
        """Take over `saved`, a snapshot read from `path`.

        Where an epoch had other steps, as other data make them, it begins anew.

        Raises:
            CheckpointError: it is not a snapshot of such a run.
        """
        meta, progress = saved["meta"], self.progress
        try:
            self.model.load_state_dict(saved["train_state_dict"] or saved["state_dict"])
            if self.ema:
                self.ema.model.load_state_dict(saved["state_dict"])
                self.ema.updates = saved["ema_updates"]
            _restore_memory(self.optimizer, saved["optimizer"])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            lines = str(error).splitlines()
            raise CheckpointError(
                f"{path}: does not fit this config ({' '.join(lines[:2]).strip()[:200]}); "
                "resume with the config of that run"
            ) from error
        if saved["scaler"]:  # else that run needed none
            self.scaler.load_state_dict(saved["scaler"])
        set_generator_states(saved["generators"])
        vars(progress).update({name: meta[name] for name in vars(progress) if name in meta})
        losses = saved["losses"].to(next(self.model.parameters()).device)
        if steps_of(meta) != steps_of(self.identity):
            progress.step, progress.iteration = 0, progress.epoch * steps_of(self.identity)[0]
            losses = losses[:0]
        self.losses.begin(losses)


def host_copy(value: Any) -> Any:
    """Nested dicts, lists and tuples with all tensors copied to the host as they lie in memory.

    Two tensors of the same memory, as of a snapshot and of the weights in it, become one copy.

    Raises:
        RuntimeError: there is no room for it.
    """
    return _copied(value, {})


def _copied(value: Any, copies: dict[Any, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        place = value.device, value.data_ptr(), value.dtype, value.shape, value.stride()
        if place not in copies:
            copies[place] = value.detach().to("cpu", copy=True)
        return copies[place]
    if isinstance(value, Mapping):
        return {key: _copied(item, copies) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(item, copies) for item in value)
    return value


def steps_of(identity: dict[str, Any]) -> tuple[int, int]:
    """Steps of an epoch, and animals of a full step over all processes."""
    return identity["steps_per_epoch"], identity["animals_per_step"]


def _restore_memory(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Give each parameter of `optimizer` its memory (moments, momentum) out of its state `saved`.

    The settings of `optimizer` stay, so that a changed weight decay counts; the rate is that of
    each step. The memory takes the place, type and layout of its parameter, whatever those of the
    run before were: a fused kernel wants its counters on its device, and walks through parameter
    and memory as both lie, whether or not they lie alike.
    """
    new = dict(optimizer.state)  # such as a momentum that the run before had not
    groups = zip(saved["param_groups"], optimizer.param_groups, strict=True)
    kept = [
        {**old, **{key: group[key] for key in group if key not in ("params", "lr")}}
        for old, group in groups
    ]
    optimizer.load_state_dict({**saved, "param_groups": kept})
    for parameter, first in new.items():
        optimizer.state[parameter] = {**first, **optimizer.state[parameter]}
    for parameter, memory in optimizer.state.items():
        for name, value in memory.items():
            alike = isinstance(value, torch.Tensor) and value.shape == parameter.shape
            if alike and value.stride() != parameter.stride():
                memory[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
