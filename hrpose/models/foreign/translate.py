"""Weights as other programs name them: their keys to ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate

from torch import Tensor

from hrpose.models.foreign import deeplabcut
from hrpose.models.foreign.foreign import Foreign

_COMPILED = "_orig_mod."
"""What torch.compile puts before the names of a module."""


def translated(state: Mapping[str, Tensor], ours: Iterable[str]) -> Foreign:
    """`state` under our keys, as far as they can be told.

    Knows wrappers around a network (DistributedDataParallel's 'module.', Lightning's 'model.',
    torch.compile's '_orig_mod.') with what AveragedModel or a Lightning module keeps beside it,
    MMPose 1.x, the moving average of mmcv's EMAHook, the original HRNet's pose models, and
    DeepLabCut's snapshots.

    Args:
        ours: the keys of what is loaded into: the model, or its backbone alone.
    """
    ours = list(ours)
    found = Foreign({key.replace(_COMPILED, ""): value for key, value in state.items()})
    if any(_COMPILED in key for key in state):
        found.changes.append(f"'{_COMPILED}' taken off")
    if deeplabcut.is_snapshot(found.entries):
        deeplabcut.to_ours(found, ours)
        return found
    averages = {f"ema_{key.replace('.', '_')}" for key in found.entries} & found.entries.keys()
    found.set_aside(
        sorted(averages), "moving average of mmcv's EMAHook; the weights beside it are taken"
    )
    wrapper = _wrapper(found.entries, ours)
    if wrapper:
        outside = [key for key in found.entries if not key.startswith(wrapper)]
        found.set_aside(outside, f"beside the network, which is '{wrapper}'")
        found.entries = {key[len(wrapper) :]: value for key, value in found.entries.items()}
    if wrapper not in ("", "module."):
        found.changes.append(f"'{wrapper}' taken off")
    found.set_aside(
        [key for key in found.entries if key.startswith("data_preprocessor.")],
        "normalisation of MMPose 1.x; the page's is taken",
    )
    starts = {key.split(".")[0] for key in found.entries}
    if "head" in starts and "keypoint_head" not in starts:
        found.rename("head.", "keypoint_head.", "MMPose 1.x")
    # a bare backbone, as of ImageNet, is no pose model, and is not taken for one
    whole = any(key.startswith("backbone.") for key in ours)
    if whole and "backbone" not in starts and "final_layer.weight" in found.entries:
        found.rename("", "backbone.", "the original HRNet")
        found.rename("backbone.final_layer.", "keypoint_head.final_layer.", "the original HRNet")
    return found


def _wrapper(entries: Iterable[str], ours: Iterable[str]) -> str:
    """What stands before the names of the network, all that it is: '' or one or more 'name.'."""
    keys = list(entries)
    known = {key.removeprefix("backbone.") for key in ours}
    counts: dict[str, int] = {"": 0}
    for key in keys:
        parts = key.split(".")
        for start in ["", *accumulate(f"{part}." for part in parts[:-1])]:
            counts[start] = counts.get(start, 0) + (
                key[len(start) :].removeprefix("backbone.") in known
            )
    best = max(counts.values())
    return next(start for start, count in sorted(counts.items(), key=_length) if count == best)


def _length(item: tuple[str, int]) -> int:
    return len(item[0])
