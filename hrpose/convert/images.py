"""Images on their way: their sizes, where they are, and copies of them."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from tqdm import tqdm

from hrpose.convert.label_set import LabelledImage
from hrpose.datasets.preflight.image_header import parse_header
from hrpose.errors import DataError, RunError
from hrpose.storage.whole_file import draft, link

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".jp2"}
_SHOWN = 5
File = TypeVar("File")


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in px of an image file, once turned as its EXIF orientation says.

    Raises:
        DataError: it cannot be read, or is no image.
    """
    try:
        return size_of_bytes(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def size_of_bytes(data: bytes, name: str) -> tuple[int, int]:
    """As `size_of`, of the content `data` of an image file."""
    header = parse_header(data)
    if header is None:
        raise DataError(
            f"{name}: is no image that hrpose reads (JPEG, PNG, BMP, WebP, TIFF, JPEG 2000)"
        )
    return header.shown


def safe_name(name: str, where: str) -> str:
    """`name` parted by '/', for a file below a folder.

    Raises:
        DataError: it is none, or would leave the folder; `where` it was met.
    """
    plain = name.replace("\\", "/")
    parts = PurePosixPath(plain).parts
    outside = plain.startswith("/") or PureWindowsPath(name).drive or ".." in parts
    if not parts or outside or "\0" in name:
        raise DataError(f"{where}: image {name!r} is no name of a file below a folder")
    return str(PurePosixPath(plain))


def require_images(
    images: Mapping[str, File | None], source: Path, looked: Sequence[Path]
) -> dict[str, File]:
    """`images`, all of which are there.

    Args:
        images: name in the labels, and the file or what stands for it; None where there is none.
        looked: folders in which they were looked for.

    Raises:
        DataError: some are not; it names them.
    """
    there = {name: file for name, file in images.items() if file is not None}
    missing = [name for name in images if name not in there]
    if missing:
        some = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        places = ", ".join(str(folder) for folder in dict.fromkeys(looked))
        raise DataError(
            f"{source}: {len(missing)} of its {len(images)} images are not there: {some}; looked "
            f"below {places}; name the folder that they are in with --images, or remove their rows"
        )
    return there


def check_size(where: str, file: str, said: tuple[Any, Any], size: tuple[int, int]) -> None:
    """DataError where labels were made in another image than the one that is here.

    Args:
        where: what was labelled, in words up to the size: 'a.json: labelled in an image of'.
        said: width and height px that the labels give; None where they give none.
        size: of `file`, the image.
    """
    if None not in said and said != size:
        raise DataError(
            f"{where} {said[0]} x {said[1]} px, but {file} has {size[0]} x {size[1]}; give the "
            "images that were labelled (--images)"
        )


def check_names(images: Sequence[LabelledImage]) -> None:
    """DataError unless each image has a name of its own that stays below the destination."""
    counts = Counter(safe_name(image.name, "labels") for image in images)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(f"{len(twice)} names of images occur twice, the first is {twice[0]!r}")


def bring(
    images: Sequence[LabelledImage], folder: Path, link_them: bool, overwrite: bool
) -> list[str]:
    """Copy the images into `folder`, or link them; each is there whole or not at all.

    Returns:
        SHA-256 of each, in hex.

    Raises:
        RunError: one is there already, or cannot be written.
    """
    targets = [folder / image.name for image in images]
    refuse_existing(targets, overwrite)
    digests = []
    bar = tqdm(
        zip(images, targets, strict=True), "images", len(images), leave=False, disable=None,
        dynamic_ncols=True,
    )  # fmt: skip
    for image, target in bar:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            digests.append(_bring_one(image, target, link_them))
        except OSError as error:
            raise RunError(f"{target}: cannot be written ({error})") from None
    return digests


def refuse_existing(targets: Sequence[Path], overwrite: bool) -> None:
    """RunError where one of `targets` is there and `overwrite` is not said."""
    there = [] if overwrite else [path for path in targets if os.path.lexists(path)]
    if there:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise RunError(f"{there[0]} is there already{more}; --overwrite replaces what is there")


def _bring_one(image: LabelledImage, target: Path, link_it: bool) -> str:
    source = image.source
    data = source.read_bytes() if isinstance(source, Path) else source()
    if isinstance(source, Path) and link_it:
        link(source.resolve(), target)
    else:
        with draft(target) as file:
            file.write(data)
    return hashlib.sha256(data).hexdigest()
