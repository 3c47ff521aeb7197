"""Weights of another program on their way to our keys, and what of it a reader must know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Foreign:
    """Weights under our keys.

    Args:
        changes: a sentence for each way in which names were changed.
        ignored: under the reason why, keys of what is no weight of the network.
        problems: why it is another network than any of ours.
    """

    entries: dict[str, Tensor]
    changes: list[str] = field(default_factory=list)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def rename(self, old: str, new: str, origin: str) -> None:
        """`new` instead of `old` at the beginning of keys; an empty `old` begins every key."""
        count = sum(key.startswith(old) for key in self.entries)
        self.entries = {
            new + key[len(old) :] if key.startswith(old) else key: value
            for key, value in self.entries.items()
        }
        self.changes.append(f"{old or 'bare names'} is {new} ({origin}, {count:,} entries)")

    def set_aside(self, keys: Iterable[str], reason: str) -> None:
        """Take `keys` out."""
        self.ignored[reason] = [key for key in keys if self.entries.pop(key, None) is not None]
