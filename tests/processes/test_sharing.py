"""How OpenMP's threads wait, and what is said of a machine with more work than cores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hrpose.processes import sharing

ROOT = Path(__file__).parents[2]
VERB = """
import os, sys
from hrpose.cli import main
sys.argv[1:] = ["flops", "--help"]
try:
    main()
finally:
    print(os.environ.get("GOMP_SPINCOUNT"), os.environ.get("OMP_WAIT_POLICY"), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, "1000 None"),
        ({"GOMP_SPINCOUNT": "7"}, "7 None"),
        ({"OMP_WAIT_POLICY": "active"}, "None active"),
    ],
)
def test_a_verb_lets_threads_sleep_unless_told_otherwise(chosen, expected):
    clean = {name: value for name, value in os.environ.items() if name not in sharing.WAITING}
    done = subprocess.run(
        [sys.executable, "-c", VERB], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**clean, "PYTHONPATH": str(ROOT), **chosen},
    )  # fmt: skip
    assert done.stderr.split("\n")[-2] == expected


@pytest.mark.parametrize(("load", "said"), [(2.0, ""), (5.34, "a load of 5.3 on 2 cores")])
def test_a_shared_machine_is_named(monkeypatch, load, said):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    assert (said in sharing.crowded()) and bool(sharing.crowded()) is bool(said)
