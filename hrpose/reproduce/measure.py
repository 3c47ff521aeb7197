"""One row, measured: its published checkpoint tested, or its page trained over several seeds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import hrpose
from hrpose.config.registry import build
from hrpose.engine.test import run_test
from hrpose.engine.train import train
from hrpose.metrics.bootstrap import intervals
from hrpose.reproduce.metafile import Row
from hrpose.rundir import provenance
from hrpose.storage.digests import file_digest, promised_digest
from hrpose.storage.download import fetch

Page = dict[str, Any]
Record = dict[str, Any]
"""What was measured, as it stands in results.json."""


def measure_published(
    row: Row, page: Page, digest: str, folder: Path, before: Record | None
) -> Record:
    """The published checkpoint on the test set; `before` if none of its inputs has changed."""
    if before and _unchanged(before["made_from"], row.checkpoint, page, digest):
        _say_done(f"{row.name}, published checkpoint", before)
        return before
    print(f"\n{row.name}: testing the published checkpoint", flush=True)
    return _test(row, page, row.checkpoint, folder)


def measure_trained(
    row: Row, page: Page, digests: dict[str, str], folder: Path, seeds: int, before: Record | None
) -> Record:
    """The page trained with the seeds 0 to `seeds` - 1; values are means, `spread` their standard
    deviations. A seed that is in `before` with the same inputs is not trained again.
    """
    known = before["seeds"] if before else {}
    done: dict[str, Record] = {}
    for seed in range(seeds):
        changed = {**page, "runner": {**page["runner"], "seed": seed}}
        done[str(seed)] = _train_one(row, changed, digests, folder, known.get(str(seed)))
    values: dict[str, float | None] = {}
    spread: dict[str, float | None] = {}
    for name in row.paper:
        found = [record["values"][name] for record in done.values()]
        exist = [value for value in found if value is not None]
        values[name] = mean(exist) if len(exist) == seeds else None
        spread[name] = stdev(exist) if len(exist) == seeds > 1 else None
    return {"values": values, "spread": spread, "seeds": done}


def _train_one(
    row: Row, page: Page, digests: dict[str, str], folder: Path, before: Record | None
) -> Record:
    """One seed, in a run directory of its own for each set of inputs; one cut off goes on."""
    inputs = [provenance.page_digest(page), sorted(digests.items()), hrpose.__version__]
    name = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:8]
    run = folder / f"seed{page['runner']['seed']}-{name}"
    title = f"{row.name}, seed {page['runner']['seed']}"
    if before and before["run"] == run.name:
        _say_done(title, before)
        return before
    print(f"\n{title}: training in {run}", flush=True)
    progress = train(page, run, resume="auto")
    source = run / (progress.best_file or "latest.pth")
    return {**_test(row, page, str(source), run), "run": run.name}


def _test(row: Row, page: Page, source: str, folder: Path) -> Record:
    """The numbers of a checkpoint on the test set, with intervals and what they were made from."""
    report, dataset = run_test(page, source, folder)
    labels = dataset.labels()
    found: dict[str, tuple[float, float] | None] = {}
    for metric in build(page["metrics"], "metrics"):
        if set(metric.names) & set(row.paper):
            found |= intervals(metric, report.predictions, labels)
    written = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    made_from = {key: value for key, value in written["provenance"].items() if key != "config"}
    made_from["annotation_files"] = _annotation_files(page)
    return {
        "values": report.values,
        "intervals": {name: list(ends) if ends else None for name, ends in found.items()},
        "per_keypoint": report.per_keypoint,
        "notes": report.notes,
        "made_from": made_from,
    }


def _annotation_files(page: Page) -> dict[str, str]:
    """SHA-256 of each annotation file of the test set, as sha256sum gives it."""
    named = page["data"]["test"]["ann_file"]
    names = [named] if isinstance(named, str) else named
    root = page["data"].get("root", "")
    return {name: file_digest(Path(root, name)) for name in names}


def _unchanged(made_from: dict[str, Any], checkpoint: str, page: Page, digest: str) -> bool:
    """Whether page, annotations, hrpose and checkpoint are those that a record was made from."""
    inputs = [provenance.page_digest(page), digest, hrpose.__version__]
    then = [made_from[name] for name in ("config_sha256", "annotations_sha256")]
    if [*then, made_from["versions"]["hrpose"]] != inputs:
        return False
    promised = promised_digest(checkpoint)
    now = promised or file_digest(fetch(checkpoint))
    return made_from["checkpoint_sha256"].startswith(now)


def _say_done(title: str, record: Record) -> None:
    date = record["made_from"]["date"]
    print(f"\n{title}: done on {date}, nothing has changed since", flush=True)
