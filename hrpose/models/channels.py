"""The head of a model with other keypoints: heatmaps of keypoints that are the same are kept.

Legend: K keypoints of the page, J of the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from hrpose.config.registry import register
from hrpose.errors import CheckpointError
from hrpose.sides import normalised

FINAL_LAYER = "keypoint_head.final_layer"


@register
@dataclass(frozen=True)
class TrainedModel:
    """A trained model with other keypoints to start from: the `load_from` of a page.

    Args:
        checkpoint: path or address of its weights.
        names: its J keypoints, in the order of its heatmaps. Those that the page has too keep their
            heatmap; capitals and what parts words do not count ('Left_Ear' is 'earL').
        same: pairs of a name of the page and one of `names` that mean the same.

    Raises:
        ValueError: `same` holds something else.
    """

    checkpoint: str
    names: Sequence[str]
    same: Sequence[Sequence[str]] = ()

    def __post_init__(self) -> None:
        for pair in self.same:
            if isinstance(pair, str) or len(pair) != 2:
                raise ValueError(
                    f"same: {pair!r} must be a pair of the page's name and one of names"
                )
            if pair[1] not in self.names:
                raise ValueError(f"same: {pair[1]!r} of the pair {tuple(pair)} is none of names")

    def channels(self, names: Sequence[str]) -> list[int | None]:
        """For each of `names` (K,) the heatmap of the checkpoint that it starts from, or None."""
        told = {ours: list(self.names).index(theirs) for ours, theirs in self.same}
        exact = {name: place for place, name in enumerate(self.names)}
        alike = {normalised(name): place for place, name in reversed([*enumerate(self.names)])}
        exact |= told
        return [exact.get(name, alike.get(normalised(name))) for name in names]

    def problem_with(self, names: Sequence[str]) -> str | None:
        """Why a page with the keypoints `names` cannot start from it, if so."""
        for ours, theirs in self.same:
            if ours not in names:
                return (
                    f"{ours!r} of the pair {(ours, theirs)} in `same` is no keypoint of this page"
                )
        if any(channel is not None for channel in self.channels(names)):
            return None
        return (
            f"none of the {len(self.names)} keypoints of {self.checkpoint} ({_first(self.names)}) "
            f"is one of this page ({_first(names)})"
        )


def with_channels(
    theirs: Mapping[str, Tensor],
    ours: Mapping[str, Tensor],
    model: TrainedModel,
    names: Sequence[str],
) -> tuple[dict[str, Tensor], str]:
    """`theirs` with a last layer of K heatmaps: those of equal names, and `ours` for the rest; and
    what was done, in a line.

    Raises:
        CheckpointError: the checkpoint has no J heatmaps.
    """
    bias = theirs.get(f"{FINAL_LAYER}.bias")
    if bias is None or len(bias) != len(model.names):
        found = "no head" if bias is None else f"{len(bias)} heatmaps"
        raise CheckpointError(
            f"{model.checkpoint}: has {found}, but load_from.names lists {len(model.names)}; name "
            "the keypoints of the checkpoint, one a heatmap"
        )
    channels = model.channels(names)
    entries = dict(theirs)
    for key in (f"{FINAL_LAYER}.weight", f"{FINAL_LAYER}.bias"):
        if theirs[key].shape[1:] == ours[key].shape[1:]:
            rows = ours[key].clone()
            for place, channel in enumerate(channels):
                if channel is not None:
                    rows[place] = theirs[key][channel]
            entries[key] = rows
    return entries, mapping_line(names, channels)


def mapping_line(names: Sequence[str], channels: Sequence[int | None]) -> str:
    """Which of `names` (K,) start from a heatmap of `channels` (K,), and which anew."""
    kept = [name for name, channel in zip(names, channels, strict=True) if channel is not None]
    new = [name for name, channel in zip(names, channels, strict=True) if channel is None]
    line = f"{len(kept)} of {len(names)} keypoints start from the checkpoint's ({', '.join(kept)})"
    return f"{line}; anew start {', '.join(new)}" if new else line


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
