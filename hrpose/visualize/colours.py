"""Colours that people with any colour vision tell apart, and which keypoint has which.

Source: M. Okabe and K. Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

import re

from hrpose.keypoints import KeypointMeta
from hrpose.sides import sided_pairs

Colour = tuple[int, int, int]
"""RGB, 0 to 255."""

LEFT: Colour = (230, 159, 0)
RIGHT: Colour = (86, 180, 233)
MIDDLE: Colour = (204, 121, 167)
INK: Colour = (16, 16, 20)
"""Rims, so that colours are seen on any ground."""
WHITE: Colour = (255, 255, 255)
INDIVIDUALS: tuple[Colour, ...] = (
    (240, 228, 66),
    (0, 158, 115),
    (213, 94, 0),
    (255, 255, 255),
    (0, 114, 178),
)
"""Outlines of several animals in one image, none of them the colour of a side; in turn."""

_WORDS = {LEFT: ("left", "near", "l"), RIGHT: ("right", "off", "far", "r")}
_STARTS = {LEFT: ("left", "near"), RIGHT: ("right", "off", "far")}


def side_colours(meta: KeypointMeta) -> list[Colour]:
    """One colour a keypoint: orange left or near, blue right or off, purple between; paler in turn.

    Sides are read from names (`l_eye`, `EarRight`, `paw1LH`), and where these do not tell a flip
    pair apart, its first name is taken to be the left one.
    """
    sides, colours = _sides(meta), []
    for k, side in enumerate(sides):
        rank, count = sides[:k].count(side), sides.count(side)
        colours.append(mix(side, WHITE, 0.4 * rank / max(count - 1, 1)))
    return colours


def limb_colours(meta: KeypointMeta) -> list[Colour]:
    """One colour a limb of the skeleton: that of its sided end; between two sides the middle's."""
    points, sides, colours = side_colours(meta), _sides(meta), []
    for start, end in meta.skeleton_ids:
        if sides[start] == sides[end]:
            colours.append(mix(points[start], points[end], 0.5))
        elif MIDDLE in (sides[start], sides[end]):
            colours.append(points[end] if sides[start] == MIDDLE else points[start])
        else:
            colours.append(MIDDLE)
    return colours


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` of `second` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _sides(meta: KeypointMeta) -> list[Colour]:
    """The full colour of each keypoint's side."""
    sides = [_side(name) for name in meta.names]
    for first, second in (*sided_pairs(meta.names), *meta.flip_pairs):
        ids = meta.index(first), meta.index(second)
        if sides[ids[0]] == sides[ids[1]]:
            sides[ids[0]], sides[ids[1]] = LEFT, RIGHT
    return sides


def _side(name: str) -> Colour:
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    for side, known in _WORDS.items():
        if any(word in known for word in words) or name.lower().startswith(_STARTS[side]):
            return side
    return MIDDLE
