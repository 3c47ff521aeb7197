"""Files and folders that a data set is made of; errors say where they were looked for."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from hrpose.errors import DataError


def read_json(path: Path, what: str) -> tuple[Any, str]:
    """Content of the JSON file `path`, and its SHA-256 in hex; `what` it is, for messages.

    Raises:
        DataError: the file cannot be read, is no JSON, or an object in it has a key twice.
    """
    try:
        raw = path.read_bytes()
        twice: list[_Twice] = []
        content = json.loads(raw, object_pairs_hook=partial(_object, twice))
    except FileNotFoundError:
        raise DataError(f"{what} {path} does not exist{_nearest(path)}") from None
    except OSError as problem:
        raise DataError(f"{what} {path} cannot be read: {problem.strerror}") from None
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{what} {path} {_instead(raw) or _no_json(problem)}") from None
    if twice:
        raise DataError(
            f"{what} {path}: {_first_twice(content)}; readers disagree on which one counts: keep "
            "one of them"
        )
    return content, hashlib.sha256(raw).hexdigest()


_OTHER = (
    "expected JSON: export COCO keypoints from the program that wrote it, or see `hrpose convert`"
)
_MAGIC = {b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "a gzip archive", b"\x89HDF": "an HDF5 file"}


def _instead(raw: bytes) -> str:
    """What the content `raw` of a file that is no JSON seems to be, '' where that is not clear."""
    start = raw.lstrip()
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            return f"is {name}, {_OTHER}"
    if start.startswith(b"<"):
        return f"is XML, {_OTHER}"
    lines = raw.split(b"\n", 2)
    if len(lines) > 1 and b"," in lines[0] and not start.startswith((b"{", b"[")):
        return f"is a table (csv), {_OTHER}"
    if start.startswith(b"{") and len(lines) > 1:
        try:
            json.loads(lines[0])
            return (
                "is JSON lines, one object a line; expected one object for the whole file: put the "
                "lines into one list, or export COCO"
            )
        except ValueError:
            return ""
    return ""


def _no_json(problem: Exception) -> str:
    return f"is not valid JSON: {problem}; fetch it again"


class _Twice(dict[str, Any]):
    """An object of a JSON file with a key that stands there twice."""

    key: str


def _object(twice: list[_Twice], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; one with a key twice goes into `twice` too, to be found once all is read."""
    content = dict(pairs)
    if len(content) == len(pairs):
        return content
    marked = _Twice(content)
    marked.key = Counter(key for key, _ in pairs).most_common(1)[0][0]
    twice.append(marked)
    return marked


def _first_twice(content: Any) -> str:
    """The first `_Twice` in `content`, in words: its place, its id if it has one, and the key."""
    todo = [("", content)]
    while todo:
        place, part = todo.pop()
        if isinstance(part, _Twice):
            named = f" (id {part['id']})" if isinstance(part.get("id"), int) else ""
            return f"{place.removeprefix('.') or 'the whole'}{named} has {part.key!r} twice"
        if isinstance(part, dict):
            todo += [(f"{place}.{key}", value) for key, value in reversed(part.items())]
        elif isinstance(part, list):
            todo += [(f"{place}[{i}]", value) for i, value in reversed([*enumerate(part)])]
    raise AssertionError("a part that stands twice lies within one that does")


def read_coco_json(path: Path) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """Images, annotations and categories of an annotation file, and its SHA-256."""
    content, digest = read_json(path, "annotation file")
    if not isinstance(content, dict):
        kind = "a list, as detections are" if isinstance(content, list) else "no object"
        raise DataError(
            f"annotation file {path} holds {kind}; expected a COCO object with images, annotations "
            "and categories (detections go into box_file)"
        )
    parts = {}
    for name in ("images", "annotations", "categories"):
        part = content.get(name, [])
        if not (isinstance(part, list) and all(isinstance(entry, dict) for entry in part)):
            raise DataError(f"{path}: {name!r} must be a list of objects")
        if not part and name != "categories":
            raise DataError(f"{path}: {name!r} is empty or missing; nothing to train or test on")
        parts[name] = part
    return parts, digest


def check_folder(path: Path, what: str) -> None:
    """DataError unless `path` is a folder."""
    if not path.is_dir():
        missing = "is not a folder" if path.exists() else f"does not exist{_nearest(path)}"
        raise DataError(f"{what} {path} {missing}")


def _nearest(path: Path) -> str:
    """The last folder on the way to `path` that exists, and what it holds, for a message."""
    full = Path.cwd() / path
    folder = next(parent for parent in full.parents if parent.is_dir())
    holds = sorted(entry.name for entry in folder.iterdir())[:6]
    return f"; {folder} exists and holds: {', '.join(holds) or 'nothing'}"
