"""What the colours of a page mean: the keypoints by name, and which change places in a mirror."""

from __future__ import annotations

from dataclasses import dataclass

from hrpose.keypoints import KeypointMeta
from hrpose.sides import sides_of
from hrpose.visualize.colours import Colour, side_colours


@dataclass(frozen=True)
class Point:
    """A keypoint: its name, its colour as CSS has it, and whether its name says a side."""

    name: str
    colour: str
    has_side: bool


@dataclass(frozen=True)
class Pair:
    """Two that change places in a mirrored picture."""

    first: Point
    second: Point


@dataclass(frozen=True)
class Keypoints:
    """All keypoints of a page: those in flip pairs, and those that stay themselves."""

    pairs: list[Pair]
    alone: list[Point]


def keypoint_key(meta: KeypointMeta) -> Keypoints:
    """The keypoints of `meta` for the macro `keypoint_key` of parts.html."""
    said = sides_of(meta.names)
    sided = {name for pair in said.pairs for name in pair} | set(said.lonely)
    points = {
        name: Point(name, _css(colour), name in sided)
        for name, colour in zip(meta.names, side_colours(meta), strict=True)
    }
    pairs = [Pair(points[first], points[second]) for first, second in meta.flip_pairs]
    paired = {name for pair in meta.flip_pairs for name in pair}
    return Keypoints(pairs, [point for name, point in points.items() if name not in paired])


def _css(colour: Colour) -> str:
    return "#" + "".join(f"{value:02x}" for value in colour)
