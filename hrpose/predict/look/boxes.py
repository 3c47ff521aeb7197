"""Where to look in a frame: all of it, a fixed box, or the boxes of a file.

Legend: n boxes of a frame, N animals that a table has room for; boxes are x, y, w, h in image px.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

import numpy as np

from hrpose.datasets.coco.entry import CleanUp, box_of, clean_box
from hrpose.errors import DataError
from hrpose.predict.frames import NOWHERE, Boxes, Frame
from hrpose.predict.inputs import Job, natural_key
from hrpose.storage.json_file import read_json

COLUMNS = ("x", "y", "w", "h")


class WholeFrame:
    """The frame itself is the box; the page's padding comes on top."""

    def __call__(self, frame: Frame) -> Boxes:
        """One box, for the first animal."""
        height, width = frame.image.shape[:2]  # type: ignore[union-attr]
        return Boxes(np.array([[0.0, 0.0, width, height]]), "full", [0])


class FixedBox:
    """The same box in every frame."""

    def __init__(self, box: Sequence[float]) -> None:
        self.boxes = np.array([box], np.float64)

    def __call__(self, frame: Frame) -> Boxes:
        """One box, for the first animal."""
        return Boxes(self.boxes, "fixed", [0])


@dataclass
class BoxRow:
    """A box of a file, and what frame and animal it says that it is of."""

    box: np.ndarray
    """(4,) float64."""
    place: str
    """Where it stands, for messages."""
    id: str | None = None


class BoxFile:
    """Boxes from a file, by the number of a frame or the path of an image.

    Each id has the same animal's place in every frame; without ids the boxes of a frame are first,
    second ... animal in the order of the file.

    Raises:
        DataError: more ids, or more boxes of one frame, than `animals`.
    """

    def __init__(
        self, path: Path, rows: dict[str, list[BoxRow]], by: Literal["frame", "image"], animals: int
    ) -> None:
        self.path, self.rows, self.by, self.animals = path, rows, by, animals
        ids = {row.id for found in rows.values() for row in found if row.id is not None}
        self.individuals = sorted(ids, key=natural_key)
        if len(ids) > animals:
            raise DataError(
                f"{path}: has {len(ids)} ids ({', '.join(self.individuals[:5])}"
                f"{', ...' if len(ids) > 5 else ''}), but --animals is {animals}; "
                f"set --animals {len(ids)}"
            )
        self._by_name: dict[str, list[str]] = {}
        for key in rows:
            self._by_name.setdefault(PurePath(key).name, []).append(key)

    def __call__(self, frame: Frame) -> Boxes:
        """The boxes of `frame`; with a note where it has none."""
        rows = self.of(frame)
        if not rows:
            frame.note = f"no box in {self.path.name}"
            return NOWHERE
        if len(rows) > self.animals:
            raise DataError(
                f"{rows[-1].place}: {frame.label} has {len(rows)} boxes, but --animals is "
                f"{self.animals}; set --animals {len(rows)}"
            )
        found = {
            place if row.id is None else self.individuals.index(row.id): row
            for place, row in enumerate(rows)
        }
        if len(found) < len(rows):
            raise DataError(
                f"{rows[-1].place}: {frame.label} has two boxes of one id, or some with and some "
                "without; give each animal of a frame its own"
            )
        slots = sorted(found)
        rows = [found[slot] for slot in slots]
        return Boxes(np.stack([row.box for row in rows]), "file", slots, [row.id for row in rows])

    def of(self, frame: Frame) -> list[BoxRow]:
        """The rows of `frame`: of an image those whose path ends like its own, or the other way."""
        if self.by == "frame":
            return self.rows.get(str(frame.number), [])
        if frame.label in self.rows:
            return self.rows[frame.label]
        keys = [
            key
            for key in self._by_name.get(PurePath(frame.label).name, [])
            if _ends_alike(key, frame.label)
        ]
        if len(keys) > 1:
            raise DataError(
                f"{self.path}: {keys[0]!r} and {keys[1]!r} both fit the image {frame.label}; write "
                "the paths in full"
            )
        return self.rows[keys[0]] if keys else []


def read_boxes(path: Path, animals: int, clean_up: CleanUp = "none") -> BoxFile:
    """The boxes of a COCO file (images and annotations) or of a csv file.

    A csv file has a first line with frame or image, x, y, w, h and perhaps id. A COCO file has the
    path of an image as its key, and `track_id` or `instance_id` of an annotation as id.

    Args:
        clean_up: what the page's test set does to the boxes of a COCO file, as `box_clean_up` says.

    Raises:
        DataError: it cannot be read, or a line is no box.
    """
    if path.suffix.lower() == ".json":
        return _read_coco(path, animals, clean_up)
    return _read_csv(path, animals)


def parse_box(text: str) -> list[float] | None:
    """The four numbers of 'X,Y,W,H'; None where `text` is nothing of the kind.

    Raises:
        DataError: four numbers, but no box.
    """
    try:
        box = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    if len(box) != 4 or not all(map(math.isfinite, box)) or min(box[2:]) <= 0:
        raise DataError(f"--bbox {text}: expected x,y,w,h in px, w and h above 0")
    return box


def _read_csv(path: Path, animals: int) -> BoxFile:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            names = table.fieldnames or []
            keys = [name for name in ("frame", "image") if name in names]
            missing = [name for name in COLUMNS if name not in names]
            if len(keys) != 1 or missing:
                raise DataError(
                    f"{path}: its first line names {', '.join(names) or 'nothing'}; expected "
                    "frame (of a video) or image, x, y, w, h and perhaps id"
                )
            rows: dict[str, list[BoxRow]] = {}
            for line in table:
                place = f"{path}: line {table.line_num}"
                box = _csv_box(place, line)
                key = _csv_key(place, keys[0], line[keys[0]])
                rows.setdefault(key, []).append(BoxRow(box, place, line.get("id") or None))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no text in UTF-8; save it as csv in UTF-8") from error
    by: Literal["frame", "image"] = "frame" if keys[0] == "frame" else "image"
    return BoxFile(path, rows, by, animals)


def _csv_box(place: str, line: dict[str, Any]) -> np.ndarray:
    try:
        box = np.array([float(line[name]) for name in COLUMNS])
    except (TypeError, ValueError):
        shown = ", ".join(f"{name}={line[name]!r}" for name in COLUMNS)
        raise DataError(f"{place}: expected four numbers, got {shown}") from None
    if not (np.isfinite(box).all() and box[2] > 0 and box[3] > 0):
        raise DataError(f"{place}: {box.tolist()} is no box; w and h must be above 0 px")
    return box


def _csv_key(place: str, column: str, text: str) -> str:
    if column == "image":
        return PurePath(text.replace("\\", "/")).as_posix()
    try:
        number = int(text)
    except ValueError:
        raise DataError(f"{place}: frame is {text!r}, expected a whole number from 0") from None
    return str(number)


def _read_coco(path: Path, animals: int, clean_up: CleanUp) -> BoxFile:
    content, _ = read_json(path, "box file")
    if not isinstance(content, dict) or not content.get("images"):
        raise DataError(f"{path}: expected a COCO object with images and annotations")
    images = {image.get("id"): image for image in content["images"]}
    rows: dict[str, list[BoxRow]] = {}
    for entry in content.get("annotations", []):
        place = f"{path}: annotation {entry.get('id')}"
        image = images.get(entry.get("image_id"))
        if image is None:
            raise DataError(f"{place}: image_id {entry.get('image_id')!r} is not among 'images'")
        size = (image["width"], image["height"]) if image.get("width") else None
        box, problem = clean_box(box_of(place, entry), size, clean_up, place)
        if problem is None:
            name = str(image.get("file_name", image.get("filename"))).replace("\\", "/")
            number = entry.get("track_id", entry.get("instance_id"))
            row = BoxRow(box, place, None if number is None else str(number))
            rows.setdefault(PurePath(name).as_posix(), []).append(row)
    if not rows:
        raise DataError(f"{path}: no annotation with a box in it")
    return BoxFile(path, rows, "image", animals)


def _ends_alike(first: str, second: str) -> bool:
    """Whether one of two paths ends with all of the other."""
    parts, others = PurePath(first).parts, PurePath(second).parts
    count = min(len(parts), len(others))
    return parts[-count:] == others[-count:]


def check_boxes(boxes: BoxFile, jobs: Sequence[Job]) -> None:
    """DataError, before any work, where a box file cannot be that of the inputs."""
    videos = [job for job in jobs if job.kind == "video"]
    if boxes.by == "image" and videos:
        raise DataError(
            f"{boxes.path}: names images, but {videos[0]} is a video; give a csv file with a "
            "column frame"
        )
    if boxes.by == "frame" and len(jobs) > len(videos):
        raise DataError(
            f"{boxes.path}: has frames of a video; for images name them in a column image"
        )
    if boxes.by == "frame" and len(videos) > 1:
        raise DataError(
            f"{boxes.path}: has the boxes of one video, but there are {len(videos)}; take them one "
            "by one"
        )
    for number in boxes.rows if boxes.by == "frame" else ():
        boxes(Frame(number, int(number), None, None))  # says what is wrong with its boxes
    for job in jobs if boxes.by == "image" else ():
        if not sum(len(boxes(Frame(label, 0, None, None))) for label in job.labels):
            raise DataError(
                f"{boxes.path}: has a box for none of the images of {job}; it names for example "
                f"{next(iter(boxes.rows))!r}, the first image is {job.labels[0]!r}"
            )
