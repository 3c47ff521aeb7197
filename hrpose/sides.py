"""Which keypoints are the left and the right of one another, by their names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_LEFT, _RIGHT = ("left", "l", "near"), ("right", "r", "off", "far")
_CERTAIN = ("left", "l", "right", "r")
"""Words that make a name one of a pair; `near` and `far` may say something else."""
_GLUED = re.compile(
    r"(?<![A-Za-z])([Ll]eft|[Rr]ight)(?=[a-z])|(?<=[a-z])(left|right)$|^([Nn]ear|[Oo]ff)(?=[a-z])"
)
_LEGS = {"lf": "f", "lh": "h", "lm": "m", "lb": "b", "fl": "f", "hl": "h", "bl": "b"}
_LEGS |= {word.replace("l", "r"): leg for word, leg in _LEGS.items()}
"""Words for a leg with its side, such as the left front one, and which leg that is."""
_LETTER = re.compile(r"([LlRr])([a-z]{3,}.*)")
_ELSEWHERE = {
    "left": "links linke linker linkes linken gauche izquierda izquierdo esquerda esquerdo "
    "sinistra sinistro левый левая левое левого левой слева",
    "right": "rechts rechte rechter rechtes rechten droite droit derecha derecho direita direito "
    "destra destro правый правая правое правого правой справа",
}
"""German and Dutch, French, Spanish, Portuguese, Italian, Russian."""
_SIDE = {word: side for side, words in _ELSEWHERE.items() for word in words.split()}
_UNPARTED = re.compile(r"(?P<left>(?<!右)左(?!右)|왼쪽?)|(?P<right>(?<!左)右(?!左)|오른쪽?)")
"""Chinese, Japanese and Korean, which need nothing between words; 左右 is both sides."""
Rest = tuple[str, ...]


@dataclass(frozen=True)
class Sides:
    """What the names of keypoints say of left and right.

    Args:
        pairs: (left, right), names that differ in the side alone.
        lonely: names with a side whose other side is not there.
        near: those of `pairs` that are told by near and off or far.
    """

    pairs: list[tuple[str, str]]
    lonely: list[str]
    near: list[tuple[str, str]]


@dataclass(frozen=True)
class _Reading:
    """One way to read a name: its side, the words besides, and whether it can mean nothing else."""

    side: str
    rest: Rest
    certain: bool


def sides_of(names: Sequence[str]) -> Sides:
    """The sides in `names`.

    A side is a word of its own (`left_ear`, `L_Eye`, `earR`, `NearFoot`), left and right at the
    beginning or the end (`leftear`), or a leg (`RH`, `pawLF`). Names that have no partner so are
    compared without their digits (`paw1LH`, `paw4RH`), then by an l or r before a word (`Lpaw`).
    Left and right may be said in one of some other languages (`左耳`, `oreille_gauche`).
    """
    pairs = _paired(names, lambda name: list(_readings(name)))
    steps: list[Callable[[str], list[_Reading]]] = [_without_digits, _first_letter]
    for step in steps:
        paired = {name for pair in pairs for name in pair}
        pairs += _paired([name for name in names if name not in paired], step, only=True)
    paired = {name for pair in pairs for name in pair}
    lonely = [
        name
        for name in names
        if name not in paired and any(reading.certain for reading in _readings(name))
    ]
    order = {name: place for place, name in enumerate(names)}
    pairs.sort(key=lambda pair: min(order[name] for name in pair))
    return Sides(pairs, lonely, [pair for pair in pairs if "near" in _words(pair[0])])


def sided_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (left, right) of names that differ in the side alone, each name in one at most."""
    return sides_of(names).pairs


def normalised(name: str) -> str:
    """`name` in small letters without what parts its words; sides are l and r: 'Left_Ear', 'earL'
    and 'left-ear' are the same keypoint.
    """
    if not name.isascii():
        return name.strip().casefold()
    words = _words(name)
    sides = [word[0] for word in words if word in _CERTAIN]
    return "".join([*(word for word in words if word not in _CERTAIN), "|", *sides])


def _paired(
    names: Sequence[str], readings: Callable[[str], list[_Reading]], only: bool = False
) -> list[tuple[str, str]]:
    """Pairs of names with a reading alike; with `only`, where no third one has it."""
    found: dict[Rest, dict[str, list[str]]] = {}
    for name in names:
        for reading in readings(name):
            found.setdefault(reading.rest, {}).setdefault(reading.side, []).append(name)
    pairs: list[tuple[str, str]] = []
    for sides in found.values():
        known = {name for pair in pairs for name in pair}
        if len(sides) == 2 and not (only and max(map(len, sides.values())) > 1):
            pair = sides["left"][0], sides["right"][0]
            pairs += [pair] if not known & set(pair) else []
    return pairs


def _readings(name: str) -> Iterator[_Reading]:
    words = _words(name)
    for place, word in enumerate(words):
        before, after = words[:place], words[place + 1 :]
        if word in (*_LEFT, *_RIGHT):
            side = "left" if word in _LEFT else "right"
            yield _Reading(side, (*before, "", *after), word in _CERTAIN)
        elif word in _LEGS:
            side = "left" if "l" in word else "right"
            yield _Reading(side, (*before, "", _LEGS[word], *after), False)


def _without_digits(name: str) -> list[_Reading]:
    """The readings of `name` without the numbers in it."""
    return [
        _Reading(one.side, tuple(word for word in one.rest if not word.isdecimal()), one.certain)
        for one in _readings(name)
    ]


def _first_letter(name: str) -> list[_Reading]:
    """`name` as a side and the rest of the word: `Lpaw`, `rpaw`."""
    found = _LETTER.fullmatch(name)
    if found is None:
        return []
    side = "left" if found[1].lower() == "l" else "right"
    return [_Reading(side, (found[2].lower(),), False)]


def _words(name: str) -> list[str]:
    """The words of `name` in small letters, left and right in English."""
    spaced = _GLUED.sub(lambda side: f" {side[0]} ", unicodedata.normalize("NFKC", name))
    spaced = _UNPARTED.sub(lambda side: f" {side.lastgroup} ", spaced)
    kinds = "".join(map(_kind_of, spaced))
    found = re.finditer(r"A?a+|A+(?!a)|x+|0+", kinds)
    words = [spaced[slice(*word.span())].lower() for word in found]
    return [_SIDE.get(word, word) for word in words]


def _kind_of(letter: str) -> str:
    """A or a for a capital or small letter of any script, x for other letters, 0 for a digit."""
    if letter.isalpha():
        return "A" if letter.isupper() else "a" if letter.islower() else "x"
    return "0" if letter.isdecimal() else " "
