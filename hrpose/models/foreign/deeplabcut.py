"""Snapshots of DeepLabCut 3 (PyTorch): top-down HRNet, keys to ours and back.

DeepLabCut takes its HRNet from timm, which keeps the original names, and which fuses all four
branches once more at the end; the three coarse results are used by nothing.

Legend: K keypoints, C channels of the finest branch.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor

from hrpose.models.foreign.foreign import Foreign
from hrpose.models.hrnet import HRModule

_BACKBONE, _HEADS = "backbone.model.", "heads."
_DECONV = "heads.bodypart.heatmap_head.deconv_layers.0."
"""SuperAnimal's head: a transposed convolution of one cell, its weight (C, K, 1, 1)."""
_CONV = "heads.bodypart.heatmap_head.final_conv."
"""The head of a project: a convolution, its weight (K, C, 1, 1) as ours."""
_REFINEMENT = "heads.bodypart.locref_head.final_conv."
_UNUSED = re.compile(r"backbone\.model\.stage4\.2\.fuse_layers\.[123]\.")
_WIDER = re.compile(r"backbone\.model\.(incre_modules|downsamp_modules|final_layer)\.")
_MARK = "stage2.0.branches.0.0.conv1.weight"
_OUR_LAYER, _OUR_REFINEMENT = "keypoint_head.final_layer.", "keypoint_head.refinement_layer."


def is_snapshot(state: Iterable[str]) -> bool:
    """Whether the keys `state` are those of a pose model or a detector of DeepLabCut."""
    keys = list(state)
    pose = any(key.startswith(_BACKBONE) for key in keys)
    return (pose and any(key.startswith(_HEADS) for key in keys)) or _is_detector(keys)


def to_ours(found: Foreign, ours: Collection[str]) -> None:
    """Rename the entries of `found`, a snapshot, and say what is left out of it.

    Args:
        ours: the keys of what is loaded into: the model, or its backbone alone, for which the
            heads do not matter.
    """
    whole = any(key.startswith("backbone.") for key in ours)
    found.problems += _problems(found.entries, whole)
    if found.problems:
        return
    found.set_aside(
        [key for key in found.entries if _UNUSED.match(key)], "coarse outputs of stage 4"
    )
    found.rename(_BACKBONE, "backbone.", "DeepLabCut")
    if not whole:
        return
    head = next(start for start in (_DECONV, _CONV) if f"{start}weight" in found.entries)
    if head == _DECONV:
        weight = found.entries[f"{_DECONV}weight"]
        found.entries[f"{_DECONV}weight"] = weight.transpose(0, 1).contiguous()
    found.rename(head, _OUR_LAYER, "DeepLabCut")
    if f"{_OUR_REFINEMENT}weight" in ours:
        found.rename(_REFINEMENT, _OUR_REFINEMENT, "DeepLabCut")
    found.set_aside(
        [key for key in found.entries if key.startswith(_REFINEMENT)],
        "location refinement; model.head.type RefinementHead and codec.refinement True take it",
    )


def from_ours(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries `state` of a TopDown with HRNet and a head of one 1x1 convolution, as DeepLabCut
    names them: with a head as SuperAnimal's, or with location refinement as a project's.

    DeepLabCut asks for the fusions that nothing uses, too; here their convolutions are zeros.
    """
    refined = f"{_OUR_REFINEMENT}weight" in state
    layer = _CONV if refined else _DECONV
    starts = {"backbone.": _BACKBONE, _OUR_LAYER: layer, _OUR_REFINEMENT: _REFINEMENT}
    entries = {}
    for key, value in state.items():
        start = next(start for start in starts if key.startswith(start))
        entries[starts[start] + key[len(start) :]] = value
    if not refined:
        entries[f"{layer}weight"] = entries[f"{layer}weight"].transpose(0, 1).contiguous()
    width = len(state[f"backbone.{_MARK}"])
    with torch.random.fork_rng(devices=[]):  # modules draw first weights
        module = HRModule([width, 2 * width, 4 * width, 8 * width], 4)
    for key, value in module.fuse_layers.state_dict(prefix="stage4.2.fuse_layers.").items():
        if _UNUSED.match(_BACKBONE + key):
            entries[_BACKBONE + key] = torch.zeros_like(value) if value.ndim == 4 else value
    return entries


def _problems(state: Mapping[str, Tensor], whole: bool) -> list[str]:
    """Why the snapshot `state` cannot be one of our models, in words."""
    if _is_detector(state):
        return ["it is a detector of DeepLabCut; its pose model is another file"]
    if f"{_BACKBONE}{_MARK}" not in state:
        return ["it is of DeepLabCut with another network than HRNet"]
    if not whole:
        return []
    if any(_WIDER.match(key) for key in state):
        return ["it is an HRNet of DeepLabCut with more layers (increased_channel_count)"]
    heads = [key for key in state if key.startswith(_HEADS) and not key.startswith(_REFINEMENT)]
    layers = {key.rpartition(".")[0] + "." for key in heads}
    size = state[heads[0]].shape[2:] if layers == {_DECONV} else (1, 1)
    if layers not in ({_DECONV}, {_CONV}) or tuple(size) != (1, 1):
        found = ", ".join(sorted(layer.removeprefix(_HEADS)[:-1] for layer in layers))
        return [f"its head is not one 1x1 convolution to heatmaps (it has {found})"]
    return []


def _is_detector(state: Iterable[str]) -> bool:
    """Whether the keys `state` are those of one of torchvision's detectors."""
    parts = {part for key in state for part in key.split(".")[:3]}
    return {"rpn", "roi_heads"} <= parts or {"classification_head", "regression_head"} <= parts
