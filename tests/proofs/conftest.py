from pathlib import Path

import pytest
import torch
from proofs.benchmark import machine, profiling
from proofs.benchmark.timing import Plan

from hrpose import config
from hrpose.engine.experiment import prepare

TINY = Path(__file__).resolve().parent.parent / "pages" / "tiny.py"


@pytest.fixture(scope="session")
def tiny() -> str:
    return str(TINY)


@pytest.fixture(scope="session")
def animals():
    """Six drawn animals with the test pipeline."""
    return prepare(config.load(TINY)).dataset("test")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Peaks and profiles of no use, but quick."""
    monkeypatch.setattr(machine, "_MATRIX", {"cpu": 256})
    monkeypatch.setattr(machine, "_COPY_MIB", {"cpu": 4})
    monkeypatch.setattr(profiling, "_CALLS", 1)


@pytest.fixture
def plan() -> Plan:
    return Plan(torch.device("cpu"), repeats=2, seconds=0.001)
