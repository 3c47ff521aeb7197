"""What a training checkpoint must look like to be gone on from: it is data, and may be anything."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hrpose.errors import CheckpointError
from hrpose.rundir.generators import are_generator_states
from hrpose.rundir.state import Progress

_BEST_FILE = re.compile(r"best_[^/\\]+_epoch_(\d+)\.pth")
_COUNTS = (
    "epoch", "step", "iteration", "best_epoch", "unreadable", "skipped", "skipped_in_a_row",
)  # fmt: skip
_FROM_ONE = ("micro_batches", "attempt", "steps_per_epoch", "animals_per_step")
_TEXTS = ("page", "config", "train", "val", "hrpose", "best_file")
_MEMORY = dict.fromkeys(("Adam", "AdamW"), ("step", "exp_avg", "exp_avg_sq"))
"""What torch's optimizers remember of a parameter, without which they cannot make a step."""
_LIKE_THE_PARAMETER = ("exp_avg", "exp_avg_sq", "momentum_buffer")
_SCALER = ("scale", "growth_factor", "backoff_factor", "growth_interval", "_growth_tracker")


def progress_of(meta: Mapping[str, Any]) -> Progress:
    """How far the run of a checkpoint was, from its `meta`.

    Raises:
        CheckpointError: `meta` does not say it.
    """
    problem = _meta_fault(meta)
    if problem:
        raise CheckpointError(problem)
    return Progress(**{f.name: meta[f.name] for f in fields(Progress) if f.name in meta})


def fault_of(state: Mapping[str, Any]) -> str:
    """What is wrong with the content of a training checkpoint; empty if all of it can be used.

    A checkpoint of an older hrpose, which kept less, passes: `resume.compare` says what it lacks.
    """
    meta: Any = state.get("meta")
    if isinstance(meta, Mapping) and "page" not in meta:
        return ""
    problems: dict[str, Callable[[], bool]] = {
        "state_dict is no set of plain tensors": lambda: _is_tensors(state["state_dict"]),
        "train_state_dict is no set of plain tensors": lambda: (
            state["train_state_dict"] is None or _is_tensors(state["train_state_dict"])
        ),
        "ema_updates is no count": lambda: _is_count(state["ema_updates"]),
        "optimizer has no state and param_groups": lambda: _is_optimizer(state["optimizer"]),
        "scaler is not the state of a gradient scaler": lambda: _is_scaler(state["scaler"]),
        "losses are no row of numbers": lambda: (
            _is_plain(state["losses"])
            and state["losses"].ndim == 1
            and state["losses"].is_floating_point()
        ),
        "generators are not those of torch, NumPy and Python": lambda: are_generator_states(
            state["generators"]
        ),
    }
    for sentence, holds in problems.items():
        try:
            if not holds():
                return sentence
        except (KeyError, TypeError, AttributeError):
            return sentence
    problem = _meta_fault(meta)
    if not problem and len(state["losses"]) > meta["steps_per_epoch"]:
        return "losses are more than an epoch has steps"
    return problem


def misfit_of(
    state: Mapping[str, Any], page: Mapping[str, Any], model: nn.Module, optimizer: Optimizer
) -> str:
    """What of a training checkpoint does not fit the model and the optimizer of its own page;
    empty where all does, or where `page` is another one: `resume.compare` says what changed.

    Args:
        state: without a fault, see `fault_of`.
        page: of the run that is to go on.
        model: in outline; only names, shapes and types count. `optimizer`: of its parameters.
    """
    if "page" not in state["meta"]:
        return ""
    then, now = json.loads(state["meta"]["page"]), json.loads(json.dumps(page))
    if any(then.get(part) != now.get(part) for part in ("keypoints", "codec", "model")):
        return ""
    for name in ("state_dict", "train_state_dict"):
        weights = state[name]
        problem = "" if weights is None else _weights_misfit(weights, model.state_dict())
        if problem:
            return f"{name}.{problem}"
    kind = then.get("optimizer", {}).get("type")
    same = kind == now.get("optimizer", {}).get("type")
    return _optimizer_misfit(state["optimizer"], optimizer, kind) if same else ""


def _weights_misfit(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    for key in (*(expected.keys() - weights.keys()), *(weights.keys() - expected.keys())):
        return f"{key} is {'missing' if key in expected else 'not in the model'}"
    for key, there in weights.items():
        here = expected[key]
        same_kind = (there.is_floating_point(), there.is_complex()) == (
            here.is_floating_point(), here.is_complex()
        )  # fmt: skip
        if there.shape != here.shape or not same_kind:
            return (
                f"{key} is {tuple(there.shape)} of {there.dtype}, in the model "
                f"{tuple(here.shape)} of {here.dtype}"
            )
    return ""


def _optimizer_misfit(saved: Mapping[str, Any], optimizer: Optimizer, kind: Any) -> str:
    """What of the optimizer state `saved` the optimizer of the type `kind` cannot go on with."""
    numbers = [group["params"] for group in saved["param_groups"]]
    if numbers != [group["params"] for group in optimizer.state_dict()["param_groups"]]:
        return "optimizer.param_groups are those of another number of parameters"
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for number, memory in saved["state"].items():
        where = f"optimizer.state.{number}"
        if number not in range(len(parameters)):
            return f"{where} belongs to no parameter"
        for name in _MEMORY.get(kind, ()):
            if name not in memory:
                return f"{where} has no {name}"
        for name, value in memory.items():
            if name == "step":
                if not (_is_number(value) and 0 <= value < math.inf):
                    return f"{where}.step is no number of 0 or more"
            elif name in _LIKE_THE_PARAMETER and value is not None:
                parameter = parameters[number]
                if not isinstance(value, Tensor) or value.shape != parameter.shape:
                    return f"{where}.{name} has not the shape of its parameter"
    return ""


def _meta_fault(meta: Any) -> str:
    """What in a checkpoint's `meta` has another type or range than a run writes."""
    if not isinstance(meta, Mapping):
        return "meta is no dict"
    optional = {
        f.name for f in fields(Progress) if f.default is not MISSING and f.name == "attempt"
    }
    for name in (*_COUNTS, *_FROM_ONE):
        least = int(name in _FROM_ONE)
        if not (_is_count(meta.get(name), least) or (name in optional and name not in meta)):
            return f"meta.{name} is {meta.get(name)!r:.60}, expected a number from {least} on"
    for name in _TEXTS:
        if not isinstance(meta.get(name), str):
            return f"meta.{name} is {meta.get(name)!r:.60}, expected a text"
    best = meta.get("best")
    if best is not None and not (type(best) in (int, float) and math.isfinite(best)):
        return f"meta.best is {best!r:.60}, expected a finite number or None"
    first = meta.get("first_loss")
    if first is not None and not (type(first) in (int, float) and 0 < first < math.inf):
        return f"meta.first_loss is {first!r:.60}, expected a number above 0 or None"
    if type(meta.get("stopped_early")) is not bool:
        return f"meta.stopped_early is {meta.get('stopped_early')!r:.60}, expected True or False"
    named = _BEST_FILE.fullmatch(meta["best_file"])
    if meta["best_file"] and not (named and int(named[1]) == meta["best_epoch"]):
        return (
            f"meta.best_file is {meta['best_file']!r:.80}, expected "
            f"best_<metric>_epoch_{meta['best_epoch']}.pth"
        )
    steps = meta["steps_per_epoch"]
    if meta["step"] > steps or meta["iteration"] != meta["epoch"] * steps + meta["step"]:
        return (
            f"meta.iteration is {meta['iteration']}, but {meta['epoch']} epochs of {steps} steps "
            f"and {meta['step']} steps are others"
        )
    try:
        page = json.loads(meta["page"])
    except (ValueError, RecursionError):
        page = None
    if not isinstance(page, dict) or not isinstance(page.get("runner"), dict):
        return "meta.page is no config page"
    return ""


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value < 2**63


def _is_plain(value: Any) -> bool:
    """Whether `value` is a tensor with its numbers in it: dense, on the CPU, not quantised."""
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_nested
        and value.untyped_storage().nbytes() >= value.numel() * value.element_size()
    )


def _is_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and _is_plain(item) for key, item in value.items()
    )


def _is_scaler(value: Any) -> bool:
    """Whether `value` is the state of a gradient scaler; an empty one is of a run without."""
    return isinstance(value, Mapping) and (
        not value or all(_is_number(value[name]) and value[name] >= 0 for name in _SCALER)
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, Tensor):
        return _is_plain(value) and value.numel() == 1 and not value.is_complex()
    return type(value) in (int, float)


def _is_optimizer(value: Any) -> bool:
    groups, memories = value["param_groups"], value["state"]
    return (
        isinstance(groups, list)
        and all(isinstance(group, Mapping) and "params" in group for group in groups)
        and isinstance(memories, Mapping)
        and all(
            isinstance(memory, Mapping)
            and all(_is_plain(v) or not isinstance(v, Tensor) for v in memory.values())
            for memory in memories.values()
        )
    )
