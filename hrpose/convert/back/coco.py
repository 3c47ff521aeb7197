"""To one plain COCO file: its own keys alone, ids of the original where each has one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hrpose.convert.back.files import Back
from hrpose.convert.coco import content_of
from hrpose.convert.images import refuse_existing
from hrpose.storage.whole_file import write_whole

_OWN = {
    "images": {"id", "file_name", "width", "height"},
    "annotations": {
        "id", "image_id", "category_id", "keypoints", "num_keypoints", "bbox", "area", "iscrowd",
        "score",
    },
    "categories": {"id", "name", "keypoints", "skeleton"},
}  # fmt: skip


def write(back: Back) -> list[Path]:
    """`back.out`, a .json file."""
    path = back.out if back.out.suffix == ".json" else back.out / "labels.json"
    refuse_existing([path], back.overwrite)
    labels = back.labels
    content = content_of(labels, range(len(labels.images)), {})
    images = _ids([image.source_id for image in labels.images])
    animals = _ids([animal.source_id for animal in labels.animals])
    for image in content["images"]:
        image["id"] = images[image["id"] - 1]
    for annotation, animal in zip(content["annotations"], labels.animals, strict=True):
        annotation["id"] = animals[annotation["id"] - 1]
        annotation["image_id"] = images[annotation["image_id"] - 1]
        if animal.scores is not None:
            annotation["score"] = float(animal.scores.mean())
    plain = {
        part: [{key: entry[key] for key in entry if key in keys} for entry in content[part]]
        for part, keys in _OWN.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
    return [path]


def _ids(originals: Sequence[Any]) -> list[Any]:
    """The original ids, where all have one and no two the same; else numbers from 1."""
    known = all(original is not None for original in originals)
    if known and len(set(originals)) == len(originals):
        return list(originals)
    return list(range(1, len(originals) + 1))
