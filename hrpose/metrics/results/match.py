"""Which entry of a results file answers which animal.

Legend: D entries, N animals of the data set; -1 stands for none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np

from hrpose.errors import DataError
from hrpose.metrics.results.ids import source_ids
from hrpose.metrics.results.read import Answers
from hrpose.structures import Instances, Labels, Predictions


@dataclass
class Matches:
    """Answers of one file to the animals of one data set."""

    answers: Answers
    animals: np.ndarray
    """(D,) the animal that each entry answers."""
    notes: list[str] = field(default_factory=list)
    trouble: str | None = None
    """Why the file does not tell which animal is meant, if so; AP can do without, PCK cannot."""

    def by_instance(self) -> Predictions:
        """The entries that answer an animal."""
        rows = np.flatnonzero(self.animals >= 0)
        return self._predictions(rows, self.animals[rows])

    def by_image(self, truth: Instances) -> tuple[Predictions, Instances]:
        """All entries as detections. Those that answer no animal get rows of their own, without
        labels, behind those of `truth`.
        """
        unbound = np.flatnonzero(self.animals < 0)
        index = self.animals.copy()
        index[unbound] = len(truth) + np.arange(len(unbound))
        extended = _with_unlabelled(truth, self.answers.take(unbound))
        return self._predictions(np.arange(len(index)), index), extended

    def _predictions(self, rows: np.ndarray, index: np.ndarray) -> Predictions:
        part = self.answers.take(rows)
        return Predictions(part.keypoints, part.scores, index, part.areas, part.instance_scores)


def match(answers: Answers, labels: Labels, allow_missing: bool = False) -> Matches:
    """Match by annotation_id where an entry has one, else with the only animal of its image.

    Args:
        allow_missing: animals without an answer are no trouble.

    Raises:
        DataError: an id that is not in the annotations, or two entries with one annotation_id.
    """
    places = {number: row for row, number in enumerate(labels.truth.annotation_ids.tolist())}
    of_image = defaultdict(list)
    for row, image_id in enumerate(labels.truth.image_ids.tolist()):
        of_image[image_id].append(row)
    images = _known_images(answers, labels)
    named = source_ids(labels.coco["annotations"])
    owners: dict[int, int] = {}
    found = Matches(answers, np.full(len(answers), -1, dtype=np.int64))
    for entry, (image_id, number) in enumerate(
        zip(answers.image_ids.tolist(), answers.annotation_ids.tolist(), strict=True)
    ):
        if number >= 0:
            _check_annotation(answers, entry, number, images)
            animals = [places[number]] if number in places else []
        else:
            animals = of_image[image_id]
        if len(animals) > 1:
            found.trouble = found.trouble or (
                f"{answers.entry(entry)} has no annotation_id, and its image has "
                f"{len(animals)} animals"
            )
        elif animals and animals[0] in owners:
            first = owners[animals[0]]
            animal = named[int(labels.truth.annotation_ids[animals[0]])]
            both = f"{answers.entry(entry)}: entry {first} answers annotation {animal} already"
            if number >= 0 and answers.annotation_ids[first] >= 0:
                raise DataError(f"{both}; keep one of the two")
            found.trouble = found.trouble or both
            if answers.annotation_ids[first] < 0:
                found.animals[first] = -1  # which of the two is meant, nobody knows
        elif animals:
            owners[animals[0]] = entry
            found.animals[entry] = animals[0]
    _judge(found, labels, allow_missing)
    return found


def _judge(found: Matches, labels: Labels, allow_missing: bool) -> None:
    """Add what is missing and what answers nobody."""
    missing = np.setdiff1d(np.arange(len(labels.truth)), found.animals)
    if len(missing) and not allow_missing:
        known = source_ids(labels.coco["annotations"])
        ids = [known[number] for number in labels.truth.annotation_ids[missing].tolist()]
        named = ", ".join(map(str, ids[:5])) + (", ..." if len(ids) > 5 else "")
        found.trouble = found.trouble or (
            f"{found.answers.path}: {len(ids)} of {len(labels.truth)} animals have no answer: "
            f"annotation {named} (--allow-missing leaves them out)"
        )
    nobody = np.count_nonzero(found.animals < 0)
    if nobody and not found.trouble:
        found.notes.append(
            f"{nobody} of {len(found.answers)} entries answer no animal with labelled points: "
            "not counted"
        )


def _known_images(answers: Answers, labels: Labels) -> dict[int, int]:
    """Image of each annotation; DataError where an image or a category of an entry is not there."""
    known = [part["id"] for part in labels.coco["images"]]
    wrong = np.flatnonzero(~np.isin(answers.image_ids, known))
    if len(wrong):
        raise DataError(
            f"{answers.entry(wrong[0])}: no such image in the annotations"
            f"{_others(len(wrong))}; are the predictions of another split?"
        )
    categories = [part["id"] for part in labels.coco["categories"]]
    named = answers.category_ids >= 0
    wrong = np.flatnonzero(named & ~np.isin(answers.category_ids, categories))
    if len(wrong):
        raise DataError(
            f"{answers.entry(wrong[0])}: category_id {answers.category_ids[wrong[0]]} is not among "
            f"those of the annotations, {categories}{_others(len(wrong))}"
        )
    return {part["id"]: part["image_id"] for part in labels.coco["annotations"]}


def _check_annotation(answers: Answers, entry: int, number: int, images: dict[int, int]) -> None:
    if number not in images:
        raise DataError(f"{answers.entry(entry)}: no annotation has the id {number}")
    if images[number] != answers.image_ids[entry]:
        raise DataError(f"{answers.entry(entry)}: annotation {number} is of image {images[number]}")


def _others(count: int) -> str:
    return f" (and {count - 1} more such entries)" if count > 1 else ""


def _with_unlabelled(truth: Instances, answers: Answers) -> Instances:
    """`truth` and behind it one row without labels for each of `answers`."""
    count, default = len(answers), Counter(truth.category_ids.tolist()).most_common(1)[0][0]
    more = Instances(
        keypoints=np.zeros((count, *truth.keypoints.shape[1:]), np.float32),
        visible=np.zeros((count, *truth.visible.shape[1:]), np.float32),
        boxes=np.zeros((count, 4), np.float32),
        areas=np.zeros(count, np.float32),
        image_ids=answers.image_ids,
        annotation_ids=np.full(count, -1, np.int64),
        box_scores=np.ones(count, np.float32),
        category_ids=np.where(answers.category_ids < 0, default, answers.category_ids),
    )
    return Instances(
        **{name: np.concatenate([part, getattr(more, name)]) for name, part in vars(truth).items()}
    )
