"""`<stem>.frames.jsonl`: where was looked in each frame, one JSON object an animal.

Keys: frame (number, or path of the image), time_s, box [x, y, w, h] in image px, source ('full',
'fixed', 'file' or 'zoom'), id, note. A frame without a box has one line in which box is null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hrpose.predict.frames import Found


def lines(found: Found) -> str:
    """The lines of one frame."""
    frame, where = found.frame, found.where
    base = {
        "frame": int(frame.label) if frame.label.isdecimal() else frame.label,
        "time_s": None if frame.time_s is None else round(frame.time_s, 6),
    }
    if not len(where):
        return _line({**base, "box": None, "source": None, "id": None, "note": frame.note})
    ids = where.ids or [None] * len(where)
    return "".join(
        _line({**base, "box": box, "source": where.source, "id": name, "note": frame.note})
        for box, name in zip(where.boxes.round(4).tolist(), ids, strict=True)
    )


def read(path: Path) -> Iterator[list[dict[str, Any]]]:
    """The objects of each frame, in order."""
    group: list[dict[str, Any]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            if group and entry["frame"] != group[0]["frame"]:
                yield group
                group = []
            group.append(entry)
    if group:
        yield group


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
