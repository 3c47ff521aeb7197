"""What `hrpose check` found as one HTML page: a table, and pictures of the animals concerned."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import hrpose
from hrpose.browse.views import draw
from hrpose.datasets.base import PoseDataset
from hrpose.datasets.faults import Fault, Place
from hrpose.datasets.images import read_image
from hrpose.errors import DataError
from hrpose.visualize.html.keypoints import keypoint_key
from hrpose.visualize.html.page import render
from hrpose.visualize.html.pictures import embed, share
from hrpose.visualize.window import around

MOST_PICTURES = 50
_MOST_OF_A_NOTE = 3
_HEIGHT = 360
_ORDER = ("error", "warning", "note")
_NOT_LABELLED = 0.15  # as a score: faint


@dataclass
class Looked:
    """What was found in one data set.

    Args:
        split: 'train', 'val' or 'test'.
        dataset: None where it could not be read.
        refusal: why it could not.
        unreadable: the images that cannot be used, each with the reason.
    """

    split: str
    dataset: PoseDataset | None = None
    faults: list[Fault] = field(default_factory=list)
    refusal: str = ""
    unreadable: Sequence[str] = ()

    @cached_property
    def annotations(self) -> dict[Hashable, dict[str, Any]]:
        """The annotations by their id in the file; of an id that is there twice, the first."""
        found: dict[Hashable, dict[str, Any]] = {}
        if self.dataset is None:
            return found
        entries = {entry["id"]: entry for entry in self.dataset.coco()["annotations"]}
        for index, number in enumerate(self.dataset.truth().annotation_ids.tolist()):
            if number in entries:  # else a detection
                found.setdefault(self.dataset.place(index).annotation_id, entries[number])
        for entry in entries.values():  # those that are not used
            found.setdefault(entry.get("source_id", entry["id"]), entry)
        return found

    @cached_property
    def images(self) -> dict[Hashable, int]:
        """The images of `coco` by their id in the file."""
        images = self.dataset.coco()["images"] if self.dataset is not None else []
        return {image.get("source_id", image["id"]): image["id"] for image in images}


@dataclass
class Row:
    """A fault in the table, and the number of its first picture."""

    fault: Fault
    split: str
    card: int | None = None


@dataclass
class Concerned:
    """An animal or image with a picture, and all that was found about it."""

    looked: Looked
    place: Place
    faults: list[Fault] = field(default_factory=list)


def faults_page(name: str, problems: Sequence[str], looked: Sequence[Looked]) -> str:
    """The page of a check.

    Args:
        name: of the config page.
        problems: what training would refuse the config page for.

    Raises:
        RunError: it would be larger than a page may be.
    """
    pairs = [(each, fault) for each in looked for fault in each.faults]
    pairs.sort(key=lambda pair: _ORDER.index(pair[1].severity))  # stable: in the order of the sets
    concerned = worst(pairs)
    rows = [Row(fault, each.split) for each, fault in pairs]
    for number, one in enumerate(concerned):
        for row in rows:
            if row.card is None and row.fault in one.faults:
                row.card = number
    metas = [each.dataset.meta for each in looked if each.dataset is not None]
    return render(
        Path(__file__).with_name("faults.html"),
        title=f"Check of {name}",
        problems=problems,
        looked=looked,
        rows=rows,
        counts=[(kind, sum(row.fault.severity == kind for row in rows)) for kind in _ORDER],
        cards=list(_cards(concerned)),
        keypoints=keypoint_key(metas[0]) if metas else None,
        version=hrpose.__version__,
    )


def worst(pairs: Sequence[tuple[Looked, Fault]], most: int = MOST_PICTURES) -> list[Concerned]:
    """At most `most` animals that faults concern: the first of every fault, then the second, ...

    So no fault with hundreds of animals hides another; in the order of `pairs` otherwise. Notes
    come after all others, and each with a few examples.
    """
    found: dict[tuple[str, Place], Concerned] = {}
    notes = [pair for pair in pairs if pair[1].severity == "note"]
    others = [pair for pair in pairs if pair[1].severity != "note"]
    for group, each in ((others, most), (notes, _MOST_OF_A_NOTE)):
        for turn in range(each):
            for looked, fault in group:
                if turn < len(fault.places) and len(found) < most:
                    place = fault.places[turn]
                    found.setdefault((looked.split, place), Concerned(looked, place))
    for looked, fault in pairs:
        for place in fault.places:
            one = found.get((looked.split, place))
            if one is not None and fault not in one.faults:
                one.faults.append(fault)
    return list(found.values())


def _cards(concerned: Sequence[Concerned]) -> Iterator[dict[str, Any]]:
    """What the template needs of each animal."""
    most = share(len(concerned))
    for one in concerned:
        title = _title(one)
        card: dict[str, Any] = {
            "title": title,
            "faults": one.faults,
            "picture": None,
            "problem": "",
        }
        try:
            what = "; ".join(fault.what for fault in one.faults)
            card["picture"] = embed(_picture(one), f"{title}: {what}", most)
        except DataError as error:
            card["problem"] = str(error)
        yield card


def _title(one: Concerned) -> str:
    place, words = one.place, [one.looked.split]
    if place.file_name or place.image_id is not None:
        words.append(place.file_name or f"image {place.image_id}")
    words += [f"annotation {place.annotation_id}"] * (place.annotation_id is not None)
    return ", ".join(words)


def _picture(one: Concerned) -> np.ndarray:
    """The animal, or all animals of an image without one that is named.

    Raises:
        DataError: the image cannot be read.
    """
    dataset, place = one.looked.dataset, one.place
    known = one.looked.annotations
    own = known.get(place.annotation_id) if place.annotation_id is not None else None
    number = own["image_id"] if own is not None else one.looked.images.get(place.image_id)
    if dataset is None or number is None:
        raise DataError("no picture: it is not known which image this is")
    entries = [own] if own is not None else []
    if place.annotation_id is None:
        entries = [entry for entry in known.values() if entry["image_id"] == number]
    image = read_image(dataset.image_file(number))
    size = len(dataset.meta)
    points = np.array([entry["keypoints"] for entry in entries], float).reshape(-1, size, 3)
    boxes = np.array([entry["bbox"] for entry in entries], float).reshape(-1, 4)
    placed = np.isfinite(points).all(axis=2) & (points[..., :2] != 0).any(axis=2)
    shown = np.where(points[..., 2] > 0, 1.0, np.where(placed, _NOT_LABELLED, 0.0))
    photo = image.shape[1], image.shape[0]
    window = around(boxes[boxes.any(axis=1)], points[shown > 0][:, :2], photo, _HEIGHT)
    return draw(window, image, points[..., :2], shown, boxes, dataset.meta)
