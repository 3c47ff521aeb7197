"""The rows of a `metrics.jsonl`, and their picture."""

import json
import math
from pathlib import Path
from typing import Any


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a `metrics.jsonl`; a last line that was cut off is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def draw_curves(folder: Path) -> Path | None:
    """Draw loss, learning rate and validation metrics of `metrics.jsonl` into `curves.png`."""
    source = folder / "metrics.jsonl"
    rows = read_rows(source) if source.is_file() else []
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
