"""A part of a foreign page, which keeps account of what was taken out of it.

What nobody takes was not carried over, and is listed: so nothing is lost in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hrpose.config.typecheck import mismatches, shown
from hrpose.errors import ConfigError

_NOTHING = object()


@dataclass
class Ledger:
    """What was found on one page.

    Args:
        page: its file, for messages.
        lines: where its top-level names are assigned.
        notes: what could not be carried over, a sentence each.
        parts: all parts that were looked at.
    """

    page: str
    lines: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def place(self, path: str) -> str:
        """`path` with the line of its top-level name."""
        line = self.lines.get(path.split(".")[0])
        return f"{path} (line {line})" if line else path

    def note(self, path: str, sentence: str) -> None:
        """Put down a difference between their page and ours."""
        line = f"{self.place(path)}: {sentence}"
        if line not in self.notes:
            self.notes.append(line)

    def refusal(self, path: str, sentence: str) -> ConfigError:
        """The error that ends the conversion."""
        return ConfigError(f"{self.place(path)}: {sentence}", self.page)

    def not_taken(self) -> list[str]:
        """A line for each value that nothing was made of."""
        taken: dict[int, set[str]] = {}
        for part in self.parts:  # one dict may stand in several places
            taken.setdefault(id(part.values), set()).update(part.taken)
        lines = [
            f"{self.place(part.at(key))}: {shown(value)} has no place here"
            for part in self.parts
            for key, value in part.values.items()
            if key not in taken[id(part.values)]
        ]
        return list(dict.fromkeys(lines))


class Part:
    """A dict of their page, at `path`."""

    def __init__(self, values: dict[str, Any], path: str, ledger: Ledger) -> None:
        self.values, self.path, self.ledger = values, path, ledger
        self.taken: set[str] = set()
        ledger.parts.append(self)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __bool__(self) -> bool:
        return bool(self.values)

    def at(self, key: str) -> str:
        """The path of `key`."""
        return f"{self.path}.{key}" if self.path else str(key)

    def take(self, key: str, kind: Any, default: Any = _NOTHING) -> Any:
        """The value of `key`, which must fit the annotation `kind`.

        Raises:
            ConfigError: it does not, or there is none and no default.
        """
        self.taken.add(key)
        value = self.values.get(key, default)
        if value is _NOTHING:
            raise self.refusal(key, "is missing")
        if key in self.values:
            wrong = mismatches(value, kind, self.at(key), lambda _: dict)
            if wrong:
                raise self.refusal(key, wrong[0].removeprefix(f"{self.at(key)}: "))
        return value

    def part(self, key: str) -> Part:
        """The dict at `key`; an empty one where there is none, or None."""
        return Part(self.take(key, dict | None, None) or {}, self.at(key), self.ledger)

    def parts(self, key: str) -> list[Part]:
        """The dicts of the list at `key`; one dict is a list of one."""
        value = self.take(key, list[dict] | dict | None, None) or []
        if isinstance(value, dict):
            return [Part(value, self.at(key), self.ledger)]
        return [Part(one, f"{self.at(key)}.{i}", self.ledger) for i, one in enumerate(value)]

    def type(self) -> str:
        """The name of its class, without mmengine's scope."""
        return str(self.take("type", str)).split(".")[-1]

    def pass_over(self, *keys: str) -> None:
        """Take what needs nothing in its place."""
        self.taken |= {key for key in keys if key in self.values}

    def expect(self, key: str, *usual: Any) -> None:
        """Take a value that changes nothing here if it is one of `usual`; else it is listed."""
        if key in self.values and self.values[key] in usual:
            self.taken.add(key)

    def note(self, key: str, sentence: str) -> None:
        """See `Ledger.note`."""
        self.ledger.note(self.at(key), sentence)

    def refusal(self, key: str, sentence: str) -> ConfigError:
        """See `Ledger.refusal`."""
        return self.ledger.refusal(self.at(key), sentence)
