"""SIGTERM, Ctrl-C, Ctrl-Break: a request to stop after the step; if repeated, the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Any

from hrpose.errors import RunStopped
from hrpose.processes import distributed

_SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name)
]
"""SIGBREAK is Ctrl-Break, which Windows has."""
_SAME = 2.0
"""Seconds within which torchrun passes on a signal that went to it and to its processes alike, as
Slurm sends it."""


class Interrupts:
    """Within `with`, the first of `_SIGNALS` is kept in `number`; a second ends the process.

    Exit statuses are the shell's: 143 for SIGTERM, 130 for SIGINT. Under torchrun one signal may
    come twice, so there a second one counts from two seconds after the first on; and behind an
    error it stays so to the end of the process.

    Args:
        agree_steps: several processes ask one another after every so many steps.
    """

    def __init__(self, agree_steps: int = 1) -> None:
        self.number = 0
        self._agree_steps = agree_steps
        self._before: dict[int, Any] = {}
        self._first = 0.0
        self._under_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
        self._same = _SAME if self._under_torchrun else 0.0

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind and self._under_torchrun:
            return  # it ends what is left of a run with SIGTERM: this process says its error first
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.number:
            self.number, self._first = number, now
        elif now - self._first >= self._same:
            os._exit(128 + number)

    def asked(self) -> int:
        """The signal that came, to whichever process, or 0; all must call it together."""
        return distributed.largest(self.number)

    def asked_after(self, step: int, last: bool) -> int:
        """The same between two steps, 0 where it is not yet time to ask the other processes.

        Args:
            step: of the epoch, the same on every process; `last`: after it the epoch ends.
        """
        alone = distributed.world_size() == 1
        return self.asked() if alone or last or step % self._agree_steps == 0 else 0

    def check(self) -> None:
        """RunStopped if a signal came, to whichever process; all must call it together."""
        if number := self.asked():
            raise stopped(number)


def stopped(number: int) -> RunStopped:
    """The exception that ends a run because of signal `number`."""
    name = signal.Signals(number).name
    return RunStopped(f"stopped by {name}; go on with --resume", status=128 + number)
