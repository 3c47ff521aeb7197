"""The model that is handed on, and what its checkpoint says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrpose.engine.experiment import Experiment, prepare
from hrpose.errors import CheckpointError
from hrpose.models.weights import load_weights
from hrpose.storage import checkpoint_file
from hrpose.storage.digests import file_digest
from hrpose.storage.download import fetch

if TYPE_CHECKING:
    from hrpose.models import TopDown

_DECIDES = ("model", "test_pipeline")
"""Parts of a page that decide what is predicted."""


@dataclass(frozen=True)
class Original:
    """A page, its model with the weights of a checkpoint, and what that checkpoint says."""

    experiment: Experiment
    meta: Mapping[str, Any]
    """Of the run, if the checkpoint holds it: page, progress, digests."""
    sha256: str
    """Of the checkpoint file."""
    said: list[str]
    """What was loaded, and what should be known of it, a line each."""

    @property
    def model(self) -> TopDown:
        """On the CPU. Of a run with a moving average of the weights these are the average."""
        return self.experiment.model


def read_original(page: dict[str, Any], checkpoint: str) -> Original:
    """The model of `page` with the weights of `checkpoint`, a path or an address.

    Raises:
        HrposeError: one of them cannot be used, or they do not fit; the checkpoint is of a page
            with other keypoints.
    """
    experiment = prepare(page)
    path = Path(fetch(checkpoint))
    said = [load_weights(experiment.model, path, strict=True)]
    content = checkpoint_file.read(path)
    meta = content.get("meta") if isinstance(content, dict) else None
    carried = checkpoint_file.carried_page(content)
    if carried:
        _refuse_other_keypoints(page, carried, path)
        other = [name for name in _DECIDES if _as_json(page.get(name)) != carried.get(name)]
        if other:
            said.append(
                f"note: the page says another {' and '.join(other)} than that of the training; "
                "the page that was given is taken"
            )
    return Original(experiment, meta if isinstance(meta, dict) else {}, file_digest(path), said)


def _refuse_other_keypoints(page: dict[str, Any], carried: dict[str, Any], path: Path) -> None:
    """CheckpointError where a heatmap would get the name of another keypoint."""
    both = [
        list(where["keypoints"]["names"])
        for where in (carried, page)
        if isinstance(where.get("keypoints"), dict) and "names" in where["keypoints"]
    ]
    if len(both) == 2 and both[0] != both[1]:
        place = next(
            (number for number, pair in enumerate(zip(*both, strict=False)) if pair[0] != pair[1]),
            min(map(len, both)),
        )
        theirs, ours = (names[place : place + 1] or ["none"] for names in both)
        raise CheckpointError(
            f"{path}: was trained with other keypoints than the page has: heatmap {place} is "
            f"{theirs[0]!r} there and {ours[0]!r} here; give the page of the training"
        )


def _as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))
