"""Weights from a file or an address into a model, and one line that says what happened to them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from hrpose.errors import CheckpointError
from hrpose.models.channels import FINAL_LAYER, TrainedModel, with_channels
from hrpose.models.foreign.translate import translated
from hrpose.models.soundness import faults, layers, learned
from hrpose.storage import checkpoint_file
from hrpose.storage.addresses import without_secrets
from hrpose.storage.download import fetch

COUNTER = "num_batches_tracked"  # absent from weights saved before torch 0.4.1; has no effect
WIDTH_KEY = "stage2.0.branches.0.0.conv1.weight"
_PLACES = ("state_dict", "model", "pose")
"""Where files hold their weights."""
UNUSED_BY_POSE = {
    "classification head": r"incre_modules\.|downsamp_modules\.|final_layer\.|classifier\.",
    "coarse outputs of stage 4": r"stage4\.2\.fuse_layers\.[123]\.",
}
"""Entries of ImageNet weights that the backbone of a pose estimator does without."""


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """The weights in a checkpoint file, on the CPU; nothing in the file is executed.

    Takes MMPose's and Lightning's files (under 'state_dict'), DeepLabCut's (under 'model', exported
    under 'pose') and bare state dicts; keys stay as they are.
    """
    path = Path(path)
    return _weights_in(checkpoint_file.read(path), path)


def width_of(content: Any, path: Path) -> int | None:
    """Channels of the finest branch of the HRNet in a checkpoint; None where it is no HRNet.

    Args:
        content: what `storage.checkpoint_file.read` gave for `path`.
    """
    state = _weights_in(content, path)
    keys = [key for key in state if key.endswith(WIDTH_KEY)]
    return len(state[keys[0]]) if keys else None


def _weights_in(content: Any, path: Path) -> dict[str, Tensor]:
    state = content
    if isinstance(content, dict):
        state = next((content[name] for name in _PLACES if name in content), content)
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        held = ", ".join(map(str, content))[:70] if isinstance(content, dict) else type(content)
        places = "neither bare nor under 'state_dict', 'model' or 'pose'"
        raise CheckpointError(f"{path}: no weights in it, {places} (it holds {held})")
    return dict(state)


def load_weights(
    model: nn.Module,
    source: str | Path,
    strict: bool,
    part: Literal["model", "backbone"] = "model",
    other: tuple[TrainedModel, Sequence[str]] | None = None,
) -> str:
    """Load `source`, a path or an address, into `model`; returns one line that sums it up.

    Args:
        strict: refuse whatever does not fit, as testing must. If false, entries of the head with
            other shapes and entries that the file lacks stay as they were initialised, and entries
            that the model lacks are ignored; other shapes in the backbone are refused all the same.
        part: 'backbone' loads into `model.backbone` alone, from ImageNet weights or a pose model.
        other: what `source` is where its keypoints are others, and the names of the model's.

    Raises:
        CheckpointError: the file cannot be had, read or fitted, or what it holds cannot be weights
            (NaN, variances below 0, complex numbers); the model is then unchanged.
    """
    path = fetch(source)
    target = model.get_submodule("backbone") if part == "backbone" else model
    ours = target.state_dict()
    foreign = translated(read_state_dict(path), ours)
    _refuse(path, part, foreign.problems)
    theirs, ignored = foreign.entries, foreign.ignored
    if other is not None:
        theirs, mapped = with_channels(theirs, ours, *other)
        foreign.changes.append(mapped)
    if part == "backbone":
        theirs, others = _backbone_entries(theirs)
        ignored |= others
    reshaped = [key for key in theirs if key in ours and theirs[key].shape != ours[key].shape]
    missing = [key for key in ours if key not in theirs and not key.endswith(COUNTER)]
    unknown = [key for key in theirs if key not in ours]
    fitting = {key: theirs[key] for key in theirs if key in ours and key not in reshaped}

    unset = _shape_lines(theirs, ours, reshaped)
    unset += [f"{layers(missing)}: not in the checkpoint"] if missing else []
    problems = [f"nothing in it fits; the model has {layers(ours)}"] if not fitting else []
    if strict or any(not key.startswith("keypoint_head.") for key in reshaped):
        problems += unset
        problems += [f"{layers(unknown)}: not in the model"] if unknown and strict else []
    problems += _unsound(fitting, target)
    _refuse(path, part, problems)

    target.load_state_dict(fitting, strict=False)
    kept = "" if str(path) == str(source) else f" (kept at {path})"
    total = len(fitting) + len(reshaped) + len(missing)
    summary = [
        f"{part}: loaded {len(fitting):,} of {total:,} entries "
        f"from {without_secrets(str(source))}{kept}"
    ]
    summary += foreign.changes
    summary += [f"re-initialised {line}" for line in unset]
    ignored["not in the model"] = unknown
    summary += [f"ignored {layers(keys)}: {why}" for why, keys in ignored.items() if keys]
    return "; ".join(summary)


def _refuse(path: Path, part: str, problems: Sequence[str]) -> None:
    """CheckpointError with all `problems`, if there are any."""
    if problems:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        raise CheckpointError(f"{path}: does not fit the {part}{lines}")


def _unsound(entries: Mapping[str, Tensor], target: nn.Module) -> list[str]:
    """Why `entries` cannot be what their places in `target` are for, one line a reason."""
    trained = learned(target)
    here = {key: value for key, value in entries.items() if key in trained}
    other = [key for key, value in here.items() if not value.is_floating_point()]
    kinds = ", ".join(sorted({str(here[key].dtype).removeprefix("torch.") for key in other}))
    lines = [f"{layers(other)}: {kinds} instead of floating-point numbers"] if other else []
    return lines + faults({key: value for key, value in here.items() if key not in other})


def _backbone_entries(
    state: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, list[str]]]:
    """The backbone's entries, without a prefix, and the keys of the rest under the reason why."""
    prefix = "backbone."
    if any(key.startswith(prefix) for key in state):
        rest = [key for key in state if not key.startswith(prefix)]
        inside = {key[len(prefix) :]: state[key] for key in state if key.startswith(prefix)}
    else:
        rest, inside = [], dict(state)
    ignored = {"not of the backbone": rest}
    for reason, pattern in UNUSED_BY_POSE.items():
        ignored[reason] = [key for key in inside if re.match(pattern, key)]
    unused = {key for keys in ignored.values() for key in keys}
    return {key: value for key, value in inside.items() if key not in unused}, ignored


def _shape_lines(
    theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], keys: Iterable[str]
) -> list[str]:
    """Why the entries `keys` have other shapes, one line a reason."""
    lines = []
    left = list(keys)
    width, wanted = _width(theirs), _width(ours)
    if f"{FINAL_LAYER}.bias" in left:
        counts = [_length(state[f"{FINAL_LAYER}.bias"]) for state in (theirs, ours)]
        lines.append(f"{FINAL_LAYER}: checkpoint {counts[0]} keypoints, model {counts[1]}")
        left = [key for key in left if not key.startswith(FINAL_LAYER)]
    if width and wanted and width != wanted:
        lines.append(f"{layers(left)}: checkpoint HRNet-W{width}, model HRNet-W{wanted}")
    elif left:
        shapes = [tuple(state[left[0]].shape) for state in (theirs, ours)]
        example = f"{left[0]} is {shapes[0]} in the checkpoint, {shapes[1]} in the model"
        lines.append(f"{layers(left)}: other shapes ({example})")
    return lines


def _width(state: Mapping[str, Tensor]) -> int | None:
    """Channels of the finest branch of an HRNet, if `state` has one, bare or in a model."""
    for prefix in ("", "backbone."):
        if prefix + WIDTH_KEY in state:
            return _length(state[prefix + WIDTH_KEY])
    return None


def _length(tensor: Tensor) -> int:
    return len(tensor) if tensor.ndim else 1
