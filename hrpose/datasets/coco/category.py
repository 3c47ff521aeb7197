"""Whether the category of a file has the keypoints that a page is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta


def check_category(paths: Sequence[Path], category: dict[str, Any], meta: KeypointMeta) -> None:
    """DataError where the category names other keypoints than `meta`; none at all will do."""
    names = category.get("keypoints")
    if not names or names == list(meta.names):
        return
    place = f"{paths[0]}: category {category.get('name')!r} (id {category.get('id')})"
    if not isinstance(names, list):
        raise DataError(f"{place}: keypoints is {names!r:.80}, expected a list of names")
    if [str(name).strip() for name in names] in (list(meta.names), list(meta.aliases)):
        return
    ours = f"the keypoint meta {meta.dataset!r}"
    if len(names) != len(meta):
        raise DataError(
            f"{place} has {len(names)} keypoints, {ours} has {len(meta)}; choose the meta of this "
            "data set, or another category"
        )
    if sorted(map(str, names)) == sorted(meta.names):
        what = "the same keypoints in another order"
    else:
        what = "other keypoint names"
    pairs = [(k, a, b) for k, (a, b) in enumerate(zip(names, meta.names, strict=True)) if a != b]
    shown = "; ".join(f"number {k} is {a!r} there and {b!r} here" for k, a, b in pairs[:5])
    more = f"; and {len(pairs) - 5} more" if len(pairs) > 5 else ""
    raise DataError(f"{place} has {what} than {ours}: {shown}{more}; make the two agree")
