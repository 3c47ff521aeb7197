"""What a training checkpoint must look like to be gone on from: it is data, and may be anything."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

import torch

from hrpose.errors import CheckpointError
from hrpose.rundir.state import Progress

_BEST_FILE = re.compile(r"best_[^/\\]+_epoch_\d+\.pth")
_COUNTS = (
    "epoch", "step", "iteration", "best_epoch", "unreadable", "skipped", "skipped_in_a_row",
)  # fmt: skip
_FROM_ONE = ("micro_batches", "attempt", "steps_per_epoch", "animals_per_step")
_TEXTS = ("page", "config", "train", "val", "hrpose", "best_file")


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
    meta = state.get("meta")
    if isinstance(meta, Mapping) and "page" not in meta:
        return ""
    problems: dict[str, Callable[[], bool]] = {
        "state_dict is no set of plain tensors": lambda: _is_tensors(state["state_dict"]),
        "train_state_dict is no set of plain tensors": lambda: (
            state["train_state_dict"] is None or _is_tensors(state["train_state_dict"])
        ),
        "ema_updates is no count": lambda: _is_count(state["ema_updates"]),
        "optimizer has no state and param_groups": lambda: _is_optimizer(state["optimizer"]),
        "scaler is no dict of numbers": lambda: _is_numbers(state["scaler"]),
        "losses are no row of numbers": lambda: (
            _is_plain(state["losses"])
            and state["losses"].ndim == 1
            and state["losses"].is_floating_point()
        ),
        "generators are not those of torch, NumPy and Python": lambda: (
            {"torch", "cuda", "numpy", "python"} <= set(state["generators"])
            and _is_plain(state["generators"]["torch"])
        ),
    }
    for sentence, holds in problems.items():
        try:
            if not holds():
                return sentence
        except (KeyError, TypeError, AttributeError):
            return sentence
    return _meta_fault(meta)


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
    if best is not None and type(best) not in (int, float):
        return f"meta.best is {best!r:.60}, expected a number or None"
    if type(meta.get("stopped_early")) is not bool:
        return f"meta.stopped_early is {meta.get('stopped_early')!r:.60}, expected True or False"
    if meta["best_file"] and not _BEST_FILE.fullmatch(meta["best_file"]):
        return f"meta.best_file is {meta['best_file']!r:.80}, expected best_<metric>_epoch_<N>.pth"
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
        isinstance(value, torch.Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_nested
    )


def _is_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and _is_plain(item) for key, item in value.items()
    )


def _is_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(item, int | float) or _is_plain(item) for item in value.values()
    )


def _is_optimizer(value: Any) -> bool:
    groups, memories = value["param_groups"], value["state"]
    return (
        isinstance(groups, list)
        and all(isinstance(group, Mapping) and "params" in group for group in groups)
        and isinstance(memories, Mapping)
        and all(
            isinstance(memory, Mapping)
            and all(_is_plain(v) or not isinstance(v, torch.Tensor) for v in memory.values())
            for memory in memories.values()
        )
    )
