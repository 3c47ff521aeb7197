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


def test_several_processes_ask_every_so_many_steps(monkeypatch):
    """Each asks after the same steps, whether a signal came to it or not; alone one asks always."""
    asked = []
    monkeypatch.setattr(interrupt.distributed, "largest", lambda value: asked.append(value) or 15)
    several = Interrupts(agree_steps=4)
    several.number = 15
    assert several.asked_after(3, last=False) == 15, "one process waits for no other"
    monkeypatch.setattr(interrupt.distributed, "world_size", lambda: 2)
    found = [several.asked_after(step, last=step == 10) for step in range(1, 11)]
    assert found == [0, 0, 0, 15, 0, 0, 0, 15, 0, 15] and len(asked) == 4
