"""A machine whose cores other programs use too."""

from __future__ import annotations

import os

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""Variables that say how OpenMP's threads wait for work."""
SPINS = "1000"
"""How often a thread looks for work before it sleeps. libgomp's own 300,000 and more keep the core
from a program that has work; with 1000 a training that is alone loses nothing.
"""


def spin_briefly() -> None:
    """Let OpenMP's threads sleep soon when they wait, unless the user has said how they wait.

    libgomp reads this as it is loaded: it must be called before torch is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def crowded() -> str:
    """How many programs want the cores of this machine, in words; '' where there are enough."""
    cores = os.cpu_count() or 1
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows does not count them
        return ""
    if load <= cores:
        return ""
    return f"the machine is shared: a load of {load:.1f} on {cores} cores"
