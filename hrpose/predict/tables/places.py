"""What can be said of jobs and of the places of their tables before a network is loaded."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from hrpose.errors import HrposeError, RunError
from hrpose.predict.inputs import Job
from hrpose.predict.record import JobFiles
from hrpose.predict.sources import frames_of
from hrpose.storage.locks import ProcessLock


def check_places(jobs: list[Job], out: Path, resume: bool, overwrite: bool) -> None:
    """RunError, before any work, where a table would replace something that is there."""
    there, begun = [], []
    for places in (JobFiles.of(job, out) for job in jobs):
        summary = places.file(".json")
        if summary.exists() and not places.finished():
            raise RunError(
                f"{summary}: is no summary of an earlier run, and would be replaced by one; choose "
                "another --out"
            )
        if overwrite:
            continue
        if places.begun():
            begun.append(places.parts[0])
        elif places.file(".csv").exists() and not (resume and places.finished()):
            there.append(places.file(".csv"))
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        ways = "--overwrite" if resume else "--overwrite, or --resume to do what is missing"
        raise RunError(f"{there[0]}{more} exists; choose another --out, or set {ways}")
    if begun and not resume:
        more = f" and {len(begun) - 1} more" if len(begun) > 1 else ""
        raise RunError(
            f"{begun[0]}{more}: left by a run that was cut off; go on with --resume, or begin "
            "again with --overwrite"
        )


def check_jobs(jobs: Sequence[Job], out: Path, asked: Mapping[str, Any], resume: bool) -> None:
    """See, before any work, whether one of `jobs` can be begun; each is told again at its turn.

    Args:
        asked: start, stop and stride, and what else a run that goes on must have been asked for.

    Raises:
        HrposeError: none can, for the first with the reasons of all: it is no video, another
            process is at it, nothing can be written there, or it was begun with other options.
    """
    part = [asked[name] for name in ("start", "stop", "stride")]
    problems: list[HrposeError] = []
    for job in jobs:
        places = JobFiles.of(job, out)
        try:
            _require_room(places.folder)
            with alone(places) if places.folder.is_dir() else nullcontext():
                if resume and places.finished():
                    return
                if resume and places.begun():
                    places.require_same(asked)
                frames_of(job, *part).close()
            return
        except HrposeError as error:
            problems.append(error)
    if problems:
        raise type(problems[0])("\n".join(map(str, problems)))


def _require_room(folder: Path) -> None:
    """RunError where `folder` cannot be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise RunError(f"{folder}: cannot write there ({there} is a file)")
    if not os.access(there, os.W_OK):
        raise RunError(f"{folder}: cannot write there (no permission in {there})")


@contextmanager
def alone(places: JobFiles) -> Iterator[None]:
    """Keep other processes from this job's files.

    Raises:
        RunError: one of them is at it.
    """
    path = places.folder / f".{places.stem}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path.parent}: cannot write there ({error.strerror})") from error
    lock = ProcessLock(file)
    try:
        lock.take()
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
    except BlockingIOError:
        holder = path.read_text(encoding="utf-8").strip() or "another process"
        lock.close()
        raise RunError(f"{places.file('.csv')}: {holder} is at it; leave it to that one") from None
    except OSError:
        pass  # full disk: what is written next says so
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        lock.close()
