"""The numbers of an evaluation as tables on the screen and as the file metrics.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import json_tricks

from hrpose.metrics.bootstrap import Difference
from hrpose.metrics.score import Report
from hrpose.rundir import provenance
from hrpose.storage.addresses import without_secrets
from hrpose.storage.whole_file import write_whole

_COLUMNS = 100
"""Width of a table on the screen."""


def metric_table(report: Report) -> str:
    """The numbers, one a line; a number that does not exist is shown as such.

    With the interval of each, where there is one, and the notes, those that several share once.
    """
    width = max((len(name) for name in report.values), default=0)
    lines = []
    for name, value in report.values.items():
        line = f"  {name:<{width}}  {'does not exist' if value is None else f'{value:.4f}'}"
        ends = report.intervals.get(name)
        lines.append(line + (f"  ({ends[0]:.4f} to {ends[1]:.4f})" if ends else ""))
    return "\n".join([*lines, *(f"  note: {note}" for note in _shared_notes(report.notes))])


def _shared_notes(notes: Sequence[str]) -> list[str]:
    """Notes "name: text", each text once and before all the names that it goes with."""
    names: dict[str, list[str]] = {}
    for note in notes:
        name, _, text = note.partition(": ")
        names.setdefault(text, []).append(name)
    return [f"{text} [{', '.join(dict.fromkeys(group))}]" for text, group in names.items()]


def keypoint_table(report: Report) -> str:
    """One line a keypoint, one column a metric; in several blocks where the columns are many."""
    names = list(report.per_keypoint)
    if not names:
        return ""
    width = max(map(len, report.per_keypoint[names[0]]))
    blocks: list[list[str]] = [[]]
    for name in names:
        used = sum(max(8, len(other)) + 2 for other in [*blocks[-1], name])
        if blocks[-1] and width + 2 + used > _COLUMNS:
            blocks.append([])
        blocks[-1].append(name)
    return "\n".join(_keypoint_block(report, block, width) for block in blocks)


def _keypoint_block(report: Report, names: Sequence[str], width: int) -> str:
    columns = [max(8, len(name)) for name in names]
    head = [f"{name:>{column}}" for name, column in zip(names, columns, strict=True)]
    lines = ["  ".join([" " * (width + 2), *head])]
    for keypoint in report.per_keypoint[names[0]]:
        values = [report.per_keypoint[name].get(keypoint) for name in names]
        cells = [
            f"{'-' if value is None else f'{value:.4f}':>{column}}"
            for value, column in zip(values, columns, strict=True)
        ]
        lines.append("  ".join([f"  {keypoint:<{width}}", *cells]))
    return "\n".join(lines)


def comparison_table(
    report: Report, other: Report, differences: dict[str, Difference | None], name: str
) -> str:
    """One line a metric: both values, their difference, its interval and p."""
    width = max(map(len, differences), default=0)
    lines = [f"compared with {name}, difference (95% interval) and p of a paired bootstrap:"]
    for metric, step in differences.items():
        if step is None:
            lines.append(f"  {metric:<{width}}  does not exist")
            continue
        lines.append(
            f"  {metric:<{width}}  {report.values[metric]:.4f} - {other.values[metric]:.4f} = "
            f"{step.value:+.4f}  ({step.low:+.4f} to {step.high:+.4f})  p {step.p:.3f}"
        )
    return "\n".join(lines)


def write_numbers(
    report: Report, page: dict[str, Any], made_from: dict[str, Any], path: Path, **more: Any
) -> str:
    """Write the numbers of `report`, what they were made from and `more`; returns what was done."""
    again = "replaced" if path.exists() else "wrote"
    record = {
        "metrics": report.values,
        "per_keypoint": report.per_keypoint,
        "notes": report.notes,
        **more,
        "provenance": {
            **made_from,
            "versions": provenance.versions(),
            "command": provenance.command(),
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "config": without_secrets(page),
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json_tricks.dumps(record, indent=1, primitives=True, allow_nan=False))
    return f"{again} {path}"
