"""The files of one job while it is at work, and how a run goes on from what a killed one left.

While a job is at work, its table is called `<stem>.part.csv`; `<stem>.part.frames.jsonl` says where
was looked, and `<stem>.part.progress` how far both go: first what the run was asked for, then a
line a frame with the digest of its picture and the ends of both files, in bytes. Lines come after
the rows that they speak of; so however the run ends, the last line whose ends lie in both files
says what is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from hrpose.errors import RunError
from hrpose.predict.frames import Found, Frame
from hrpose.predict.inputs import Job
from hrpose.predict.tables import csv_table, frames_jsonl
from hrpose.storage.whole_file import flush


@dataclass(frozen=True)
class JobFiles:
    """The files of one job in the output folder."""

    folder: Path
    stem: str

    @classmethod
    def of(cls, job: Job, out: Path) -> JobFiles:
        """Of `job`."""
        return cls(out / job.folder, job.stem)

    def file(self, ending: str) -> Path:
        """`<stem><ending>`."""
        return self.folder / f"{self.stem}{ending}"

    @property
    def parts(self) -> tuple[Path, Path, Path]:
        """Table, frames and progress of a job at work."""
        csv, frames, progress = ".part.csv", ".part.frames.jsonl", ".part.progress"
        return self.file(csv), self.file(frames), self.file(progress)

    def finished(self) -> bool:
        """Whether the job is done: its summary comes last."""
        return "scorer" in self.summary()

    def summary(self) -> dict[str, Any]:
        """What stands in the summary; nothing where there is none, or another file of its name."""
        try:
            content = json.loads(self.file(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def begun(self) -> bool:
        """Whether a run has left parts."""
        return self.parts[2].exists()

    def require_same(self, asked: Mapping[str, Any]) -> None:
        """RunError where the run that was cut off was asked for something else."""
        with self.parts[2].open(encoding="utf-8") as file:
            line = file.readline()
        before = json.loads(line) if line.endswith("\n") else asked
        for name, now in json.loads(json.dumps(asked)).items():
            if before.get(name) != now:
                raise RunError(
                    f"{self.parts[0]}: was begun with {name} {before.get(name)!r}, now it is "
                    f"{now!r}; ask for the same, or begin again with --overwrite"
                )


def remove_results(places: JobFiles) -> None:
    """Remove what an earlier run made of a job, by its summary: a table beside a picture or another
    table of other numbers would mislead. The table itself stays until a new one takes its place.

    Raises:
        OSError: a file cannot be removed.
    """
    if not places.finished():
        return
    files = places.summary().get("files", [])
    places.file(".json").unlink()
    for path in (places.folder / str(name) for name in files):
        if path.parent != places.folder or not path.name.startswith(places.stem):
            continue  # the summary was changed by somebody
        if path.is_dir() and path.name == f"{places.stem}.drawn":
            shutil.rmtree(path)
        elif path != places.file(".csv") and path.is_file():
            path.unlink()


class Record:
    """Writes the table and its companions in order as frames come.

    Args:
        asked: what decides the numbers; a run goes on only where it is asked for the same.
        resume: go on from what is there.

    Raises:
        RunError: what is there was made with something else, or nothing can be written there.
    """

    def __init__(
        self, places: JobFiles, columns: csv_table.Columns, asked: dict[str, Any], resume: bool
    ) -> None:
        self.places, self.columns, self.asked = places, columns, asked
        self._files: list[IO[bytes]] = []
        self.digests: list[str] = []
        """Of the frames whose rows are there already."""
        try:
            places.folder.mkdir(parents=True, exist_ok=True)
            ends = self._look() if resume and places.begun() else None
            if ends:
                self._files = [path.open("r+b") for path in places.parts]
                for file, end in zip(self._files, ends, strict=True):
                    file.truncate(end)
                    file.seek(end)
            else:
                self._files = [path.open("wb") for path in places.parts]
                self._files[0].write(columns.header().encode())
                self._files[2].write(f"{json.dumps(asked)}\n".encode())
                self.save()
        except OSError as error:
            raise self._lost(error) from error

    @property
    def done(self) -> int:
        """How many frames have their rows."""
        return len(self.digests)

    def add(self, found: Found) -> None:
        """Write the row of one frame."""
        table, frames, progress = self._files
        try:
            label = found.frame.label
            table.write(csv_table.row(label, found.keypoints, found.scores).encode())
            frames.write(frames_jsonl.lines(found).encode())
            line = f"{found.frame.digest} {table.tell()} {frames.tell()}\n"
            progress.write(line.encode())
        except OSError as error:
            raise self._lost(error) from error
        self.digests.append(found.frame.digest)

    def save(self) -> None:
        """Hand all rows to the system, in the order that lets a killed run go on."""
        try:
            for file in self._files:
                file.flush()
        except OSError as error:
            raise self._lost(error) from error

    def checked(self, frames: Iterable[Frame], count: int) -> Iterator[Frame]:
        """`frames`, the first `count` of which must be those that the rows were made from.

        Raises:
            RunError: a frame is another one: the input has changed.
        """
        seen = 0
        for frame in frames:
            if seen < count and frame.digest != self.digests[seen]:
                raise RunError(
                    f"{self.places.parts[0]}: frame {frame.label} is not the picture that its row "
                    "was made from: the input has changed; begin again with --overwrite"
                )
            seen += 1
            yield frame
        if seen < count:
            raise RunError(
                f"{self.places.parts[0]}: has {count} rows, but the input gives {seen} frames now; "
                "begin again with --overwrite"
            )

    def rows(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Keypoints (N, K, 2), scores (N, K), boxes (n, 4) of the rows that are there already."""
        _, rows = csv_table.open_rows(self.places.parts[0])
        where = frames_jsonl.read(self.places.parts[1])
        for (_, keypoints, scores), entries in zip(rows, where, strict=False):
            boxes = [entry["box"] for entry in entries if entry["box"]]
            yield keypoints, scores, np.reshape(np.array(boxes, np.float64), (-1, 4))

    def end(self) -> None:
        """Bring all rows to the disk; the files keep their names until `give_names`."""
        try:
            for file in self._files:
                flush(file)
                file.close()
        except OSError as error:
            raise self._lost(error) from error

    def give_names(self, keep_frames: bool) -> None:
        """Give the table its own name, and where was looked too if that is to be kept."""
        table, frames, _ = self.places.parts
        try:
            table.replace(self.places.file(".csv"))
            if keep_frames:
                frames.replace(self.places.file(".frames.jsonl"))
            else:
                frames.unlink()
        except OSError as error:
            raise self._lost(error) from error

    def drop(self) -> None:
        """Remove the parts, of which nothing is worth to be kept."""
        self.close()
        for path in self.places.parts:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Release the files; what is written stays."""
        for file in self._files:
            with suppress(OSError):
                file.close()

    def _look(self) -> list[int] | None:
        """Where the whole rows of a run that was cut off end, in the three files; None where it had
        not even come to the first row.
        """
        table, frames, progress = self.places.parts
        sizes = [path.stat().st_size if path.exists() else 0 for path in (table, frames)]
        head = self.columns.header().encode()
        if sizes[0] < len(head):
            return None
        with progress.open("rb") as file:
            if not file.readline().endswith(b"\n"):
                return None
            self.places.require_same(self.asked)
            ends = [len(head), 0, file.tell()]
            for line in file:
                parts = line.split()
                if not line.endswith(b"\n") or len(parts) != 3:
                    break
                if int(parts[1]) > sizes[0] or int(parts[2]) > sizes[1]:
                    break
                self.digests.append(parts[0].decode())
                ends = [int(parts[1]), int(parts[2]), ends[2] + len(line)]
        with table.open("rb") as file:
            if file.read(len(head)) != head:
                raise RunError(f"{table}: has other columns than asked for; see --overwrite")
        return ends

    def _lost(self, error: OSError) -> RunError:
        self.close()
        return RunError(
            f"{error.filename or self.places.folder}: cannot be written "
            f"({os.strerror(error.errno) if error.errno else error}); what is written stays, go on "
            "with --resume"
        )
