"""Python's garbage collector, while much is made and nothing is thrown away."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_still(stays: bool = False) -> Iterator[None]:
    """No search for unreachable objects within; also a decorator.

    The search goes through all objects again each time their number has grown by a quarter: a third
    of the time in which a large annotation file is read, a sixth of that in which torch is
    imported.

    Args:
        stays: what there is at the end is left out of every later search, as modules may be.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if stays:
            gc.freeze()
        if was_on:
            gc.enable()
