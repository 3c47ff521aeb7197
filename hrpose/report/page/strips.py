"""Charts of rows: a name, and below it a strip for each run with a number and its spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hrpose.report.page.charts import BOTTOM, RIGHT, TOP, WIDE, Scale, Tick, Value

_ROW_NAME, _ROW_RUN, _ROW_GAP = 15, 9, 7


@dataclass(frozen=True)
class Strip:
    """A number with its spread, of one run: places across, and the height of its middle.

    Args:
        whole: both ends of the thin line; `middle` those of the thick one, if there is one.
    """

    style: int
    y: float
    at: float
    whole: tuple[float, float]
    middle: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """A name and, below it, a strip for each run."""

    name: str
    y: float
    strips: list[Strip]


@dataclass(frozen=True)
class StripChart:
    """Rows of strips; `zero` is where no difference is."""

    title: str
    words: str
    x_label: str
    x_ticks: list[Tick]
    rows: list[Row]
    high: int
    zero: float | None = None
    wide: int = WIDE
    left: int = 6
    right: int = WIDE - RIGHT
    top: int = TOP

    @property
    def bottom(self) -> int:
        """Where the axis is."""
        return self.high - BOTTOM


def strip_chart(
    title: str,
    words: str,
    rows: Sequence[tuple[str, Sequence[Sequence[Value] | None]]],
    x_label: str,
    x_range: tuple[float, float] | None = None,
    around_zero: bool = False,
    styles: Sequence[int] = (),
) -> StripChart | None:
    """Rows of a name and, for each run, 3 or 5 numbers that grow: ends, ends of the middle half,
    and the number itself in the middle. None where there are none.

    Args:
        styles: of the runs, by default their numbers.
    """
    known = [v for _, runs in rows for one in runs if one for v in one if v is not None]
    if not known:
        return None
    low, high = x_range or (min(known), max(known))
    if around_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    across = Scale(low, high, 12, WIDE - RIGHT)
    drawn, y = [], float(TOP)
    for name, runs in rows:
        strips, top = [], y + _ROW_NAME
        for number, one in enumerate(runs):
            style = styles[number] if styles else number
            if one is not None and all(value is not None for value in one):
                at = [across(float(value)) for value in one if value is not None]
                middle = (at[1], at[3]) if len(at) == 5 else None
                centre = top + (number + 0.5) * _ROW_RUN
                strips.append(Strip(style, centre, at[len(at) // 2], (at[0], at[-1]), middle))
        drawn.append(Row(name, y + _ROW_NAME - 4, strips))
        y = top + len(runs) * _ROW_RUN + _ROW_GAP
    zero = across(0.0) if around_zero else None
    return StripChart(title, words, x_label, across.ticks(6), drawn, round(y) + BOTTOM, zero)
