"""One job from input to finished table: frames in order, what was found written as it comes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from hrpose.errors import DataError, RunError
from hrpose.predict.draw import draw
from hrpose.predict.frames import Found
from hrpose.predict.inputs import Job
from hrpose.predict.look.boxes import BoxFile
from hrpose.predict.look.zoom import zoomed
from hrpose.predict.pipeline import Look, Pipeline
from hrpose.predict.record import JobFiles, Record, remove_results
from hrpose.predict.sources import Frames, frames_of
from hrpose.predict.summary import Tally, write_summary
from hrpose.predict.tables.csv_table import Columns
from hrpose.predict.tables.formats import Finished, write_formats
from hrpose.predict.tables.places import alone

_SAVE = 1.0  # seconds between two times that rows are handed to the system


@dataclass
class Order:
    """What is asked for, of all jobs alike.

    Args:
        asked: what decides the numbers, as `record.Record` takes it.
        made_from: digests, versions and the like, for the summary.
        dlc_project: config.yaml of a DeepLabCut project, and its shuffle, for the format 'dlc'.
    """

    pipeline: Pipeline
    look: Look | None
    """None means zoom."""
    scorer: str
    out: Path
    asked: dict[str, Any]
    made_from: dict[str, Any]
    formats: tuple[str, ...] = ("csv",)
    start: int = 0
    stop: int | None = None
    stride: int = 1
    resume: bool = False
    draw: float | None = None
    """The score from which on points are drawn; None draws nothing."""
    dlc_project: tuple[Path, int] | None = None
    say: Callable[[str], None] = field(default=print)

    def summary(self) -> dict[str, Any]:
        """What all tables of this order were made from."""
        return {
            "scorer": self.scorer,
            **self.made_from,
            "options": {**self.asked, "formats": list(self.formats)},
            "keypoints": list(self.pipeline.cropper.meta.names),
        }

    def columns(self) -> Columns:
        """What the table's columns are called: an animal with an id by its id."""
        names = self.look.individuals if isinstance(self.look, BoxFile) else []
        rest = range(len(names) + 1, self.pipeline.animals + 1)
        individuals = [*names, *(f"individual{number}" for number in rest)]
        return Columns(self.scorer, individuals, self.pipeline.cropper.meta.names)


def do_job(order: Order, job: Job) -> str:
    """Make the tables of one job; returns a line that says what was done.

    Raises:
        DataError: the input cannot be used.
        RunError: another process is at it, or nothing can be written.
    """
    places = JobFiles.of(job, order.out)
    with alone(places):
        if order.resume and places.finished():
            with suppress(OSError):
                places.parts[2].unlink(missing_ok=True)  # the last thing that a run does
            return f"{job}: {places.file('.csv')} is finished"
        with closing(frames_of(job, order.start, order.stop, order.stride)) as frames:
            record = Record(places, order.columns(), order.asked, order.resume)
            with closing(record):
                tally = _predict(order, job, frames, record)
                record.end()
            return _finish(order, job, frames, record, tally)


def _predict(order: Order, job: Job, frames: Frames, record: Record) -> Tally:
    """Write what is found in all frames that have no row yet."""
    done, tally = record.done, Tally(done=record.done)
    if done:
        order.say(f"{job}: {done} frames have their rows already; going on from there")
    checked = record.checked(tally.counted(frames), done)
    if order.look is None:
        before = itertools.islice(record.rows(), done)
        answers = zoomed(order.pipeline, checked, job.kind == "images", before)
    else:
        answers = order.pipeline.run(checked, order.look, done)
    saved = time.monotonic()
    bar = tqdm(
        answers, job.stem, frames.total, leave=False, disable=None, unit=" frames",
        dynamic_ncols=True, initial=done,
    )  # fmt: skip
    earlier = True
    with closing(answers):  # type: ignore[type-var]
        for found in bar:
            if earlier and tally.read:  # there will be a table to take the place of an earlier one
                _make_room(record.places)
                earlier = False
            record.add(_finite(found))
            if order.look is None and len(found.where):
                tally.zoomed[found.where.source] += 1
            if time.monotonic() - saved > _SAVE:
                record.save()
                saved = time.monotonic()
    if not tally.read:
        record.drop()
        raise DataError(f"{job}: {_nothing(job, tally)}")
    return tally


def _make_room(places: JobFiles) -> None:
    """Remove what an earlier run made of the job, but for the table.

    Raises:
        RunError: a file cannot be removed.
    """
    try:
        remove_results(places)
    except OSError as error:
        name = error.filename or places.folder
        raise RunError(f"{name}: cannot be removed ({error.strerror})") from error


def _nothing(job: Job, tally: Tally) -> str:
    """Why no frame could be looked at."""
    if not tally.frames:
        return "there is no frame in it, or none from --start to --stop"
    what = "frame" if job.kind == "video" else "image"
    return f"none of its {tally.frames} {what}s can be read; the first: {tally.bad[0][1]}"


def _finite(found: Found) -> Found:
    """`found`, with a note where the network gave something that is no number."""
    where = found.where.slots
    if not (np.isfinite(found.keypoints[where]).all() and np.isfinite(found.scores[where]).all()):
        found.frame.note = "the network gave something that is no number"
    return found


def _finish(order: Order, job: Job, frames: Frames, record: Record, tally: Tally) -> str:
    """The other formats, the table's own name, and last the summary."""
    table, where, _ = record.places.parts
    finished = Finished(
        record.places, job, table, where, order.pipeline.cropper, frames.rate, frames.size,
        order.dlc_project,
    )  # fmt: skip
    try:
        written = write_formats(finished, order.formats)
        if order.draw is not None:
            part = {"start": order.start, "stop": order.stop, "stride": order.stride}
            written += draw(finished, part, order.draw)
        record.give_names("jsonl" in order.formats)
        names = [".csv", ".frames.jsonl"] if "jsonl" in order.formats else [".csv"]
        written = [*map(record.places.file, names), *written]
        for warning in (warnings := tally.warnings(job, frames)):
            order.say(f"warning: {warning}")
        path = record.places.file(".json")
        files = {"files": [path.name for path in written]}
        write_summary(path, job, frames, tally, warnings, {**order.summary(), **files})
        record.places.parts[2].unlink()
    except OSError as error:
        raise RunError(
            f"{error.filename or record.places.folder}: cannot be written ({error.strerror}); what "
            "is written stays, go on with --resume"
        ) from error
    return f"{job}: {tally.said()} -> {', '.join(map(str, written))}"
