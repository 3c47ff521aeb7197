"""The length that a distance is divided by: of the box, the head, the horse, or between keypoints.

Legend: n predicted instances; lengths are image px.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

import numpy as np

from hrpose.config.typecheck import did_you_mean
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Labels

Norm = Literal["box", "head", "horse10"] | tuple[str, str]
Missing = Literal["mmpose-2021", "leave-out"]

HUGE = 1e6
"""Image px; the length MMPose 0.14 puts in place of one that is 0, so that every point is a hit."""

_LONGEST = 1e9
"""Image px, longer than anything in a picture."""

_WORDS = {
    "box": "longest side of the box",
    "head": "head size",
    "horse10": "benchmark nose-eye distance of the horse",
}


class Normaliser:
    """One length an instance.

    Args:
        norm: 'box', the longest side of the box; 'head', an annotation's own `head_size` (px), or
            0.6 times the diagonal of its `head_box` (x, y, w, h) as in MPII; 'horse10', the one
            nose-eye distance that the authors of Horse-10 measured for the horse of each of their
            videos (`horse10_scale.json`), found by the folder in the image's file name; or the
            names of two keypoints, for their distance.
        missing: what becomes of an instance whose length is 0 or unknown. 'leave-out' does not
            count it; for two keypoints both must be labelled. 'mmpose-2021' repeats what made the
            published Horse-10 table: a length of 0 becomes `HUGE`, and the distance of two
            keypoints is taken between raw coordinates, (0, 0) where unlabelled; where no labelled
            point at all has a length of its own, nothing was measured, and nothing counts.
    """

    def __init__(self, norm: Norm, missing: Missing = "leave-out") -> None:
        self.norm: str | tuple[str, str]
        if isinstance(norm, str):
            if norm not in _WORDS:
                kinds = ", ".join(map(repr, _WORDS))
                hint = did_you_mean(norm, tuple(_WORDS))
                raise ValueError(
                    f"norm {norm!r}: expected {kinds} or the names of two keypoints{hint}"
                )
            self.norm = norm
        else:
            if len(norm) != 2 or norm[0] == norm[1]:
                raise ValueError(f"norm {tuple(norm)!r}: expected two different keypoint names")
            self.norm = (norm[0], norm[1])
        if missing not in get_args(Missing):
            raise ValueError(f"missing {missing!r}: expected 'mmpose-2021' or 'leave-out'")
        self.as_2021 = missing == "mmpose-2021"

    def __str__(self) -> str:
        if isinstance(self.norm, tuple):
            return f"distance {self.norm[0]}-{self.norm[1]}"
        return _WORDS[self.norm]

    def check(self, meta: KeypointMeta) -> list[str]:
        """A sentence for each name in `norm` that is no keypoint."""
        names = self.norm if isinstance(self.norm, tuple) else ()
        return [
            f"norm {self.norm}: {name!r} is no keypoint of {meta.dataset!r}"
            f"{did_you_mean(name, meta.names)}"
            for name in names
            if name not in meta.names
        ]

    def lengths(self, rows: np.ndarray, labels: Labels) -> tuple[np.ndarray, list[str]]:
        """Lengths (n,) float64 of rows (n,) of `labels.truth`, NaN to leave out; and notes to the
        reader.

        Raises:
            DataError: the norm is 'head' and no annotation says how large a head is, or one says
                what is no length.
        """
        truth, coco = labels.truth, labels.coco
        labelled = truth.visible[rows] > 0
        notes = [f"normalised by the {self}"]
        if self.norm == "box":
            lengths = truth.boxes[rows, 2:].max(axis=1)
        elif self.norm == "head":
            lengths = _head_sizes(coco, truth.annotation_ids[rows])
        elif self.norm == "horse10":
            lengths = _horse_sizes(coco, truth.image_ids[rows])
        else:
            first, second = (labels.meta.index(name) for name in self.norm)
            points = truth.keypoints[rows]
            lengths = np.linalg.norm(points[:, first] - points[:, second], axis=1)
            both = labelled[:, [first, second]]
            if self.as_2021:
                single = np.count_nonzero(both[:, 0] != both[:, 1])
                if single:
                    notes.append(
                        f"{single} of {len(rows)} instances have only one of {self.norm[0]} and "
                        f"{self.norm[1]} labelled; the other is taken at (0, 0), as MMPose did in "
                        "2021"
                    )
            else:
                lengths = np.where(both.all(axis=1), lengths, np.nan)
        return self._without_zeros(lengths.astype(np.float64), labelled.any(axis=1), notes)

    def _without_zeros(
        self, lengths: np.ndarray, labelled: np.ndarray, notes: list[str]
    ) -> tuple[np.ndarray, list[str]]:
        """`lengths` (n,) with what stands for those that are 0; `labelled` (n,): has a point."""
        usable = lengths > 0
        count = np.count_nonzero(~usable)
        # hits for all that was not measured are a rule; hits alone would be a perfect score
        hits = self.as_2021 and (usable & labelled).any()
        if count:
            what = f"{count} of {len(lengths)} instances have no usable {self}"
            if hits:
                notes.append(f"{what}; all their points count as hits, as MMPose did in 2021")
            else:
                notes.append(f"{what} and are left out")
        return np.where(usable, lengths, HUGE if hits else np.nan), notes


def _head_sizes(coco: dict[str, Any], annotation_ids: np.ndarray) -> np.ndarray:
    """Head size (n,) image px of each annotation, NaN where it has none."""
    sizes = {}
    for annotation in coco["annotations"]:
        size, box = annotation.get("head_size"), annotation.get("head_box")
        if size is not None:
            if not _is_length(size):
                raise _no_length(annotation, "head_size", "a number of px")
            sizes[annotation["id"]] = float(size)
        elif box is not None:
            if not (isinstance(box, list) and len(box) == 4 and all(map(_is_length, box[2:]))):
                raise _no_length(annotation, "head_box", "x, y, width, height in px")
            sizes[annotation["id"]] = 0.6 * float(np.hypot(*box[2:]))
    if not sizes:
        raise DataError(
            "norm 'head': no annotation has 'head_size' (px) or 'head_box' (x, y, w, h); "
            "use norm='box' or two keypoint names"
        )
    return np.array([sizes.get(number, np.nan) for number in annotation_ids.tolist()], np.float64)


def _is_length(value: Any) -> bool:
    """Whether `value` is a number from 0 on that an image could have: 'Infinity' is valid JSON."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value < _LONGEST


def _no_length(annotation: dict[str, Any], key: str, expected: str) -> DataError:
    value = f"{annotation[key]!r:.60}"
    return DataError(f"annotation {annotation['id']}: {key!r} is {value}, expected {expected}")


def _horse_sizes(coco: dict[str, Any], image_ids: np.ndarray) -> np.ndarray:
    """Nose-eye distance (n,) image px of the horse in each image, NaN where it is not known."""
    known = horse10_scale()
    folders = {
        image["id"]: image.get("file_name", "").rpartition("/")[0] for image in coco["images"]
    }
    lengths = {
        folder: known.get(PurePosixPath(folder).name, np.nan) for folder in set(folders.values())
    }
    sizes = {image_id: lengths[folder] for image_id, folder in folders.items()}
    return np.array([sizes.get(number, np.nan) for number in image_ids.tolist()], np.float64)


@cache
def horse10_scale() -> dict[str, float]:
    """Nose-eye distance in px of the horse of each video of Horse-10."""
    path = Path(__file__).with_name("horse10_scale.json")
    return json.loads(path.read_text(encoding="utf-8"))["distance"]
