"""What a training checkpoint says of its run."""

from typing import Any

from hrpose.rundir.state import Progress


def meta(**changes: Any) -> dict[str, Any]:
    """The `meta` of a whole checkpoint, with `changes`."""
    texts = {"page": '{"runner": {}}', "config": "", "train": "", "val": "", "hrpose": "0.1.0"}
    return {**vars(Progress()), **texts, "steps_per_epoch": 4, "animals_per_step": 4, **changes}
