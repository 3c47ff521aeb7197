"""What can be known of a pipeline before it runs: each transform finds what it reads."""

from __future__ import annotations

from collections.abc import Sequence

from hrpose.datasets.transforms import Transform
from hrpose.keypoints import KeypointMeta

_GIVEN = ("meta", "image_size", "region", "out")  # to each record, by the data set


def check_pipeline(
    pipeline: Sequence[Transform], meta: KeypointMeta, record_keys: Sequence[str]
) -> None:
    """ValueError where a transform reads what nothing before it gives, or does not suit `meta`."""
    have = {*record_keys, *_GIVEN}
    for position, transform in enumerate(pipeline):
        place = f"pipeline {position} ({type(transform).__name__})"
        missing = [key for key in (*transform.reads, *transform.changes) if key not in have]
        if missing:
            raise ValueError(f"{place}: needs {missing[0]!r}, which nothing before it adds")
        if "matrix" in have and {"center", "size"} & {*transform.changes, *transform.adds}:
            raise ValueError(f"{place}: comes after Warp, when the crop is already cut; move it up")
        problem = transform.problem_with(meta)
        if problem:
            raise ValueError(f"{place}: {problem}")
        have |= set(transform.adds)
    if "matrix" not in have:
        raise ValueError("pipeline: no Warp; the model needs crops of one size")
