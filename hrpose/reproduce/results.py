"""`results.json`, which remembers what was done, and `results.md`, which people read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from hrpose.errors import RunError
from hrpose.reproduce.compare import as_json, cells, compare_row, head
from hrpose.reproduce.metafile import Row
from hrpose.storage.whole_file import write_whole

KINDS = {"published": "Published checkpoints", "trained": "Trained from ImageNet weights"}

Results = dict[str, dict[str, Any]]
"""Of each row's name, the record of each kind."""


def read_table(work_dir: Path) -> Results:
    """The records of the rows that were done before in `work_dir`."""
    path = work_dir / "results.json"
    if not path.exists():
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        return {
            name: {kind: row[kind] for kind in KINDS if kind in row} for name, row in rows.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path}: not the results of an earlier run ({error}); remove it, or choose another "
            "folder with --work-dir"
        ) from error


def write_table(work_dir: Path, rows: Sequence[Row], results: Results, tolerance: float) -> None:
    """Write all that is known of the metafile's `rows`, whole or not at all."""
    content: dict[str, Any] = {"tolerance": tolerance, "rows": {}}
    for row in rows:
        if results.get(row.name):
            entry = {
                "data": row.data.name,
                "checkpoint": row.checkpoint,
                "log": row.log,
                "paper": row.paper,
            }
            for kind, record in results[row.name].items():
                compared = as_json(compare_row(row.paper, record, tolerance))
                entry[kind] = {**record, "compared": compared}
            content["rows"][row.name] = entry
    work_dir.mkdir(parents=True, exist_ok=True)
    write_whole(work_dir / "results.json", json.dumps(content, indent=1, allow_nan=False) + "\n")
    write_whole(work_dir / "results.md", markdown(rows, results, tolerance))


def markdown(rows: Sequence[Row], results: Results, tolerance: float) -> str:
    """The tables of all rows that were done, then what each was made from."""
    lines = [
        "# The results table, measured",
        "",
        f"Made by `hrpose reproduce`; within: at most {tolerance:g} from the published value.",
        "Intervals: 95%, bootstrap over images. Spread: standard deviation over seeds.",
    ]
    for kind, title in KINDS.items():
        done = [row for row in rows if kind in results.get(row.name, {})]
        if not done:
            continue
        trained = kind == "trained"
        lines += ["", f"## {title}", "", *_header(["row", *head(trained)])]
        for row in done:
            for each in compare_row(row.paper, results[row.name][kind], tolerance):
                lines.append(_line([row.name, *cells(each)]))
        for row in done:
            record = results[row.name][kind]
            for title, part in _parts(row, record):
                lines += ["", f"### {title}", "", *_details(part, row.paper)]
    return "\n".join(lines) + "\n"


def _parts(row: Row, record: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The tests that a record is made of: one, or one a seed."""
    if "seeds" not in record:
        return [(row.name, record)]
    return [(f"{row.name}, seed {seed}", part) for seed, part in record["seeds"].items()]


def _details(record: dict[str, Any], compared: Collection[str]) -> Iterable[str]:
    """All numbers of one test, those compared for each keypoint, and what they were made from."""
    made_from = record["made_from"]
    yield _and(f"{name} {_number(value)}" for name, value in record["values"].items())
    notes = [note for note in record["notes"] if note.partition(": ")[0] in compared]
    yield from ["", *(f"- {note}" for note in notes), ""] if notes else [""]
    everywhere = list(record["per_keypoint"])  # AP has no value of its own for a keypoint
    names = [name for name in everywhere if name in compared] or everywhere
    if names:
        yield from _header(["keypoint", *names])
        for keypoint in record["per_keypoint"][names[0]]:
            numbers = [_number(record["per_keypoint"][name].get(keypoint)) for name in names]
            yield _line([keypoint, *numbers])
        yield ""
    yield f"- checkpoint sha256 `{made_from['checkpoint_sha256']}`"
    for name, digest in made_from["annotation_files"].items():
        yield f"- {name} sha256 `{digest}`"
    yield f"- config digest `{made_from['config_sha256']}`"
    yield f"- {_and(f'{name} {version}' for name, version in made_from['versions'].items())}"
    animals, left_out = made_from["animals"], made_from["left_out"]
    yield f"- {animals:,} animals ({left_out:,} annotations left out) on {made_from['device']}"
    yield f"- {made_from['date']}: `{made_from['command']}`"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _and(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _header(titles: Sequence[str]) -> list[str]:
    return [_line(titles), _line(["---"] * len(titles))]


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
