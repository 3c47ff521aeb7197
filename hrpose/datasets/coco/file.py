"""COCO annotation files, read and checked: every error names the file, the entry and what to do.

What real files do is taken as it comes: `filename` for `file_name`, ids that start at 0, occur in
several files or are strings, categories without keypoints, sizes left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeGuard

from hrpose.datasets.coco.entry import Entry
from hrpose.datasets.coco.names import safe_name
from hrpose.datasets.faults.fault import Fault, Place
from hrpose.datasets.faults.kinds import fault
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.storage.json_file import read_coco_json


@dataclass
class CocoFile:
    """One or more annotation files as one; ids are whole numbers that occur once."""

    paths: Sequence[Path]
    digests: list[str] = field(default_factory=list)
    """SHA-256 of each file, in hex."""
    images: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By id: id, file_name, where given width and height, and file, the number of its file."""
    image_ids: dict[tuple[int, Hashable], int] = field(default_factory=dict)
    """Number of the file and id in it, to the id here."""
    entries: list[Entry] = field(default_factory=list)
    categories: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    """Of ids and names; those of the labels are looked for in `datasets.faults`."""


def image_size(image: dict[str, Any]) -> tuple[float, float] | None:
    """Width and height in px of an entry of `images`, if the file gives them."""
    return (image["width"], image["height"]) if "width" in image else None


def read_coco(paths: Sequence[Path], file_names: str | None = None) -> CocoFile:
    """The annotation files `paths`, of which only images whose names fit the pattern `file_names`.

    Ids stay as they are if they are whole numbers and occur once, else they are counted from 1.
    """
    file = CocoFile(paths)
    images, annotations = [], []
    for number, path in enumerate(paths):
        parts, digest = read_coco_json(path)
        file.digests.append(digest)
        images += [(number, entry) for entry in parts["images"]]
        annotations += [(path, number, entry) for entry in parts["annotations"]]
        _add_categories(file, path, parts)
    _add_images(file, images)
    ids = _whole_ids(file, "annotation", [entry.get("id") for _, _, entry in annotations], 0)
    counts: Counter[Path] = Counter()
    for new_id, (path, number, content) in zip(ids, annotations, strict=True):
        counts[path] += 1
        image_id = file.image_ids.get((number, hashable(content.get("image_id"))))
        source_id = hashable(content.get("id"))
        entry = Entry(content, new_id, image_id or 0, path, source_id, counts[path])
        if image_id is None:
            raise _no_such_image(file, number, entry)
        file.entries.append(entry)
    if file_names is not None:
        _choose_images(file, file_names)
    return file


def check_category(paths: Sequence[Path], category: dict[str, Any], meta: KeypointMeta) -> None:
    """DataError where the category names other keypoints than `meta`; none at all will do."""
    names = category.get("keypoints")
    if not names or names == list(meta.names):
        return
    place = f"{paths[0]}: category {category.get('name')!r} (id {category.get('id')})"
    if not isinstance(names, list):
        raise DataError(f"{place}: keypoints is {names!r:.80}, expected a list of names")
    if [str(name).strip() for name in names] in (list(meta.names), list(meta.aliases)):
        return
    ours = f"the keypoint meta {meta.dataset!r}"
    if len(names) != len(meta):
        raise DataError(
            f"{place} has {len(names)} keypoints, {ours} has {len(meta)}; choose the meta of this "
            "data set, or another category"
        )
    if sorted(map(str, names)) == sorted(meta.names):
        what = "the same keypoints in another order"
    else:
        what = "other keypoint names"
    pairs = [(k, a, b) for k, (a, b) in enumerate(zip(names, meta.names, strict=True)) if a != b]
    shown = "; ".join(f"number {k} is {a!r} there and {b!r} here" for k, a, b in pairs[:5])
    more = f"; and {len(pairs) - 5} more" if len(pairs) > 5 else ""
    raise DataError(f"{place} has {what} than {ours}: {shown}{more}; make the two agree")


def _add_categories(file: CocoFile, path: Path, parts: dict[str, list[dict[str, Any]]]) -> None:
    """The categories of one file; where it lists none, those that its annotations name."""
    entries = parts["categories"]
    if not entries:
        ids: dict[int, None] = {}
        for place, entry in enumerate(parts["annotations"], 1):
            category_id = hashable(entry.get("category_id"))
            if not _is_whole(category_id):
                named = Entry(entry, 0, 0, path, hashable(entry.get("id")), place)
                raise DataError(
                    f"{named}: category_id is {category_id!r:.60}, expected a whole number"
                )
            ids[category_id] = None
        entries = [{"id": category_id, "name": "animal"} for category_id in ids]
    for entry in entries:
        number = entry.get("id")
        if not _is_whole(number):
            raise DataError(f"{path}: category id {number!r} must be a whole number")
        known = file.categories.setdefault(number, entry)
        if (known.get("name"), known.get("keypoints")) != (
            entry.get("name"),
            entry.get("keypoints"),
        ):
            raise DataError(
                f"{path}: category {number} is {entry.get('name')!r}, with other keypoints or "
                f"another name than {known.get('name')!r}, which it is before; make the two agree"
            )


def _add_images(file: CocoFile, images: list[tuple[int, dict[str, Any]]]) -> None:
    ids = _whole_ids(file, "image", [entry.get("id") for _, entry in images], -(2**63) + 1)
    for new_id, (number, entry) in zip(ids, images, strict=True):
        path, source_id = file.paths[number], hashable(entry.get("id"))
        if (number, source_id) in file.image_ids:
            raise DataError(f"{path}: image id {source_id!r} occurs twice; give each its own")
        name = entry.get("file_name", entry.get("filename"))
        image = {
            "id": new_id,
            "file_name": safe_name(path, source_id, name),
            "file": number,
        }
        if new_id != source_id:
            image["source_id"] = source_id
        width, height = entry.get("width"), entry.get("height")
        if width and height:
            if not (_is_length(width) and _is_length(height)):
                raise DataError(
                    f"{path}: image {source_id!r}: width {width!r} and height {height!r} must be "
                    "numbers of px, above 0"
                )
            image.update(width=width, height=height)
        file.images[new_id] = image
        file.image_ids[number, source_id] = new_id
    _say_backslashes(file)


def _say_backslashes(file: CocoFile) -> None:
    """Name the images whose names hold backslashes: see `names.image_path`."""
    named = [
        (file.images[number], source_id)
        for (_, source_id), number in file.image_ids.items()
        if "\\" in file.images[number]["file_name"]
    ]
    if named:
        what = f"{len(named)} file names with backslashes, read as '/' unless a file is called so"
        places = [Place(source_id) for _, source_id in named]
        file.faults.append(fault("backslashes", what, ", ".join(map(str, file.paths)), places))


def _choose_images(file: CocoFile, pattern: str) -> None:
    """Only what belongs to images whose names fit `pattern`."""
    total = len(file.images)
    first = next(iter(file.images.values()))["file_name"]
    file.images = {
        image_id: image
        for image_id, image in file.images.items()
        if fnmatchcase(image["file_name"], pattern)
    }
    if not file.images:
        raise DataError(
            f"{file.paths[0]}: no file_name fits {pattern!r} of file_names; one is {first!r}"
        )
    file.entries = [entry for entry in file.entries if entry.image_id in file.images]
    file.notes.append(f"{len(file.images)} of {total} images have names like {pattern!r}")


def _no_such_image(file: CocoFile, number: int, entry: Entry) -> DataError:
    """The error on an annotation whose image is not in its file, the one of that `number`."""
    wanted = entry.content.get("image_id")
    known = [name for place, name in file.image_ids if place == number and str(name) == str(wanted)]
    hint = "add the image or remove the annotation"
    if known:
        hint = f"there is {known[0]!r}: write both as numbers, or both as strings"
    return DataError(f"{entry}: image_id {wanted!r} is not among 'images'; {hint}")


def _whole_ids(file: CocoFile, what: str, ids: list[Any], least: int) -> list[int]:
    """`ids` if they are whole numbers from `least` on that occur once, else numbers from 1."""
    names = list(map(hashable, ids))
    if len(set(names)) == len(ids) and all(_is_whole(name) and name >= least for name in ids):
        return ids
    repeated = [name for name, count in Counter(names).items() if count > 1]
    odd = repeated or [name for name in ids if not (_is_whole(name) and name >= least)]
    shown = ", ".join(f"{name!r:.60}" for name in odd[:5]) + (", ..." if len(odd) > 5 else "")
    kind = "no-id" if None in odd else "same-ids" if repeated else "ids"
    said = f"{what} ids are not unique whole numbers ({shown}): counted from 1, in file order"
    if kind == "ids":
        said += "; results have those of the file"
    bare = [f"number {place} of the list" for place, name in enumerate(ids, 1) if name is None]
    named: list[Hashable] = [*bare] or [hashable(name) for name in odd]
    places = [Place(name) if what == "image" else Place(None, name) for name in named]
    file.faults.append(fault(kind, said, ", ".join(map(str, file.paths)), places))
    return list(range(1, len(ids) + 1))


def _is_whole(name: Any) -> TypeGuard[int]:
    """Whether an id can stay as it is: a whole number that fits into 64 bits."""
    return type(name) is int and abs(name) < 2**63


def _is_length(value: Any) -> bool:
    """Whether a width or height can be one, in px."""
    return isinstance(value, (int, float)) and 0 < value < 2**31


def hashable(value: Any) -> Hashable:
    """An id as it is, or as text where it cannot be looked up."""
    if type(value) is int or type(value) is str:  # most are
        return value
    return value if isinstance(value, Hashable) else repr(value)
