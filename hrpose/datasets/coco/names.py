"""Names of image files: that they stay inside their folder, and the paths they stand for."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Hashable
from pathlib import Path, PureWindowsPath
from typing import Any

from hrpose.errors import DataError

_PLAIN = re.compile(r"\w[\w-]*(\.\w[\w-]*)*(/\w[\w-]*(\.\w[\w-]*)*)*", re.ASCII).fullmatch
"""Letters, digits and single dots between them, in folders or not: most names, and all is well."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_plain(name: Any) -> bool:
    """Whether an image may be called so, and is found under that name, seen at a glance."""
    return type(name) is str and _PLAIN(name) is not None


def safe_name(path: Path, source_id: Hashable, name: Any) -> str:
    """`name` of an image of the file `path` if it stays inside the image folder."""
    if is_plain(name):
        return str(name)
    place = f"{path}: image {source_id!r}"
    if not (isinstance(name, str) and name):
        raise DataError(f"{place}: file_name is {name!r}, expected a path below the image folder")
    if "\0" in name:
        raise DataError(f"{place}: file_name {name!r} holds a null character, which no path may")
    if _CONTROL.search(name):
        raise DataError(
            f"{place}: file_name {name!r} holds a control character, which could rewrite what a "
            "terminal or a log shows; rename the file"
        )
    if ".." in name or name[0] in "/\\" or ":" in name:
        parts = PureWindowsPath(name)
        climbs = posixpath.normpath(name.replace("\\", "/")).split("/")[0] == ".."
        if climbs or parts.root or parts.drive:
            raise DataError(
                f"{place}: file_name {name!r} leads out of the image folder; make it relative to "
                "img_root"
            )
    try:
        possible = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half of a pair of surrogates
        possible = False
    if not possible:
        raise DataError(f"{place}: file_name {name!r} is not a name that a file can have")
    return name


def image_path(folder: Path, name: str) -> str:
    """The file `name` of an image in `folder`. A backslash is '/' where that is not its name."""
    if os.sep == "/" and _PLAIN(name):  # a Path for each would cost more than the image itself
        root = str(folder)
        return name if root == "." else f"{root.rstrip('/')}/{name}"
    path = folder / name
    if "\\" in name and not path.exists():
        path = folder / name.replace("\\", "/")
    return str(path)
