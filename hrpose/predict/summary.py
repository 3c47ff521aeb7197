"""What was read and what was not, and `<stem>.json`: what a table was made from."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hrpose.predict.frames import BoxSource, Frame
from hrpose.predict.inputs import Job
from hrpose.predict.look.search import SURE
from hrpose.predict.sources import Frames
from hrpose.storage.whole_file import write_whole


@dataclass
class Tally:
    """Counts the frames of one job."""

    done: int = 0
    """How many had their rows before."""
    frames: int = 0
    read: int = 0
    bad: list[tuple[str, str]] = field(default_factory=list)
    """Label and note of each frame that could not be read."""
    zoomed: Counter[BoxSource] = field(default_factory=Counter)
    """How often zoom's answer is from the whole frame, and how often from a closer look."""
    began: float = field(default_factory=time.monotonic)

    def counted(self, frames: Frames) -> Iterator[Frame]:
        """`frames`, each counted."""
        for frame in frames:
            self.frames += 1
            if frame.image is None:
                self.bad.append((frame.label, frame.note))
            else:
                self.read += 1
            yield frame

    @property
    def seconds(self) -> float:
        """Since the job began."""
        return time.monotonic() - self.began

    def warnings(self, job: Job, frames: Frames) -> list[str]:
        """What a reader of the table must know."""
        said = []
        if self.bad:
            first = "; ".join(f"{label}: {note}" for label, note in self.bad[:3])
            more = f"; and {len(self.bad) - 3} more" if len(self.bad) > 3 else ""
            said.append(
                f"{job}: {len(self.bad)} of {self.frames} could not be read and have empty rows "
                f"({first}{more})"
            )
        looked = self.zoomed.total()
        if self.zoomed["full"] > looked / 2:
            said.append(
                f"{job}: zoom saw only the whole frame in {self.zoomed['full']} of {looked}: too "
                f"few points had a likelihood from {SURE:g} on: the model is unsure of these"
            )
        return said + frames.warnings()

    def said(self) -> str:
        """In a few words."""
        rate = (self.frames - self.done) / max(self.seconds, 1e-9)
        return f"{self.frames} frames in {self.seconds:.1f} s ({rate:.1f} frames/s)"


def write_summary(
    path: Path,
    job: Job,
    frames: Frames,
    tally: Tally,
    warnings: list[str],
    made_from: dict[str, Any],
) -> None:
    """Write `<stem>.json`, the sign that a job is finished."""
    content: dict[str, Any] = {
        "input": str(job),
        "kind": job.kind,
        **made_from,
        "frames_by_header": frames.told,
        "frames": tally.frames,
        "frames_read": tally.read,
        "bad_frames": [{"frame": label, "note": note} for label, note in tally.bad],
        "frames_per_second": frames.rate,
        "size": frames.size,
        "decoder": frames.decoder,
        "warnings": warnings,
        "seconds": round(tally.seconds, 3),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
