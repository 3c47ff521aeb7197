"""The collector rests while something is read, and is then as it was."""

import gc

import pytest

from hrpose.processes.collector import collector_still


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_afterwards_as_it_was(on):
    within = []

    @collector_still()
    def read():
        within.append(gc.isenabled())
        raise ValueError

    was = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        for _ in range(2):
            with pytest.raises(ValueError):
                read()
        assert within == [False, False]
        assert gc.isenabled() is on
    finally:
        (gc.enable if was else gc.disable)()
