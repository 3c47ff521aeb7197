"""What a measurement says: figures with their spread, rows of them, sections of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Fact = float | int | str | bool | None


@dataclass(frozen=True)
class Figure:
    """One number, measured several times."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        """The middle one of the runs."""
        return median(self.values)

    @property
    def largest(self) -> float:
        """Of all runs."""
        return max(self.values)

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "median": self.median,
            "min": min(self.values),
            "max": self.largest,
            "runs": len(self.values),
            "unit": self.unit,
        }


def rate(seconds: Sequence[float], items: float, unit: str) -> Figure:
    """Items per second, from the seconds that `items` of them took in each run."""
    return Figure(tuple(items / value for value in seconds), unit)


def ratio(first: Sequence[float], second: Sequence[float]) -> Figure:
    """`first` over `second`, run by run: what changes between runs, such as the clock, cancels."""
    return Figure(tuple(a / b for a, b in zip(first, second, strict=True)), "x")


@dataclass
class Row:
    """A figure with a name, and plain facts that belong to it."""

    name: str
    figure: Figure
    facts: dict[str, Fact] = field(default_factory=dict)
    variant: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        variant = {} if self.variant is None else {"variant": self.variant}
        return {"name": self.name, **variant, **self.figure.as_dict(), **self.facts}


@dataclass
class Section:
    """All that one mode measured."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    """What a reader must know to read the rows right."""

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {"rows": [row.as_dict() for row in self.rows], "notes": self.notes}

    def text(self) -> str:
        """A table: median, and smallest and largest of the runs; then the facts of each row."""
        names = [f"{row.variant}: {row.name}" if row.variant else row.name for row in self.rows]
        width = max((len(name) for name in names), default=0)
        lines = []
        for name, row in zip(names, self.rows, strict=True):
            figure = row.figure
            low, high = shown(min(figure.values)), shown(max(figure.values))
            lines.append(
                f"  {name:<{width}}  {shown(figure.median):>9} {figure.unit:<12} "
                f"({low} to {high}, {len(figure.values)} runs)"
            )
            facts = [f"{key} {shown(value)}" for key, value in row.facts.items()]
            lines += [f"  {'':<{width}}    {', '.join(facts[i : i + 4])}"
                      for i in range(0, len(facts), 4)]  # fmt: skip
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def shown(value: Fact) -> str:
    """A number with four digits, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
