"""The lists of a COCO file, some objects at a time: the whole of a large one takes six times its
size in memory.

Only what is as it should be is read here. On anything else the caller reads the whole file by
`storage.json_file`, which tells what is wrong, or finds that it is odd and right.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

LISTS = ("images", "annotations", "categories")
_BLOCK = 1 << 20  # characters that are read at a time
_TAIL = 1 << 16  # of them, in which the end of an object is looked for
_space = re.compile(r"[ \t\n\r]*").match
_BETWEEN = re.compile(r"\}[ \t\n\r]*,[ \t\n\r]*(?=\{)")


class UnusualError(Exception):
    """The file is to be read as a whole."""


class CocoStream:
    """Goes through the file once: `for name, objects in stream`, with the name of the list.

    Raises:
        UnusualError: at any point of the way; what came before it is not to be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self._scan = json.JSONDecoder(object_pairs_hook=_object).scan_once  # type: ignore[attr-defined]
        self._decoder = msgspec.json.Decoder(list[dict[str, Any]])
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text, self._at = "", 0
        self._is_read = False

    def digest(self) -> str:
        """SHA-256 of the file in hex, once all of it was read."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        try:
            with self._path.open("rb") as self._file:
                yield from self._lists()
        except (OSError, ValueError, RecursionError):
            raise UnusualError from None

    def _lists(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        mark, seen = ",", set()
        self._expect("{")
        while mark == ",":
            if self._next() != '"':
                raise UnusualError
            key = self._value()
            self._expect(":")
            if key in seen or (key in LISTS and self._next() != "["):
                raise UnusualError
            seen.add(key)
            if key in LISTS:
                for objects in self._objects():
                    yield key, objects
            else:
                self._next()
                self._value()
            mark = self._next()
            self._at += 1
        if mark != "}" or self._next():
            raise UnusualError

    def _objects(self) -> Iterator[list[dict[str, Any]]]:
        """Those of the list that begins here."""
        self._at += 1
        ended = self._next() == "]"
        self._at += ended
        while not ended:
            if len(self._text) - self._at < _BLOCK and not self._is_read:
                self._read_on()
            objects = self._many()
            if objects is None:
                objects, ended = self._one_by_one()
            if not all(type(part) is dict for part in objects):
                raise UnusualError
            yield objects

    def _many(self) -> list[dict[str, Any]] | None:
        """Nearly all objects of the list that were read, by msgspec: a fifth of json's time. None
        where it cannot be sure of them: it takes NaN for an error, and a key twice for none.
        """
        start = max(self._at, len(self._text) - _TAIL)
        ends = [*_BETWEEN.finditer(self._text, start)]
        if not ends:
            return None
        part = self._text[self._at : ends[-1].start() + 1]
        try:
            # what is a whole list with this end has its end there, whatever comes behind
            objects = self._decoder.decode(f"[{part}]")
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        if part.count(":") != sum(map(len, objects)):
            return None  # a key twice, objects in objects, or a text with a colon
        self._at = ends[-1].end()
        return objects

    def _one_by_one(self) -> tuple[list[Any], bool]:
        """The objects of the list that were read whole, and whether they are the last."""
        found: list[Any] = []
        self._at = _end_of_space(self._text, self._at)
        try:
            while True:
                value, end = self._scan(self._text, self._at)
                end = _end_of_space(self._text, end)
                mark = self._text[end : end + 1]
                if mark not in (",", "]"):
                    break
                found.append(value)
                self._at = _end_of_space(self._text, end + 1)
                if mark == "]":
                    return found, True
        except (StopIteration, ValueError):
            pass
        if not found:
            self._read_on()
        return found, False

    def _value(self) -> Any:
        """The value that begins here; the place is then that of what follows."""
        while True:
            try:
                value, end = self._scan(self._text, self._at)
                end = _end_of_space(self._text, end)
                if end < len(self._text):  # else a number may go on
                    self._at = end
                    return value
            except (StopIteration, ValueError):
                pass
            self._read_on()

    def _next(self) -> str:
        """The next character that is no space, '' at the end."""
        self._at = _end_of_space(self._text, self._at)
        while self._at == len(self._text) and not self._is_read:
            self._read_on()
            self._at = _end_of_space(self._text, self._at)
        return self._text[self._at : self._at + 1]

    def _expect(self, mark: str) -> None:
        if self._next() != mark:
            raise UnusualError
        self._at += 1

    def _read_on(self) -> None:
        """Read as much again as is left; what lies behind is given up."""
        if self._is_read:
            raise UnusualError
        left = self._text[self._at :]
        raw = self._file.read(max(_BLOCK, len(left)))
        self._digest.update(raw)
        self._is_read = not raw
        self._text, self._at = left + self._decode(raw, final=self._is_read), 0

    _file: IO[bytes]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise UnusualError
    return content


def _end_of_space(text: str, start: int) -> int:
    found = _space(text, start)
    assert found is not None
    return found.end()
