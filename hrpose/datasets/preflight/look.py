"""The look at the images of a data set before a run: whatever training would trip over, at once.

An image that passes is decoded in training, and to the size that was seen. JPEG files are read and
not decoded, which is a twentieth of the time (`jpeg`); all others are decoded. What is good is kept
in a small file (`good_images`), after which one `stat` an image is enough until it changes.

Legend: W, H width and height of an image in px.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.faults.everywhere import labels_beyond
from hrpose.datasets.faults.fault import Fault, errors_among, in_lines
from hrpose.datasets.faults.kinds import fault
from hrpose.datasets.preflight.good_images import (
    GoodImage,
    good_images_path,
    read_good_images,
    write_good_images,
)
from hrpose.datasets.preflight.image_file import ImageFile, look_at_file
from hrpose.datasets.transforms import reaches_outside
from hrpose.errors import DataError

THREADS = 16  # they mostly wait for the disk or the network
_TASK = 16  # images: one alone is looked at in less time than a thread takes to answer
SHOWN = 20

Bar = Callable[[Iterable, int, str], Iterable]
"""From items, their number and a title to the same items under a progress bar."""


@dataclass(frozen=True)
class BadImage:
    """An image that cannot be used."""

    path: str
    why: str
    animals: int
    """How many animals of the data set are on it."""
    first: str
    """Where the first of them comes from."""

    def __str__(self) -> str:
        more = f" and {self.animals - 1} more" if self.animals > 1 else ""
        return f"{self.path}: {self.why} [{self.first}{more}]"


@dataclass
class Look:
    """What a look at the images of a data set found; it looked at none where they are drawn."""

    images: int
    full: bool = False
    problems: list[BadImage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is odd about images that can be used."""
    faults: list[Fault] = field(default_factory=list)
    """What only the size of the images tells of the labels."""

    def summary(self) -> str:
        """What there is, and each fault in a line."""
        return "\n".join([self.about(), *map(str, self.faults)])

    def about(self) -> str:
        """How many images there are and the first problems, in lines."""
        if not self.images:
            return "no image files"
        how = "decoded" if self.full else "JPEG files read, others decoded"
        count = len(self.problems)
        found = f"{count} cannot be used:" if count else "all can be used"
        lines = [f"{self.images} images looked at ({how}), {found}"]
        lines += [f"  - {problem}" for problem in self.problems[:SHOWN]]
        lines += [f"  ... and {count - SHOWN} more"] if count > SHOWN else []
        lines += [f"warning: {note}" for note in self.notes]
        return "\n".join(lines)


def look_through(
    dataset: PoseDataset, full: bool = False, bar: Bar = lambda items, total, title: items
) -> Look:
    """Look at every image that has an animal of `dataset`.

    Args:
        full: decode JPEG files too.
    """
    if "image" in dataset.record_keys:
        return Look(0)
    animals: dict[str, list[int]] = {}
    for index in range(len(dataset)):
        animals.setdefault(str(dataset.record(index, 0)["image_path"]), []).append(index)
    known = read_good_images(good_images_path())
    before = len(known)
    result = Look(len(animals), full)
    odd: dict[str, list[str]] = {}
    found_sizes = np.full((len(dataset), 2), np.nan)
    looks = _in_threads(list(animals), lambda path: look_at_file(path, full, known))
    with contextlib.closing(looks):
        for path, found in bar(looks, len(animals), "looking at the images"):
            why = found.why
            if found.good is not None:
                known[found.key] = found.good
                found_sizes[animals[path]] = found.good.width, found.good.height
                why, note = _compare_sizes(dataset, animals[path], found.good)
                if note is not None:
                    odd.setdefault(note, []).append(path)
            if why is not None:
                first = dataset.describe(animals[path][0])
                result.problems.append(BadImage(path, why, len(animals[path]), first))
    result.faults = sizes_not_annotated(dataset, found_sizes)
    if len(known) > before:
        write_good_images(good_images_path(), known)
    for note, paths in odd.items():
        more = ", ..." if len(paths) > 3 else ""
        result.notes.append(f"{len(paths)} {note} ({', '.join(paths[:3])}{more})")
    return result


def sizes_not_annotated(dataset: PoseDataset, sizes: np.ndarray) -> list[Fault]:
    """Labels that reach out of images whose size the annotations do not give; `sizes` (N, 2) are
    those of their files, for each animal.
    """
    told = [dataset.record(index, 0).get("image_size") is not None for index in range(len(sizes))]
    unknown = np.where(np.array(told)[:, None], np.nan, sizes)
    truth = dataset.truth()
    points = np.where(truth.visible[..., None] > 0, truth.keypoints, np.nan)
    what, rows = labels_beyond(points, unknown)
    kind = "other-size"
    if not what:
        rows = ((points < 0) | (points > unknown[:, None])).any(axis=(1, 2))
        kind, what = "outside-image", f"{rows.sum()} with a labelled keypoint outside the image"
    places = [dataset.place(index) for index in np.flatnonzero(rows).tolist()]
    return [fault(kind, what, dataset.source, places)] if places else []


def require_good_images(
    dataset: PoseDataset,
    split: str,
    full: bool = False,
    folder: Path | None = None,
    bar: Bar = lambda items, total, title: items,
) -> str:
    """Look at the images of `split` before a run; what the log should say, '' where none are there.

    Where there are many problems, all of them go into a file in `folder`.

    Raises:
        DataError: images cannot be used, and `on_bad_image` is 'error'; or none can be used.
    """
    look = look_through(dataset, full, bar)
    if not look.images:
        return ""
    text, count = f"{split}: {look.summary()}", len(look.problems)
    if wrong := errors_among(look.faults):
        raise DataError("\n".join([text, *in_lines(wrong)]))
    if count > SHOWN and folder is not None:
        path = folder / f"bad_images_{split}.txt"
        with contextlib.suppress(OSError):  # the first of them are shown anyway
            path.write_text(
                "".join(f"{problem}\n" for problem in look.problems), "utf-8", "backslashreplace"
            )
        text += f"\nall of them are in {path}"
    if not count:
        return text
    if dataset.on_bad_image == "skip" and count < look.images:
        return f"{text}\nthey are left out, as data.{split}.on_bad_image='skip' says"
    advice = "restore them, or correct the annotations"
    if count < look.images:
        advice += f"; or set data.{split}.on_bad_image='skip' to go on without them"
    raise DataError(f"{text}\n{advice}")


def _in_threads(
    paths: list[str], look: Callable[[str], ImageFile]
) -> Generator[tuple[str, ImageFile], None, None]:
    """Each path with what `look` finds, in order. Closed, it ends once each thread is done with one
    image: a Ctrl-C must not wait for the others.
    """
    closed = Event()
    tasks = [paths[start : start + _TASK] for start in range(0, len(paths), _TASK)]

    def look_at_some(some: list[str]) -> list[tuple[str, ImageFile]]:
        return [(path, look(path)) for path in some if not closed.is_set()]

    with ThreadPoolExecutor(THREADS) as threads:
        try:
            for found in threads.map(look_at_some, tasks):
                yield from found
        finally:
            closed.set()
            threads.shutdown(wait=False, cancel_futures=True)


def _compare_sizes(
    dataset: PoseDataset, animals: list[int], good: GoodImage
) -> tuple[str | None, str | None]:
    """Why an image of another size than annotated cannot be used, or else what is odd about it."""
    width, height, swapped = good
    told = dataset.record(animals[0], 0).get("image_size")
    if told is None or tuple(told) == (width, height):
        return None, None
    turned = swapped and tuple(told) == (height, width)
    if any(reaches_outside(dataset.record(index, 0), width, height) for index in animals):
        why = f"is {width} x {height} px, its annotation says {told[0]} x {told[1]} and lies partly"
        why += " outside"
        if turned:
            why += "; it is that size before its EXIF orientation is applied, which is done here"
        return why, None
    if turned:
        return None, (
            "images have the annotated size only before their EXIF orientation is applied, which "
            "is done here: see that the labels fit the pictures as they are shown"
        )
    return None, "images have another size than annotated, with all animals inside"
