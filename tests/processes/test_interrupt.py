import os
import signal

import pytest

from hrpose.processes import interrupt
from hrpose.processes.interrupt import Interrupts


@pytest.fixture
def left(monkeypatch):
    """Statuses with which the process would have left at once."""
    statuses = []
    monkeypatch.setattr(interrupt.os, "_exit", statuses.append)
    return statuses


def test_a_second_signal_leaves_at_once(left, monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (interrupts.number, left) == (signal.SIGTERM, [])
        os.kill(os.getpid(), signal.SIGINT)
    assert left == [130]


def test_torchrun_may_pass_the_first_one_on(left, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    now = [100.0]
    monkeypatch.setattr(interrupt.time, "monotonic", lambda: now[0])
    with Interrupts():
        for moment in (100.0, 100.1, 101.9):
            now[0] = moment
            os.kill(os.getpid(), signal.SIGINT)
        assert left == []
        now[0] = 102.5
        os.kill(os.getpid(), signal.SIGINT)
    assert left == [130]
