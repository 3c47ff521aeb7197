"""The trained model that a page is to start from: its keypoints, and how wide it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrpose.config import Page, load
from hrpose.config.pages import find_page
from hrpose.errors import CheckpointError, ConfigError
from hrpose.models.channels import TrainedModel
from hrpose.models.weights import width_of
from hrpose.own_page.meanings import same_meanings
from hrpose.storage import checkpoint_file
from hrpose.storage.download import fetch


@dataclass(frozen=True)
class Start:
    """A trained model and the width of its backbone, 32 or 48."""

    model: TrainedModel
    width: int


def read_start(words: Sequence[str], names: Sequence[str]) -> Start:
    """What `--from PAGE CKPT` means, or `--from CKPT` of a checkpoint that carries its page.

    Args:
        names: the keypoints of the page to be written; one at least must be the model's too, by
            its name or by what it means.

    Raises:
        HrposeError: page or checkpoint cannot be used, or no name is the same.
    """
    checkpoint = words[-1]
    path = Path(fetch(checkpoint))
    content = checkpoint_file.read(path)
    page = load(find_page(words[0])) if len(words) == 2 else _carried(content, checkpoint)
    keypoints = page.get("keypoints")
    theirs = keypoints.get("names") if isinstance(keypoints, dict) else None
    if not isinstance(theirs, list | tuple) or not theirs:
        raise ConfigError(f"--from {words[0]}: its page names no keypoints")
    width = width_of(content, path)
    if width not in (32, 48):
        raise CheckpointError(
            f"{checkpoint}: is no HRNet-W32 or W48, which are what init writes pages for"
            + (f" (its finest branch has {width} channels)" if width else "")
        )
    where = checkpoint if "://" in checkpoint else Path(checkpoint).absolute().as_posix()
    model = TrainedModel(where, list(theirs), same_meanings(names, theirs))
    if problem := model.problem_with(names):
        raise ConfigError(
            f"--from: {problem}; without --from, a page whose `pretrained` is that checkpoint "
            "starts from its backbone"
        )
    return Start(model, width)


def _carried(content: Any, checkpoint: str) -> Page:
    """The page that a checkpoint of ours holds."""
    page = checkpoint_file.carried_page(content)
    if page is None:
        raise CheckpointError(
            f"{checkpoint}: does not carry its page; give the page before it: --from PAGE CKPT"
        )
    return page
