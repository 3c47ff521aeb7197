"""JSON, XML and YAML files of other programs, with one line about what they are where they are not
what they should be.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hrpose.convert.formats import not_it, shown
from hrpose.errors import DataError
from hrpose.storage.yaml_file import read_yaml

_KINDS = {
    b"PK\x03\x04": "a zip archive",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"<": "XML or HTML",
    b"{": "JSON",
    b"[": "JSON",
}
"""First bytes of a file, and what it is."""


def one_file(source: Path, pattern: str, expected: str, advice: str) -> Path:
    """`source`, or the only file `pattern` in it where it is a folder.

    Raises:
        DataError: there is none, or there are several.
    """
    if source.is_file():
        return source
    if not source.is_dir():
        raise DataError(f"{source} does not exist; expected {expected}")
    found = sorted(source.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:4]) or f"no {pattern}"
        raise not_it(source, names, f"one file with {expected}", f"{advice}, or name the file")
    return found[0]


def read_json_of(path: Path, expected: str, advice: str) -> Any:
    """What the JSON file `path` holds; DataError with what it is where it is none."""
    try:
        return json.loads(_bytes(path))
    except (ValueError, RecursionError) as problem:
        raise not_it(path, _kind(path, str(problem)), f"JSON: {expected}", advice) from None


def read_xml_of(path: Path, expected: str, advice: str) -> ElementTree.Element:
    """The root of the XML file `path`; DataError with what it is where it is none."""
    try:
        return ElementTree.fromstring(_bytes(path))
    except (ElementTree.ParseError, ValueError) as problem:
        raise not_it(path, _kind(path, str(problem)), f"XML: {expected}", advice) from None


def read_yaml_of(path: Path, expected: str, advice: str) -> dict[str, Any]:
    """The mapping in the YAML file `path`; DataError with what it is where it is none."""
    try:
        return read_yaml(path)
    except DataError as problem:
        found = _kind(path, str(problem).removeprefix(f"{path}: "))
        raise not_it(path, found, f"YAML: {expected}", advice) from None


def objects(value: Any, where: str) -> list[dict[str, Any]]:
    """`value` as a list of objects, none where it is null; DataError with the place otherwise."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise DataError(f"{where}: found {shown(value)}; expected a list of objects")
    return value


def numbers(value: Any, count: int, where: str) -> list[float]:
    """`value` as a list of `count` finite numbers; DataError with the place otherwise."""
    if not isinstance(value, list) or len(value) != count:
        raise DataError(f"{where}: found {shown(value)}; expected {count} numbers")
    return [number(entry, where) for entry in value]


def id_of(value: Any, where: str) -> str | int | None:
    """`value` as an id, None where it is null; DataError with the place where it can be none."""
    if value is not None and not isinstance(value, str | int):
        raise DataError(f"{where}: found {shown(value)}; expected an id, a number or a word")
    return value


def number(value: Any, where: str) -> float:
    """`value` as a finite number; DataError that names the place `where` it stands otherwise."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or isinstance(value, bool):
        raise DataError(f"{where}: found {shown(value)}; expected a finite number")
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _kind(path: Path, problem: str) -> str:
    """What a file is by its first bytes; `problem` where they tell nothing."""
    start = _bytes(path)[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "an empty file"
    kind = next((what for first, what in _KINDS.items() if start.startswith(first)), None)
    return f"{kind} ({problem})" if kind else f"something else ({problem})"
