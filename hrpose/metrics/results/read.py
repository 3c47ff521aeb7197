"""Predictions from a file: a COCO results list of any origin, checked entry by entry.

Legend: D entries, K keypoints; coordinates are image px.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.metrics.results.ids import IdFinder
from hrpose.storage.json_file import read_json
from hrpose.structures import Labels

_LARGEST = float(np.finfo(np.float32).max)
_EXPECTED = "expected a COCO results list of {'image_id', 'keypoints', 'score', ...}"


@dataclass
class Answers:
    """The entries of a results file as columns of one table."""

    path: Path
    digest: str
    """SHA-256 of the file, in hex."""
    keypoints: np.ndarray
    """(D, K, 2) float32."""
    scores: np.ndarray
    """(D, K) float32 of the keypoints."""
    instance_scores: np.ndarray
    """(D,) float64, NaN where an entry has none."""
    areas: np.ndarray
    """(D,) float32 px squared, of the crop if the file tells, else of the box or of the pose."""
    image_ids: np.ndarray
    """(D,) int64."""
    annotation_ids: np.ndarray
    """(D,) int64, -1 where an entry has none."""
    category_ids: np.ndarray
    """(D,) int64, -1 where an entry has none."""
    rows: np.ndarray
    """(D,) int64, the place of each entry in the file, from 0."""
    names: np.ndarray
    """(D,) image_id as the file has it."""

    def __len__(self) -> int:
        return len(self.keypoints)

    def entry(self, row: int) -> str:
        """Entry `row` in words, for a message."""
        return entry_name(self.path, int(self.rows[row]), self.names[row])

    def take(self, rows: np.ndarray) -> Answers:
        """The entries `rows`, in that order."""
        columns = {k: v[rows] for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        return Answers(self.path, self.digest, **columns)


def entry_name(path: Path, row: int, image_id: Any) -> str:
    """An entry, counted from 0, and its image."""
    return f"{path}: entry {row} (image_id {image_id!r:.60})"


def read_answers(path: Path, meta: KeypointMeta, labels: Labels | None = None) -> Answers:
    """The results file `path`: ours, MMPose's `result_keypoints.json` in both its forms, or others.

    Keypoints are K triples x, y, score, flat or one list each. Optional are annotation_id,
    category_id, score, and area, scale (MMPose's, in units of 200 px) or bbox.

    Args:
        labels: their ids are looked up as `IdFinder` does; without, ids are whole numbers.

    Raises:
        DataError: names the entry with an id that is not in `labels`, without an image_id, with
            another number of keypoints, or with a number that is not finite or that float32 or
            int64 cannot hold.
    """
    content, digest = read_json(path, "predictions")
    if not isinstance(content, list):
        raise DataError(f"predictions {path}: {_EXPECTED}, got {type(content).__name__}")
    ids_of = None if labels is None else _Ids(labels)
    triples, numbers, ids, names = [], [], [], []
    for row, entry in enumerate(content):
        if not isinstance(entry, dict):
            raise DataError(f"{path}: entry {row}: {_EXPECTED}")
        where = entry_name(path, row, entry.get("image_id"))
        names.append(entry.get("image_id"))
        ids.append(_ids(where, entry) if ids_of is None else ids_of.of(where, entry))
        points = _triples(where, entry.get("keypoints"), meta)
        triples.append(points)
        numbers.append((_score(where, entry), _area(where, entry, points)))
    if ids_of is not None:
        ids_of.require_all_found()
    table = np.array(triples, dtype=np.float32).reshape(-1, len(meta), 3)
    floats = np.array(numbers, dtype=np.float64).reshape(-1, 2)
    columns = np.array(ids, dtype=np.int64).reshape(-1, 3)
    return Answers(
        path,
        digest,
        keypoints=table[..., :2],
        scores=table[..., 2],
        instance_scores=floats[:, 0],
        areas=floats[:, 1].astype(np.float32),
        image_ids=columns[:, 0],
        annotation_ids=columns[:, 1],
        category_ids=columns[:, 2],
        rows=np.arange(len(columns)),
        names=_objects(names),
    )


def _objects(values: list[Any]) -> np.ndarray:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _ids(where: str, entry: dict[str, Any]) -> tuple[int, int, int]:
    """Image, annotation and category of an entry, which are whole numbers."""
    return (
        _whole(where, entry, "image_id"),
        _whole(where, entry, "annotation_id", -1),
        _whole(where, entry, "category_id", -1),
    )


class _Ids:
    """As `_ids`, where image and annotation may be named in any way that `labels` know."""

    def __init__(self, labels: Labels) -> None:
        self._images = IdFinder(labels.coco["images"])
        self._annotations = IdFinder(labels.coco["annotations"])
        self._strange: list[str] = []

    def of(self, where: str, entry: dict[str, Any]) -> tuple[int, int, int]:
        """Numbers of the labels; a strange image is remembered."""
        image_id = self._images.find(entry.get("image_id"))
        if image_id is None:
            if not isinstance(entry.get("image_id"), str):
                _whole(where, entry, "image_id")  # what is neither is said to be so
            self._strange.append(where)
            image_id = -1
        annotation_id = -1
        if "annotation_id" in entry:
            found = self._annotations.find(entry["annotation_id"])
            if found is None:
                raise DataError(f"{where}: no annotation has the id {entry['annotation_id']!r:.60}")
            annotation_id = found
        return image_id, annotation_id, _whole(where, entry, "category_id", -1)

    def require_all_found(self) -> None:
        """DataError where an image is not in the labels."""
        if self._strange:
            others = len(self._strange) - 1
            more = f" (and {others} more such entries)" if others else ""
            raise DataError(
                f"{self._strange[0]}: no such image in the annotations{more}; are the predictions "
                f"of another split? Ids there are like {self._images.example!r}"
            )


def _whole(where: str, entry: dict[str, Any], key: str, missing: int | None = None) -> int:
    value = entry.get(key, missing)
    least = -(2**63) if key == "image_id" or key not in entry else 0
    if type(value) is not int or not least <= value < 2**63:
        raise DataError(f"{where}: {key} is {value!r:.60}, expected a whole number")
    return value


def _triples(where: str, values: Any, meta: KeypointMeta) -> np.ndarray:
    """Keypoints (K, 3) float64: x, y, score."""
    flat = _floats(where, "keypoints", values)
    if flat.size != 3 * len(meta):
        raise DataError(
            f"{where}: has {flat.size} keypoint numbers, expected 3 * {len(meta)} (x, y, score of "
            f"each keypoint of {meta.dataset!r})"
        )
    points = flat.reshape(-1, 3)
    wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(wrong):
        name = meta.names[wrong[0]]
        raise DataError(f"{where}: keypoint {name!r} has a number that is not finite")
    wrong = np.flatnonzero((np.abs(points) > _LARGEST).any(axis=1))
    if len(wrong):
        name, value = meta.names[wrong[0]], max(points[wrong[0]], key=abs)
        raise DataError(
            f"{where}: keypoint {name!r} has the number {value:g}, more than float32 holds"
        )
    return points


def _score(where: str, entry: dict[str, Any]) -> float:
    """The score of an entry, NaN if it has none."""
    if "score" not in entry:
        return np.nan
    value = entry["score"]
    if type(value) not in (int, float) or not abs(value) <= _LARGEST:
        raise DataError(f"{where}: score is {value!r:.60}, expected a finite number of float32")
    return value


def _area(where: str, entry: dict[str, Any], points: np.ndarray) -> float:
    """Area px squared that suppression measures by."""
    if "area" in entry:
        sides = _floats(where, "area", [entry["area"], 1.0])
    elif "scale" in entry:
        sides = 200 * _floats(where, "scale", entry["scale"])
    elif entry.get("bbox"):
        sides = _floats(where, "bbox", entry["bbox"])[2:]
    else:
        sides = np.ptp(points[:, :2], axis=0)
    with np.errstate(over="ignore"):
        area = float(np.prod(sides))
    if len(sides) != 2 or not ((sides >= 0).all() and area <= _LARGEST):
        raise DataError(f"{where}: area, scale (2 numbers) or bbox (x, y, w, h) cannot be used")
    return area


def _floats(where: str, what: str, values: Any) -> np.ndarray:
    try:
        if np.asarray(values).dtype.kind in "bUS":  # NumPy would make numbers of them
            raise TypeError
        return np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{where}: {what} must be numbers, got {values!r:.60}") from None
