"""Speed and memory between two log lines."""

import math
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

Item = TypeVar("Item")


_LONG_WAIT = 0.2
"""Share of the time from which on waiting for data is worth a warning."""
_ENOUGH = 5.0
"""Seconds between two log lines that are enough to judge by."""


class Meter:
    """Images and seconds between two log lines, and what share of them waited for data.

    Args:
        workers: loader processes; `cores`: processors that this process may use.
    """

    def __init__(self, workers: int = 0, cores: int = 1) -> None:
        self.workers, self.cores = workers, cores
        self._reports = 0
        self._advised = False
        self.restart()

    def restart(self) -> None:
        """Start the clock anew."""
        self._steps = self._images = 0
        self._waited, self._start = 0.0, time.perf_counter()

    def waiting(self, items: Iterable[Item]) -> Iterator[Item]:
        """`items`, with the time that they keep us waiting counted."""
        iterator = iter(items)
        while True:
            asked = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._waited += time.perf_counter() - asked
            yield item

    def add(self, images: int) -> None:
        """One step with so many images."""
        self._images += images
        self._steps += 1

    def speed(self) -> tuple[float, float, float]:
        """Images per second (of this process), seconds per step, share of time waiting for data."""
        elapsed = max(time.perf_counter() - self._start, 1e-9)
        return self._images / elapsed, elapsed / max(1, self._steps), self._waited / elapsed

    def advice(self, waited: float, on_cpu: bool) -> str:
        """What helps where the loop waited for such a share of the time; once, and else ''.

        The first line is passed over, as workers start, and so is one that came soon. With w
        workers and a share s, w / (1 - s) make batches as fast as steps take them; without any,
        s / (1 - s) do.
        """
        self._reports += 1
        short = time.perf_counter() - self._start < _ENOUGH
        if self._advised or self._reports < 2 or short or waited < _LONG_WAIT:
            return ""
        self._advised = True
        wanted = math.ceil(max(self.workers, waited) / max(1e-3, 1 - waited) - 1e-6)
        most = max(1, self.cores - 1)
        said = f"{waited:.0%} of the time went in waiting for data: data.workers is {self.workers}"
        cores = f"{self.cores} core{'s' * (self.cores > 1)} for each process"
        if on_cpu:
            return (
                f"{said}, and {cores} load as well as train; keep photographs decoded "
                "(data.train.cache.type=ImageCache)"
            )
        if wanted <= most:
            return f"{said}, about {wanted} would keep up, and there are {cores}"
        return (
            f"{said}, about {wanted} would keep up, but there are {cores}: take {most}, and keep "
            "decoded images (data.train.cache.type=ImageCache)"
        )


def memory(device: torch.device) -> str:
    """Most memory used so far: of the GPU, or else of this process, where the system tells it."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB GPU"
    if resource is None:
        return "memory not known"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak * (1 if sys.platform == 'darwin' else 1024) / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """`1:02:03` for 3,723 seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
