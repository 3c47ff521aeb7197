"""Which keypoints are the left and the right of one another, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LEFT, _RIGHT = ("left", "l", "near"), ("right", "r", "off", "far")
_GLUED = re.compile(r"(?<![A-Za-z])([Ll]eft|[Rr]ight)(?=[a-z])|(?<=[a-z])(left|right)$")


def sided_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (left, right) of names that differ in the side alone, each name in one at most.

    Sides are words of their own (`left_ear`, `L_Eye`, `earR`, `NearFoot`), or left and right at the
    beginning or the end (`leftear`). Near is taken for left.
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        words = _words(name)
        for place, word in enumerate(words):
            side = "left" if word in _LEFT else "right" if word in _RIGHT else ""
            if side:
                rest = (*words[:place], "", *words[place + 1 :])
                found.setdefault(rest, {}).setdefault(side, name)
    pairs: list[tuple[str, str]] = []
    for sides in found.values():
        known = {name for pair in pairs for name in pair}
        if len(sides) == 2 and not known & set(sides.values()):
            pairs.append((sides["left"], sides["right"]))
    return pairs


def _words(name: str) -> list[str]:
    spaced = _GLUED.sub(lambda side: f" {side[0]} ", name)
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", spaced)
    return [part.lower() for part in parts]
