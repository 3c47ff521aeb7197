"""Points and boxes of one image, as label programs have them, put together to animals.

Coordinates are image px.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.errors import DataError

Id = str | int | None


@dataclass(frozen=True)
class Point:
    """One labelled keypoint.

    Args:
        group: what it has in common with the other points of its animal, and with its box; None
            where the file says nothing.
    """

    name: str
    x: float
    y: float
    hidden: bool = False
    group: Hashable = None


@dataclass(frozen=True)
class Box:
    """One labelled box: `box` is x, y, width, height; `group` as of a point."""

    label: str
    box: tuple[float, float, float, float]
    group: Hashable = None
    id: Id = None

    def holds(self, point: Point) -> bool:
        """Whether `point` lies in it, edges included."""
        x, y, width, height = self.box
        return x <= point.x <= x + width and y <= point.y <= y + height


@dataclass
class Animal:
    """What belongs together: points by name, and a box.

    Args:
        label: name of the category; None where nothing says it.
    """

    points: dict[str, Point] = field(default_factory=dict)
    box: Box | None = None
    label: str | None = None
    id: Id = None
    individual: str | None = None


def gather(points: Sequence[Point], boxes: Sequence[Box], where: str, tie: str) -> list[Animal]:
    """The animals of one image.

    What has a group goes together. A point without one belongs to the only animal there is, or to
    the only box that it lies in; a group of points without a box gets the only free box that holds
    all of them.

    Args:
        where: file and image, for errors.
        tie: how points are tied to a box in that program, for errors.

    Raises:
        DataError: it cannot be told whose a point is, or an animal has one twice.
    """
    grouped: dict[Hashable, Animal] = {}
    free: list[Animal] = []
    for box in boxes:
        if box.group is None:
            free.append(_boxed(box))
        elif box.group in grouped:
            raise DataError(f"{where}: two boxes of group {box.group!r}; keep one")
        else:
            grouped[box.group] = _boxed(box)
    for point in points:
        if point.group is not None:
            _add(grouped.setdefault(point.group, Animal()), point, where, tie)
    loose = [point for point in points if point.group is None]
    if loose and not grouped and not free:
        free.append(Animal())
    for point in loose:
        _add(_owner(point, [*grouped.values(), *free], where, tie), point, where, tie)
    for animal in grouped.values():
        if animal.box is None:
            _give_free_box(animal, free)
    return [*grouped.values(), *free]


def _boxed(box: Box) -> Animal:
    return Animal(box=box, label=box.label, id=box.id)


def _add(animal: Animal, point: Point, where: str, tie: str) -> None:
    if point.name in animal.points:
        raise DataError(f"{where}: an animal has the point {point.name!r} twice; {tie}")
    animal.points[point.name] = point


def _owner(point: Point, animals: Sequence[Animal], where: str, tie: str) -> Animal:
    if len(animals) == 1:
        return animals[0]
    around = [animal for animal in animals if animal.box and animal.box.holds(point)]
    if len(around) != 1:
        raise DataError(
            f"{where}: the point {point.name!r} at ({point.x:.1f}, {point.y:.1f}) lies in "
            f"{len(around) or 'none'} of the image's {len(animals)} animals' boxes, and nothing "
            f"says which it belongs to; {tie}"
        )
    return around[0]


def _give_free_box(animal: Animal, free: list[Animal]) -> None:
    """Take the one box without points that holds all points of `animal`, if there is one."""
    fit = [
        other
        for other in free
        if other.box and not other.points and all(map(other.box.holds, animal.points.values()))
    ]
    if len(fit) == 1:
        animal.box = fit[0].box
        animal.label = animal.label or fit[0].label
        free.remove(fit[0])


class Sheets:
    """Images and their animals one after another, to a `LabelSet`.

    Args:
        category: name of the animals that nothing names.
        known: keypoints of the categories that the file defines. All others share one list, in the
            order in which their names are met.
        limbs: limbs of those categories.
    """

    def __init__(
        self,
        category: str,
        known: Mapping[str, Sequence[str]] | None = None,
        limbs: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    ) -> None:
        self.category = category
        self.known = known or {}
        self.limbs = limbs or {}
        self.images: list[LabelledImage] = []
        self._animals: list[tuple[int, Animal]] = []

    def add(self, image: LabelledImage, animals: Sequence[Animal]) -> None:
        """Append an image and what `gather` found in it."""
        self._animals += [(len(self.images), animal) for animal in animals]
        self.images.append(image)

    def labels(self, source: Path, files: Sequence[Path], notes: Sequence[str]) -> LabelSet:
        """All that was added.

        Raises:
            DataError: there is no point in any image, or an animal has one that its category lacks.
        """
        if not any(animal.points for _, animal in self._animals):
            raise DataError(
                f"{source}: there is no labelled point in its {len(self.images)} images; label "
                "keypoints, or name another export"
            )
        said = dict.fromkeys(animal.label for _, animal in self._animals if animal.label)
        default = next(iter(said)) if len(said) == 1 else self.category
        labels = [animal.label or default for _, animal in self._animals]
        met = dict.fromkeys(
            name
            for (_, animal), label in zip(self._animals, labels, strict=True)
            if label not in self.known
            for name in animal.points
        )
        categories = [
            Category(name, tuple(self.known.get(name, met)), tuple(self.limbs.get(name, ())))
            for name in dict.fromkeys(labels)
        ]
        places = {category.name: place for place, category in enumerate(categories)}
        animals = [
            self._labelled(image, animal, places[label], categories[places[label]])
            for (image, animal), label in zip(self._animals, labels, strict=True)
        ]
        return LabelSet(categories, self.images, animals, files, notes=list(notes))

    def _labelled(
        self, image: int, animal: Animal, place: int, category: Category
    ) -> LabelledAnimal:
        strange = [name for name in animal.points if name not in category.keypoints]
        if strange:
            raise DataError(
                f"{self.images[image].name}: point {strange[0]!r} is none of the keypoints of "
                f"{category.name!r}: {', '.join(category.keypoints)}"
            )
        keypoints = np.full((len(category.keypoints), 2), np.nan)
        visible = np.zeros(len(category.keypoints), int)
        for row, name in enumerate(category.keypoints):
            point = animal.points.get(name)
            if point:
                keypoints[row] = point.x, point.y
                visible[row] = 1 if point.hidden else 2
        return LabelledAnimal(
            image,
            place,
            keypoints,
            visible,
            box=animal.box.box if animal.box else None,
            individual=animal.individual,
            source_id=animal.id,
        )
