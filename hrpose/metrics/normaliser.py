"""The length that a distance is divided by: of the box, the head, the horse, or between keypoints.

Legend: n predicted instances; lengths are image px.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from hrpose.config.typecheck import did_you_mean
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Labels

Norm = Literal["box", "head", "horse10"] | tuple[str, str]
Missing = Literal["mmpose-2021", "leave-out"]

HUGE = 1e6
"""Image px; the length MMPose 0.14 puts in place of one that is 0, so that every point is a hit."""


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
            keypoints is taken between raw coordinates, (0, 0) where unlabelled. None is
            'mmpose-2021' for two keypoints and 'leave-out' for the rest.
    """

    def __init__(self, norm: Norm, missing: Missing | None) -> None:
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
        if missing not in (None, "mmpose-2021", "leave-out"):
            raise ValueError(f"missing {missing!r}: expected 'mmpose-2021', 'leave-out' or None")
        pair = isinstance(self.norm, tuple)
        self.as_2021 = missing == "mmpose-2021" or (missing is None and pair)

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
            DataError: the norm is 'head' and no annotation says how large a head is.
        """
        truth, coco = labels.truth, labels.coco
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
            labelled = truth.visible[rows][:, [first, second]] > 0
            if self.as_2021:
                single = np.count_nonzero(labelled[:, 0] != labelled[:, 1])
                if single:
                    notes.append(
                        f"{single} of {len(rows)} instances have only one of {self.norm[0]} and "
                        f"{self.norm[1]} labelled; the other is taken at (0, 0), as MMPose did in "
                        "2021"
                    )
            else:
                lengths = np.where(labelled.all(axis=1), lengths, np.nan)
        return self._without_zeros(lengths.astype(np.float64), notes)

    def _without_zeros(self, lengths: np.ndarray, notes: list[str]) -> tuple[np.ndarray, list[str]]:
        unusable = ~(lengths > 0)
        count = np.count_nonzero(unusable)
        if count:
            what = f"{count} of {len(lengths)} instances have no usable {self}"
            if self.as_2021:
                notes.append(f"{what}; all their points count as hits, as MMPose did in 2021")
            else:
                notes.append(f"{what} and are left out")
        return np.where(unusable, HUGE if self.as_2021 else np.nan, lengths), notes


def _head_sizes(coco: dict[str, Any], annotation_ids: np.ndarray) -> np.ndarray:
    """Head size (n,) image px of each annotation, NaN where it has none."""
    sizes = {}
    for annotation in coco["annotations"]:
        if "head_size" in annotation:
            sizes[annotation["id"]] = float(annotation["head_size"])
        elif "head_box" in annotation:
            width, height = annotation["head_box"][2:]
            sizes[annotation["id"]] = 0.6 * float(np.hypot(width, height))
    if not sizes:
        raise DataError(
            "norm 'head': no annotation has 'head_size' (px) or 'head_box' (x, y, w, h); "
            "use norm='box' or two keypoint names"
        )
    return np.array([sizes.get(number, np.nan) for number in annotation_ids.tolist()], np.float64)


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
