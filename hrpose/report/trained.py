"""What was trained and how: the facts of a run's page and files, and its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from hrpose.config import Page
from hrpose.engine.experiment import Experiment
from hrpose.report.runs import Run
from hrpose.rundir.curves import read_rows
from hrpose.storage.addresses import without_secrets

_MOST_POINTS = 200
"""Of a curve; more are averaged in stretches."""


def facts_of(run: Run, experiment: Experiment) -> dict[str, str]:
    """What the page and the files of a run say of it, in words."""
    page, meta, settings = without_secrets(run.page), experiment.meta, experiment.settings
    parameters = sum(part.numel() for part in experiment.outline().parameters())
    backbone = page["model"].get("backbone", {})
    width = f", width {backbone['width']}" if "width" in backbone else ""
    made_from = run.made_from
    facts = {
        "Network": f"{backbone.get('type', page['model'].get('type'))}{width}, "
        f"{parameters / 1e6:.2f} M parameters",
        "Input": _sizes(page),
        "Codec": _options(page["model"].get("codec", {}), without=("input_size", "heatmap_size")),
        "Flip test": "yes" if page["model"].get("flip_test") else "no",
        "Keypoints": f"{len(meta)} of {meta.dataset}, {len(meta.flip_pairs)} pairs of sides",
        "Training data": _data(page, "train"),
        "Validation data": _data(page, "val"),
        "Weights at the start": str(_start(page)),
        "Epochs": f"{settings.epochs}, batches of {experiment.data.batch_size} animals",
        "Optimizer": _options(page["optimizer"]),
        "Schedule": _options(page["schedule"]),
        "Seed": str(settings.seed),
        "Arithmetic": str(settings.precision),
        **_progress(run.folder),
        "Checkpoint": _checkpoint(made_from),
        "Made on": str(made_from.get("device", "not known")),
        "Versions": ", ".join(f"{k} {v}" for k, v in made_from.get("versions", {}).items()),
        "Test command": str(made_from.get("command", "")),
        "Test date": str(made_from.get("date", "")),
    }
    return {name: text for name, text in facts.items() if text}


def curves_of(folder: Path) -> dict[str, Any]:
    """Loss, rate and validation of a run's metrics.jsonl; empty lists where there is none."""
    path = folder / "metrics.jsonl"
    rows = read_rows(path)[0] if path.is_file() else []
    train = [row for row in rows if row["kind"] == "train" and row["loss"] is not None]
    val = [row for row in rows if row["kind"] == "val"]
    names = dict.fromkeys(name for row in val for name in row["metrics"])
    return {
        "train": {
            "step": [round(step) for step in _thinned([row["iteration"] for row in train])],
            "loss": _thinned([row["loss"] for row in train]),
            "rate": _thinned([row["lr"] for row in train]),
        },
        "val": {
            "epoch": [row["epoch"] for row in val],
            "metrics": {name: [_finite(row["metrics"].get(name)) for row in val] for name in names},
        },
    }


def _thinned(values: Sequence[float]) -> list[float]:
    """At most `_MOST_POINTS` means of stretches of `values`."""
    if not values:
        return []
    parts = np.array_split(np.array(values, np.float64), min(len(values), _MOST_POINTS))
    return [float(f"{part.mean():.6g}") for part in parts]


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def _sizes(page: Page) -> str:
    codec = page["model"].get("codec", {})
    wide, high = codec.get("input_size", ("?", "?"))
    cells = " x ".join(map(str, codec.get("heatmap_size", ())))
    return f"{wide} x {high} px (width x height), heatmaps {cells}"


def _options(cfg: Mapping[str, Any], without: Sequence[str] = ()) -> str:
    """A part of a page on one line: its class, then its values."""
    values = {k: v for k, v in cfg.items() if k not in ("type", *without)}
    text = ", ".join(f"{key} {value}" for key, value in values.items())
    return f"{cfg.get('type', '')}: {text}" if text else str(cfg.get("type", ""))


def _data(page: Page, split: str) -> str:
    """The annotation files of a data set by their names, or how many animals are drawn."""
    part = page["data"].get(split) or {}
    named = part.get("ann_file")
    if named is None:
        return f"{part.get('type', 'none')}, {part['length']} drawn animals" if part else ""
    files = [named] if isinstance(named, str) else named
    only = f", only images like {part['file_names']}" if part.get("file_names") else ""
    return ", ".join(PurePath(file).name for file in files) + only


def _start(page: Page) -> str:
    start = page.get("load_from") or page.get("pretrained")
    if isinstance(start, dict):
        return _options(start)
    return str(start) if start else "drawn at random"


def _progress(folder: Path) -> dict[str, str]:
    path = folder / "metrics.jsonl"
    rows = read_rows(path)[0] if path.is_file() else []
    if not rows:
        return {}
    epochs = max(row["epoch"] + (row["kind"] == "train") for row in rows)
    steps = max(row["iteration"] for row in rows)
    return {"Trained": f"{epochs} epochs, {steps:,} steps (metrics.jsonl)"}


def _checkpoint(made_from: Mapping[str, Any]) -> str:
    if "checkpoint" not in made_from:
        return ""
    digest = str(made_from.get("checkpoint_sha256", ""))[:12]
    return f"{PurePath(str(made_from['checkpoint'])).name}, SHA-256 {digest}..."
