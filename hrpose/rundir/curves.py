"""The rows of a `metrics.jsonl`, and their picture."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from hrpose.storage.whole_file import draft

_LARGEST = 2**53
"""Beyond it neither epochs nor steps are counted: the integers of a float end here."""


class DamagedRow(NamedTuple):
    """A line of a `metrics.jsonl` that a run cannot have written so."""

    line: int
    """Its number, the first is 1."""
    content: bytes
    reason: str


def read_rows(path: Path) -> tuple[list[dict[str, Any]], list[DamagedRow]]:
    """The rows of a `metrics.jsonl`, and its damaged ones; a last line cut off is neither.

    Raises:
        OSError: the file cannot be read.
    """
    rows: list[dict[str, Any]] = []
    damaged = []
    lines = path.read_bytes().split(b"\n")
    # a run that is killed while it writes leaves the last line without its end
    for number, line in enumerate(lines[:-1], start=1):
        try:
            row = json.loads(line.decode())
            problem = _problem(row)
        except UnicodeDecodeError:
            problem = "not UTF-8"
        except (ValueError, RecursionError):  # ValueError: also a number of too many digits
            problem = "not JSON"
        if problem:
            damaged.append(DamagedRow(number, line, problem))
        else:
            rows.append(row)
    return rows, damaged


def _problem(row: Any) -> str:
    """What makes `row` another thing than a row; empty if it is one."""
    if not isinstance(row, dict):
        return "not a row but another value"
    sound = {
        "kind": row.get("kind") in ("train", "val"),
        "epoch": _is_count(row.get("epoch")),
        "iteration": _is_count(row.get("iteration")),
    }
    if row.get("kind") == "train":
        loss = row.get("loss", math.nan)  # None where every step was skipped
        sound |= {"loss": loss is None or _is_finite(loss), "lr": _is_finite(row.get("lr"))}
    elif row.get("kind") == "val":
        values = row.get("metrics")
        sound["metrics"] = isinstance(values, dict) and all(
            value is None or isinstance(value, float) or _is_finite(value)
            for value in values.values()
        )
    wrong = [name for name, is_sound in sound.items() if not is_sound]
    return f"{', '.join(wrong)} missing or out of range" if wrong else ""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _is_finite(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= _LARGEST
    return isinstance(value, float) and math.isfinite(value)


def set_aside(damaged: list[DamagedRow], path: Path) -> None:
    """Keep the content of `damaged` rows at the end of `path`, each once.

    Raises:
        OSError: it cannot be written.
    """
    kept = path.read_bytes().splitlines() if path.is_file() else []
    kept += [row.content for row in damaged if row.content not in kept]
    with draft(path) as file:
        file.write(b"".join(line + b"\n" for line in kept))


def draw_curves(folder: Path) -> Path | None:
    """Draw loss, learning rate and validation metrics of `metrics.jsonl` into `curves.png`."""
    source = folder / "metrics.jsonl"
    rows = read_rows(source)[0] if source.is_file() else []
    train = [row for row in rows if row["kind"] == "train" and row["loss"] is not None]
    val = [row for row in rows if row["kind"] == "val"]
    if not train:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    steps = [row["iteration"] for row in train]
    left.plot(steps, [row["loss"] for row in train], color="tab:blue", label="training loss")
    if all(row["loss"] > 0 for row in train):
        left.set_yscale("log")
    left.set(xlabel="optimizer step", ylabel="loss (mean squared error of heatmaps)")
    rate = left.twinx()
    rate.plot(steps, [row["lr"] for row in train], color="tab:orange", lw=1, label="learning rate")
    rate.set_ylabel("learning rate")
    lines = [*left.lines, *rate.lines]
    left.legend(lines, [str(line.get_label()) for line in lines], loc="lower left")
    names = [name for row in val for name in row["metrics"] if "(" not in name]  # no AP(L) etc.
    for name in dict.fromkeys(names):
        points = [(row["epoch"], row["metrics"].get(name)) for row in val]
        points = [(x, y) for x, y in points if y is not None and math.isfinite(y) and y <= 1.5]
        if points:
            right.plot(*zip(*points, strict=True), marker="o", ms=3, label=name)
    right.set(xlabel="epoch", ylabel="validation metric")
    right.grid(alpha=0.3)
    if right.lines:
        right.legend(fontsize=8)
    path = folder / "curves.png"
    figure.savefig(path, dpi=110)
    return path
