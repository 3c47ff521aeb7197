"""Several label files of one data set as one `LabelSet`, in which each is a part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.errors import DataError


def joined(sets: Mapping[str, LabelSet]) -> LabelSet:
    """All of `sets`, by the names of the parts. An image of several parts is there once.

    Raises:
        DataError: one name means two files.
    """
    images: dict[str, LabelledImage] = {}
    categories: dict[tuple[str, ...], Category] = {}
    animals: list[LabelledAnimal] = []
    counts: dict[str, int] = {}
    parts: dict[str, list[int]] = {}
    notes: list[str] = []
    files: dict[Path, None] = {}
    for part, labels in sets.items():
        known = set(images)
        for image in labels.images:
            if images.setdefault(image.name, image).source != image.source:
                raise DataError(
                    f"{part}: image {image.name} is {image.source} there, but "
                    f"{images[image.name].source} in another part"
                )
        places = {name: place for place, name in enumerate(images)}
        parts[part] = [places[image.name] for image in labels.images]
        for category in labels.categories:
            categories.setdefault(_key(category), category)
        kinds = list(categories)
        of_image = Counter(labels.images[animal.image].name for animal in labels.animals)
        for animal in labels.animals:
            name = labels.images[animal.image].name
            if name not in known:
                kind = kinds.index(_key(labels.categories[animal.category]))
                animals.append(replace(animal, image=places[name], category=kind))
        others = sum(
            counts[image.name] != of_image[image.name]
            for image in labels.images
            if image.name in known
        )
        if others:
            notes.append(
                f"WARNING: {others} images of {part} have other animals there than in the part "
                "before it; theirs are those of the part before"
            )
        counts |= {
            image.name: of_image[image.name] for image in labels.images if image.name not in known
        }
        notes += labels.notes
        files |= dict.fromkeys(labels.files)
    return LabelSet(
        list(categories.values()), list(images.values()), animals, list(files), parts, notes
    )


def _key(category: Category) -> tuple[str, ...]:
    return (category.name, *category.keypoints)
