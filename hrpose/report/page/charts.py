"""Charts as geometry for charts.html: where lines, bands, ticks and words go.

A chart is `WIDE` units wide, which is about its width in px on a phone, so that its words are as
large as those around it; y grows downwards, as in SVG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDE, HIGH = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 10, 40

Value = float | None


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """From numbers of `low` to `high` to places of `start` to `end`; by powers with `log`.

    With `whole` only whole numbers are written on it.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    whole: bool = False

    def __call__(self, value: float) -> float:
        """The place of `value`; of one beyond an end, that end."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = (math.log10(max(part, 1e-12)) for part in (value, low, high))
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + min(max(share, 0), 1) * (self.end - self.start), 1)

    def ticks(self, count: int) -> list[Tick]:
        """About `count` round numbers."""
        return [Tick(self(value), f"{value:.4g}") for value in self._values(count)]

    def _values(self, count: int) -> list[float]:
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            steps = (1, 2, 5) if len(powers) < 4 else (1,)
            found = [step * 10.0**power for power in powers for step in steps]
            inside = [value for value in found if self.low <= value <= self.high]
            if len(inside) > 1:
                return inside
        if self.high <= self.low:
            return [self.low]
        rough = (self.high - self.low) / count
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough * 0.999)
        step = max(step, 1.0) if self.whole else step
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) + 0.0 for number in range(first, last + 1)]


@dataclass(frozen=True)
class Series:
    """Numbers of one run, or of one thing, over x; None leaves a gap.

    Args:
        style: number of its colour and of its dashes.
        low, high: ends of a band around y.
        dots: show each number.
    """

    name: str
    x: Sequence[float]
    y: Sequence[Value]
    style: int
    low: Sequence[Value] = ()
    high: Sequence[Value] = ()
    dots: bool = False


@dataclass(frozen=True)
class Line:
    """A `Series` as drawn: `path` of an SVG path, `band` of another, and dots."""

    style: int
    path: str
    band: str = ""
    dots: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class LineChart:
    """Lines over x; `words` say what a reader sees who does not see it."""

    title: str
    words: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    marks: list[Tick]
    """Upright lines at numbers of x, with their labels."""
    diagonal: bool = False
    wide: int = WIDE
    high: int = HIGH
    left: int = LEFT
    right: int = WIDE - RIGHT
    top: int = TOP
    bottom: int = HIGH - BOTTOM


def line_chart(
    title: str,
    words: str,
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    x_range: tuple[float, float] | None = None,
    log: bool = False,
    marks: Sequence[tuple[float, str]] = (),
    diagonal: bool = False,
) -> LineChart | None:
    """`series` in one chart; None where there is no number to show."""
    every_x = [x for one in series for x, y in zip(one.x, one.y, strict=True) if y is not None]
    every_y = [y for one in series for y in (*one.y, *one.low, *one.high) if y is not None]
    if not every_y:
        return None
    log = log and min(every_y) > 0
    low, high = y_range or (min(every_y), max(every_y))
    whole = all(isinstance(x, int) for x in every_x)
    x_ends = x_range or (min(every_x), max(every_x))
    across = Scale(*x_ends, LEFT, WIDE - RIGHT, whole=whole)
    up = Scale(low, high, HIGH - BOTTOM, TOP, log)
    return LineChart(
        title,
        words,
        x_label,
        y_label,
        across.ticks(6),
        up.ticks(5),
        [_line(one, across, up) for one in series],
        [Tick(across(at), label) for at, label in marks],
        diagonal,
    )


def _line(one: Series, across: Scale, up: Scale) -> Line:
    path, pen_up, dots = [], True, []
    for x, y in zip(one.x, one.y, strict=True):
        if y is None:
            pen_up = True
            continue
        path.append(f"{'M' if pen_up else 'L'}{across(x)} {up(y)}")
        dots.append((across(x), up(y)))
        pen_up = False
    band = ""
    if one.low:
        ends = [
            (x, low, high)
            for x, low, high in zip(one.x, one.low, one.high, strict=True)
            if low is not None and high is not None
        ]
        there = [f"{across(x)} {up(high)}" for x, _, high in ends]
        back = [f"{across(x)} {up(low)}" for x, low, _ in reversed(ends)]
        band = "M" + "L".join(there + back) + "Z" if ends else ""
    return Line(one.style, "".join(path), band, dots if one.dots or len(dots) == 1 else [])
