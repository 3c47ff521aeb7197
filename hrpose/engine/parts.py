"""What each part of an experiment offers to the rest, whatever class a page names for it."""

from __future__ import annotations

from typing import Any

_OFFERS = {
    "keypoints": ("names", "flip_index"),
    "model": ("predict", "codec", "loss"),
    "train_pipeline": ("reads", "changes", "adds"),
    "test_pipeline": ("reads", "changes", "adds"),
    "metrics": ("names", "check", "compute"),
    "optimizer": ("param_groups", "step"),
    "schedule": ("factor",),
}
"""By the name on the page; of a list, what each item offers."""


def misfits(name: str, made: Any) -> list[str]:
    """A sentence for each object under `name` of a page that is of quite another kind."""
    items = enumerate(made) if isinstance(made, list | tuple) else [("", made)]
    return [
        f"{name}{f'.{place}' if place != '' else ''}: {type(item).__name__} cannot stand here; it "
        f"has no '{missing[0]}'"
        for place, item in items
        if (missing := [key for key in _OFFERS.get(name, ()) if not hasattr(item, key)])
    ]
