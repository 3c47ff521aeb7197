"""A command that ends in time, with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE = 60.0
"""Seconds in which a command that was asked to stop must have saved what it has."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Args:
        status: its exit status; minus the number of the signal that ended it.
        asked: it was asked to stop (SIGTERM), as it was meant to.
        cut_off: its time was over, and it was ended.
    """

    status: int
    seconds: float
    asked: bool = False
    cut_off: bool = False


def run_bounded(
    command: Sequence[str],
    output: Path,
    seconds: float,
    folder: Path,
    ask_after: float | None = None,
) -> Ended:
    """Run `command` in `folder` for `seconds` at most; what it says goes to `output`.

    It is the head of a process group of its own, no process of which is left behind.

    Args:
        ask_after: SIGTERM after so many seconds, upon which it is to end by itself.
    """
    start = time.monotonic()
    asked = False
    with output.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            if ask_after is not None and ask_after < seconds:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(ask_after)
                if process.poll() is None:
                    asked = True
                    process.terminate()
                    seconds = min(seconds, ask_after + _GRACE)
            process.wait(max(0.0, seconds - (time.monotonic() - start)))
            cut_off = False
        except subprocess.TimeoutExpired:
            cut_off = True
        finally:
            _end_group(process)
    return Ended(process.returncode, time.monotonic() - start, asked and not cut_off, cut_off)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End all processes of the group: those that `process` has left too."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
