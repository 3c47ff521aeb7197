"""The environment that starts several processes."""

import os
import subprocess
import sys

import pytest
from runs import ROOT, TINY

LAUNCHED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
IMPOSSIBLE = {
    "RANK alone": {"RANK": "0"},
    "RANK 1 alone": {"RANK": "1"},
    "WORLD_SIZE alone": {"WORLD_SIZE": "2"},
    "WORLD_SIZE=1 alone": {"WORLD_SIZE": "1"},
    "LOCAL_RANK alone": {"LOCAL_RANK": "1"},
    "RANK as large as WORLD_SIZE": {"RANK": "2", "WORLD_SIZE": "2"},
    "RANK below 0": {"RANK": "-1", "WORLD_SIZE": "2"},
    "WORLD_SIZE=0": {"RANK": "0", "WORLD_SIZE": "0"},
    "more digits than int() reads": {"RANK": "9" * 5000, "WORLD_SIZE": "1"},
    "more processes than there can be": {
        "RANK": "0", "WORLD_SIZE": "9" * 12, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500",
    },
    "words": {"RANK": "first", "WORLD_SIZE": "two"},
    "a digit that int() reads": {"RANK": "1_0", "WORLD_SIZE": "1_1"},
    "LOCAL_RANK beyond WORLD_SIZE": {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "2"},
    "LOCAL_RANK beyond LOCAL_WORLD_SIZE": {
        "RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "1",
    },
    "no MASTER_ADDR": {"RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "29500"},
    "no MASTER_PORT": {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"},
    "MASTER_PORT is no port": {
        "RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "70000",
    },
}  # fmt: skip
COMMANDS = {
    "train": [str(TINY), "--work-dir", "run"],
    "test": [str(TINY), "none.pth", "--work-dir", "run"],
    "reproduce": ["--work-dir", "run"],
}


def hrpose(verb, folder, variables):
    """`hrpose VERB` in `folder`; what it returned, and its lines on stderr."""
    clean = {key: value for key, value in os.environ.items() if key not in LAUNCHED}
    done = subprocess.run(
        [sys.executable, "-m", "hrpose", verb, *COMMANDS[verb]], cwd=folder, check=False,
        env={**clean, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


@pytest.mark.fault(
    name="an environment that describes no process",
    does="RANK without WORLD_SIZE and the other way round, numbers out of range, words, no "
    "MASTER_ADDR or no port, for the verbs train, test and reproduce",
    expects="refused at the start with one line that shows the variables; no folder is left",
)
@pytest.mark.parametrize(
    ("verb", "case"),
    [("train", "RANK alone"), ("test", "LOCAL_RANK alone"), ("reproduce", "WORLD_SIZE alone")],
)
def test_refused_at_the_start(tmp_path, happened, verb, case):
    status, lines = hrpose(verb, tmp_path, IMPOSSIBLE[case])
    assert status == 2 and len(lines) == 1, lines
    assert lines[0].startswith("RunError: the environment describes no process of a run: ")
    for name, value in IMPOSSIBLE[case].items():
        assert f"{name}={value}" in lines[0]
    assert not list(tmp_path.iterdir())
    happened("RunError: the environment describes no process of a run: ...")


@pytest.mark.fault(
    name="every impossible environment",
    does="each of seventeen contradictions in the variables that torchrun sets",
    expects="an error",
)
@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_each_is_refused(monkeypatch, happened, case):
    from hrpose.errors import RunError
    from hrpose.processes.distributed import launched

    for name in LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    for name, value in IMPOSSIBLE[case].items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match="the environment describes no process of a run"):
        launched()
    happened("RunError: the environment describes no process of a run: ...")


@pytest.mark.fault(
    name="environments of a single process",
    does="no variable; Slurm's alone; empty ones; WORLD_SIZE=1 with RANK=0; an address alone",
    expects="a single process",
)
def test_a_single_process(monkeypatch, happened):
    from hrpose.processes.distributed import Launched, launched

    single = [
        {},
        {"SLURM_PROCID": "3", "SLURM_NTASKS": "8", "SLURM_LOCALID": "3"},
        {"RANK": "", "WORLD_SIZE": "", "LOCAL_RANK": ""},
        {"RANK": "0", "WORLD_SIZE": "1"},
        {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"},
    ]
    for variables in single:
        with monkeypatch.context() as patch:
            for name in LAUNCHED:
                patch.delenv(name, raising=False)
            for name, value in variables.items():
                patch.setenv(name, value)
            assert launched() == Launched(0, 1, 0)
    happened("a single process each time")
