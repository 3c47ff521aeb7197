"""How good a model is, as far as its checkpoint or a file of `hrpose test` or `evaluate` says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hrpose.errors import DataError
from hrpose.storage.json_file import read_json


@dataclass(frozen=True)
class Numbers:
    """Metrics of one model on one data set."""

    values: dict[str, float]
    origin: str
    """Which animals they are of, in words."""
    intervals: dict[str, list[float]] = field(default_factory=dict)
    """95% intervals, of those that have one."""

    def as_json(self) -> dict[str, Any]:
        """What a published file holds of them."""
        return asdict(self)


def read_numbers(path: Path, checkpoint_sha256: str) -> Numbers:
    """The metrics in the JSON file `path` of `hrpose test` or `hrpose evaluate`.

    Raises:
        DataError: it cannot be read, holds none, or says that they are of another checkpoint.
    """
    content, _ = read_json(path, "metrics file")
    metrics = content.get("metrics") if isinstance(content, dict) else None
    values = _finite(metrics)
    if not values:
        raise DataError(
            f"metrics file {path} holds no metrics; expected metrics.json of `hrpose test`, or "
            "what `hrpose evaluate --out` has written"
        )
    source = content.get("provenance")
    source = source if isinstance(source, dict) else {}
    theirs = source.get("checkpoint_sha256")
    if theirs and theirs != checkpoint_sha256:
        raise DataError(
            f"metrics file {path} is of another checkpoint ({str(theirs)[:8]}...) than the one to "
            f"be published ({checkpoint_sha256[:8]}...); test this one"
        )
    labels = str(source.get("annotations_sha256", "unknown"))[:8]
    origin = (
        f"test set of {source.get('animals', 'an unknown number of')} animals (digest {labels})"
    )
    if not theirs:
        origin += "; that they are of these weights is the publisher's word"
    pairs = content.get("intervals")
    intervals = {
        name: [float(end) for end in pair]
        for name, pair in (pairs if isinstance(pairs, dict) else {}).items()
        if name in values and isinstance(pair, list) and len(_finite(dict(enumerate(pair)))) == 2
    }
    return Numbers(values, origin, intervals)


def own_numbers(meta: Mapping[str, Any], metric: str | None) -> Numbers | None:
    """The validation score that a checkpoint holds, if it is that of its weights.

    Args:
        metric: what chose the best weights of the run: `runner.save_best`.
    """
    best, epoch, step = meta.get("best"), meta.get("epoch"), meta.get("step")
    if not metric or not isinstance(best, float) or not math.isfinite(best):
        return None
    if isinstance(epoch, int) and step and step == meta.get("steps_per_epoch"):
        epoch, step = epoch + 1, 0  # saved while its epoch was validated
    if step != 0 or epoch != meta.get("best_epoch"):
        return None
    return Numbers({metric: best}, f"validation set, after epoch {epoch}; chosen by this number")


def _finite(values: Any) -> dict[Any, float]:
    return {
        name: float(value)
        for name, value in (values.items() if isinstance(values, dict) else ())
        if isinstance(value, int | float) and math.isfinite(value)
    }
