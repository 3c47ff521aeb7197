"""Which images belong to one video or one animal, as the labels' files and their names tell."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hrpose.config import Page
from hrpose.convert.split import group_in, group_pattern
from hrpose.errors import DataError
from hrpose.storage.json_file import read_coco_json
from hrpose.structures import Labels

FEW_GROUPS = 10
"""With fewer, draws of them are too much alike."""

_ROBOFLOW = re.compile(r"[-_](png|jpe?g|bmp|webp)\.rf\.[0-9a-f]+$", re.IGNORECASE)
_NUMBER = re.compile(r"[-_. ]*\d+[-_. ]*$")


@dataclass(frozen=True)
class Grouping:
    """The group of each image, by its id; None where nothing tells, and why, in words."""

    of_image: dict[int, str] | None
    how: str

    @property
    def counts(self) -> dict[str, int]:
        """Images of each group."""
        return dict(sorted(Counter((self.of_image or {}).values()).items()))


def group_images(labels: Labels, page: Page, by: str) -> Grouping:
    """Groups of the images of a test set.

    Args:
        by: 'video' takes the groups that `hrpose convert` wrote into the annotation file, else the
            names: folder, and stem without the number at its end. 'image' makes no groups. Else a
            regular expression: its first group, or all that fits, in a file name.

    Raises:
        RunError: `by` is no regular expression.
        DataError: it fits no part of a file name.
    """
    names = {image["id"]: str(image["file_name"]) for image in labels.coco["images"]}
    if by == "image":
        return Grouping(None, "each image stands for itself, as --by image says")
    if by != "video":
        of_image = _by_pattern(names, by)
        return _sound(of_image, f"by what {by!r} finds in file names", alone=False)
    written = _written_groups(page)
    if names and all(name in written for name in names.values()):
        of_image = {number: written[name] for number, name in names.items()}
        return _sound(of_image, "by the groups that the annotation file has", alone=False)
    of_image = {number: stem_of(name) for number, name in names.items()}
    return _sound(of_image, "by file names: folder, and name without the number at its end")


def stem_of(name: str) -> str:
    """The folder of an image, and its name without the number at its end: 'cage/mouse_0012.png' is
    of 'cage/mouse'. What Roboflow adds to a name is not part of it.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    stem = _NUMBER.sub("", _ROBOFLOW.sub("", path.stem))
    return str(path.parent / stem) if stem else str(path.parent)


def _sound(of_image: dict[int, str], how: str, alone: bool = True) -> Grouping:
    """The grouping, if it is one.

    With `alone`, names of which most are the only ones of their kind tell nothing: they are ids.
    """
    counts = Counter(of_image.values())
    single = sum(count == 1 for count in counts.values())
    if len(counts) < 2:
        return Grouping(None, f"{how}, all {len(of_image)} images are one group")
    if len(counts) == len(of_image) or (alone and single > len(counts) / 2):
        return Grouping(None, f"{how}, most images are groups of their own")
    return Grouping(of_image, how)


def _by_pattern(names: dict[int, str], by: str) -> dict[int, str]:
    pattern = group_pattern(by)
    found = {}
    for number, name in names.items():
        group = group_in(name, pattern)
        if group is None:
            raise DataError(f"--by {by!r} fits no part of the file name {name!r}")
        found[number] = group
    return found


def _written_groups(page: Page) -> dict[str, str]:
    """By file name, the group that `hrpose convert` wrote into the annotation files."""
    data = page["data"]
    named: Any = data["test"].get("ann_file", [])
    files = [named] if isinstance(named, str) else named
    groups = {}
    for file in files:
        content, _ = read_coco_json(Path(data["test"].get("root", data.get("root", "")), file))
        for image in content["images"]:
            if isinstance(image.get("group"), str):
                groups[str(image.get("file_name"))] = image["group"]
    return groups
