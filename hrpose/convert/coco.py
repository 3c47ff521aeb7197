"""A `LabelSet` as COCO keypoint files, and read back from them.

Images, animals and categories have their place in the `LabelSet`, from 1, as id: the same in the
file of all labels and in those of the parts. Beside the keys of COCO there are, where known: of an
image `group`, `source_id` and, in the file of all, `parts`; of an annotation `box_from`,
`individual`, `source_id` and, of predictions, `scores`; of a category `flip_pairs` (names).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from hrpose.convert.label_set import Category, LabelledAnimal, LabelledImage, LabelSet
from hrpose.geometry import box_around


def content_of(
    labels: LabelSet, places: Collection[int], info: Mapping[str, Any]
) -> dict[str, Any]:
    """The COCO file of the images at `places`, with their animals and all categories."""
    chosen = set(places)
    return {
        "info": dict(info),
        "images": [_image(labels.images[place], place) for place in sorted(chosen)],
        "annotations": [
            _annotation(animal, place, labels.images[animal.image].size)
            for place, animal in enumerate(labels.animals)
            if animal.image in chosen
        ],
        "categories": [
            category_of(category, place) for place, category in enumerate(labels.categories, 1)
        ],
    }


def with_parts(content: dict[str, Any], parts: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """The file of all labels, in which each image says which parts it is in."""
    names: dict[int, list[str]] = {}
    for part, places in parts.items():
        for place in places:
            names.setdefault(place + 1, []).append(part)
    images = [{**image, "parts": names.get(image["id"], [])} for image in content["images"]]
    return {**content, "images": images}


def category_of(category: Category, number: int) -> dict[str, Any]:
    """An entry of `categories`; a skeleton's ends count from 1, as in COCO."""
    index = {name: place for place, name in enumerate(category.keypoints, 1)}
    entry: dict[str, Any] = {
        "id": number,
        "name": category.name,
        "keypoints": list(category.keypoints),
        "skeleton": [[index[start], index[end]] for start, end in category.skeleton],
    }
    if category.flip_pairs:
        entry["flip_pairs"] = [list(pair) for pair in category.flip_pairs]
    return entry


def _image(image: LabelledImage, place: int) -> dict[str, Any]:
    width, height = image.size
    entry: dict[str, Any] = {
        "id": place + 1,
        "file_name": image.name,
        "width": width,
        "height": height,
    }
    if image.group:
        entry["group"] = image.group
    if image.source_id is not None:
        entry["source_id"] = image.source_id
    return entry


def _annotation(animal: LabelledAnimal, place: int, size: tuple[int, int]) -> dict[str, Any]:
    seen = labelled(animal)
    triples = np.where(seen[:, None], np.column_stack([animal.keypoints, animal.visible]), 0)
    box = [float(value) for value in animal.box or box_around(animal.keypoints[seen], size)]
    entry: dict[str, Any] = {
        "id": place + 1,
        "image_id": animal.image + 1,
        "category_id": animal.category + 1,
        "keypoints": [_plain(value) for value in triples.ravel().tolist()],
        "num_keypoints": int(seen.sum()),
        "bbox": [_plain(value) for value in box],
        "area": float(box[2] * box[3]) if animal.area is None else animal.area,
        "iscrowd": 0,
    }
    if animal.box is None:
        entry["box_from"] = "keypoints"
    if animal.individual is not None:
        entry["individual"] = animal.individual
    if animal.source_id is not None:
        entry["source_id"] = animal.source_id
    if animal.scores is not None:
        entry["scores"] = np.asarray(animal.scores, np.float64).tolist()
    return entry


def labelled(animal: LabelledAnimal) -> np.ndarray:
    """(K,) bool: which keypoints have a label."""
    return np.isfinite(animal.keypoints).all(axis=1) & (np.asarray(animal.visible) > 0)


def _plain(value: float) -> float | int:
    """A whole number without '.0', which says the same and is how COCO files have it."""
    return (
        int(value) if value == int(value) and abs(value) < 2**53 and str(value) != "-0.0" else value
    )
