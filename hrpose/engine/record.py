"""The file of numbers, metrics.json: of a tested checkpoint and of scored predictions alike."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import json_tricks

from hrpose.engine.evaluate import Report
from hrpose.rundir import provenance
from hrpose.storage.addresses import without_secrets
from hrpose.storage.whole_file import write_whole


def write_record(
    report: Report, page: dict[str, Any], made_from: dict[str, Any], path: Path, **more: Any
) -> str:
    """Write the numbers of `report`, what they were made from and `more`; returns what it did."""
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
