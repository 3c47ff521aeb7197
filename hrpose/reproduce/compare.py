"""Published and measured numbers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """One number of a row."""

    metric: str
    paper: float
    measured: float | None
    difference: float | None
    """Measured minus paper."""
    interval: list[float] | None
    """95% over images."""
    spread: float | None
    """Standard deviation over seeds."""
    within: bool
    """Whether the difference is at most the tolerance."""


def compare_row(
    paper: dict[str, float], record: dict[str, Any], tolerance: float
) -> list[Comparison]:
    """A row's published values against those of a record of results.json."""
    return [_compare(name, value, record, tolerance) for name, value in paper.items()]


def _compare(name: str, paper: float, record: dict[str, Any], tolerance: float) -> Comparison:
    measured = record["values"][name]
    difference = None if measured is None else measured - paper
    return Comparison(
        metric=name,
        paper=paper,
        measured=measured,
        difference=difference,
        interval=record.get("intervals", {}).get(name),
        spread=record.get("spread", {}).get(name),
        # 0.954 - 0.951 is a little more than 0.003 in binary
        within=difference is not None and abs(difference) <= tolerance + 1e-9,
    )


def as_json(comparisons: Sequence[Comparison]) -> list[dict[str, Any]]:
    """The comparisons for results.json, without what does not apply."""
    return [
        {name: value for name, value in asdict(each).items() if value is not None}
        for each in comparisons
    ]


def cells(each: Comparison) -> list[str]:
    """Metric, paper, measured, difference, interval or spread, and the verdict, as text."""
    if each.spread is not None:
        range_ = f"{each.spread:.4f}"
    else:
        range_ = "-" if each.interval is None else "{:.4f} .. {:.4f}".format(*each.interval)
    return [
        each.metric,
        as_published(each.paper),
        "does not exist" if each.measured is None else f"{each.measured:.4f}",
        "-" if each.difference is None else f"{each.difference:+.4f}",
        range_,
        "yes" if each.within else "NO",
    ]


def as_published(value: float) -> str:
    """A published value with the digits that it was published with: three, or four."""
    return f"{value:.3f}" if round(value, 3) == value else f"{value:.4f}"


def console_table(comparisons: Sequence[Comparison], trained: bool) -> str:
    """The comparisons in aligned columns."""
    rows = [head(trained), *map(cells, comparisons)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *rest = (
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(["", first, *rest]))
    return "\n".join(lines)


def head(trained: bool) -> list[str]:
    """The titles of `cells`."""
    if trained:
        return ["metric", "paper", "mean", "difference", "spread over seeds", "within"]
    return ["metric", "paper", "measured", "difference", "95% interval", "within"]
