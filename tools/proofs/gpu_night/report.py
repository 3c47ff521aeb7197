"""The report of a night as one page."""

from __future__ import annotations

import json
from pathlib import Path

from proofs.gpu_night.record import Record
from proofs.gpu_night.stages import Night

AIMS = (
    ("step", "page", "training step", 2700),
    ("step", "w48-bf16", "training step", 1750),
    ("inference", "page", "heatmaps", 14000),
    ("inference", "page", "keypoints, flip test", 7000),
)
"""Mode of the benchmark, variant, row and images a second, of one H100 or H200 at 256x256."""


def page(night: Night, records: list[Record], names: list[str], command: str) -> str:
    """The whole report.

    Args:
        records: what is known of the stages; `names` are those of all.
    """
    title = "Rehearsal of a night on a GPU, on the CPU" if night.rehearsal else "A night on a GPU"
    lines = [f"# {title}", "", "A stage is one command, bounded in time; one that fails does not"]
    lines += ["stop the others. This page was written by", "", "```bash", command, "```", ""]
    lines += [f"- {machine}" for machine in dict.fromkeys(record.machine for record in records)]
    lines += ["", "| stage | | outcome | s | why |", "|---|---|---|--:|---|"]
    known = {record.name: record for record in records}
    for name in names:
        record = known.get(name)
        if record is None:
            lines.append(f"| {name} | | not asked for yet | | `--stages {name}` |")
        else:
            told = f"{record.what} | {record.outcome} | {record.seconds:.0f} | {cell(record.why)}"
            lines.append(f"| {name} | {told} |")
    lines += _aims(night)
    for record in records:
        if record.told:
            lines += ["", f"## {record.name}", "", f"{record.date}, `{record.command}`", ""]
            lines += record.told
    return "\n".join(lines) + "\n"


def _aims(night: Night) -> list[str]:
    """What was to be reached, beside what was; only on a GPU."""
    if night.rehearsal:
        return []
    lines = ["", "| img/s, 256x256 | aim | measured | of the roofline |", "|---|--:|--:|--:|"]
    for mode, variant, name, aim in AIMS:
        row = _row(night.folder / f"benchmark-{mode}" / "figures.json", mode, variant, name)
        share = row.get("share_of_roofline")
        measured = f"{row['median']:,.0f}" if row else "not measured"
        told = f"{share:.0%}" if share is not None else ""
        lines.append(f"| {name}, {variant} | {aim:,} | {measured} | {told} |")
    return lines


def _row(path: Path, mode: str, variant: str, name: str) -> dict:
    """A row of the benchmark's figures; empty where it was not measured."""
    if not path.is_file():
        return {}
    section = json.loads(path.read_text("utf-8"))["sections"].get(mode, {"rows": []})
    wanted = (variant, name)
    alike = [row for row in section["rows"]
             if (row.get("variant") or "page", row["name"]) == wanted]  # fmt: skip
    return alike[0] if alike else {}


def cell(text: str) -> str:
    """`text` as it can stand in a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
