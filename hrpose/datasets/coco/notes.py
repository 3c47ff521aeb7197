"""What is odd about the labels of an annotation file, though they can be used: counted and named.

Legend: N annotations, K keypoints, W, H width and height of an image in px; boxes are x, y, w, h.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from itertools import islice
from typing import Any

import numpy as np

from hrpose.datasets.coco.file import CocoFile, image_size

FAR = 1.05
"""A box reaches far outside where it ends beyond this multiple of the width or height."""


def counted(what: str, names: Collection[Hashable]) -> str:
    """`3 without a box (annotation 5, 7, 9)`; at most five are named."""
    named = ", ".join(str(name) for name in islice(names, 5))
    return f"{len(names)} {what} (annotation {named}{', ...' if len(names) > 5 else ''})"


def label_notes(file: CocoFile, category_ids: Collection[int], num_keypoints: int) -> list[str]:
    """Sentences on the annotations of these categories that are not marked iscrowd."""
    entries = [
        entry
        for entry in file.entries
        if entry.content.get("category_id") in category_ids and not entry.content.get("iscrowd")
    ]
    names = np.empty(len(entries), dtype=object)
    names[:] = [entry.source_id for entry in entries]
    contents = [entry.content for entry in entries]
    sizes = [image_size(file.images[entry.image_id]) or (np.nan, np.nan) for entry in entries]
    size = np.array(sizes, np.float64).reshape(-1, 2)
    flat = _columns(contents, "keypoints", 3 * num_keypoints)
    found = [*_keypoint_oddities(flat, size), *_number_oddities(contents, flat)]
    notes = [counted(what, names[odd].tolist()) for what, odd in found if odd.any()]
    return [*_box_warning(_columns(contents, "bbox", 4), size), *notes]


def _keypoint_oddities(flat: np.ndarray, size: np.ndarray) -> Iterable[tuple[str, np.ndarray]]:
    """Of keypoints (N, 3 K) in images of `size` (N, 2): what, and a mask (N,) of whose."""
    points = flat.reshape(len(flat), flat.shape[1] // 3, 3)
    labelled = points[..., 2] > 0
    outside = ((points[..., :2] < 0) | (points[..., :2] > size[:, None])).any(axis=2)
    corner = (points[..., :2] == 0).all(axis=2)
    known = np.isin(points[..., 2], (0, 1, 2)) | np.isnan(flat).all(axis=1, keepdims=True)
    yield "with a labelled keypoint outside the image", (labelled & outside).any(axis=1)
    yield (
        "with a labelled keypoint at exactly (0, 0): where it is not there, v should be 0",
        (labelled & corner).any(axis=1),
    )
    yield "with a v other than 0, 1 or 2: above 0 counts as labelled", (~known).any(axis=1)


def _number_oddities(
    contents: list[dict[str, Any]], flat: np.ndarray
) -> Iterable[tuple[str, np.ndarray]]:
    """Of annotations with keypoints (N, 3 K), as `_keypoint_oddities`."""
    labelled = (flat[:, 2::3] > 0).sum(axis=1).tolist()
    miscounted = [
        content.get("num_keypoints", count) != count and bool(content.get("keypoints"))
        for content, count in zip(contents, labelled, strict=True)
    ]
    yield (
        "whose num_keypoints is not how many v are above 0: counted anew",
        np.array(miscounted, bool),
    )
    areas = [content.get("area") for content in contents]
    missing = [not (isinstance(area, int | float) and 0 <= area < np.inf) for area in areas]
    yield "without an area of 0 or more: that of the box is taken", np.array(missing, bool)


def _box_warning(boxes: np.ndarray, size: np.ndarray) -> list[str]:
    """A warning where boxes (N, 4) seem to be two corners each, in images of `size` (N, 2)."""
    told = np.isfinite(boxes).all(axis=1) & np.isfinite(size).all(axis=1)
    first, second, size = boxes[told, :2], boxes[told, 2:], size[told]
    far = (first + second > FAR * size).any(axis=1)
    corners = ((second > first) & (second <= size + 1)).all(axis=1)
    if not len(far) or far.mean() < 1 / 3 or corners.mean() < 0.95:
        return []
    return [
        f"warning: {np.count_nonzero(far)} of {len(far)} boxes reach far outside their images as "
        f"x, y, width, height, and {np.count_nonzero(corners)} fit as two corners x1, y1, x2, y2: "
        "if that is what they are, convert them"
    ]


def _columns(contents: list[dict[str, Any]], key: str, count: int) -> np.ndarray:
    """The lists under `key` as rows (N, `count`), all NaN where there is none of that length."""
    rows = np.full((len(contents), count), np.nan)
    for row, content in zip(rows, contents, strict=True):
        values = np.asarray(content.get(key) or [], dtype=np.float64).ravel()
        if values.size == count:
            row[:] = values
    return rows
