"""The look before a run, by the first process of each machine."""

import pytest

from hrpose.engine.guards import start
from hrpose.engine.guards.start import look_at_images
from hrpose.errors import DataError
from hrpose.processes.distributed import Launched
from hrpose.rundir.log import RunLog


@pytest.fixture
def machines(monkeypatch, tiny):
    """What process `rank` looks at, with what the others have found."""
    from hrpose.datasets.preflight import look
    from hrpose.engine.experiment import prepare

    experiment = prepare(tiny())
    looked = []

    def require(dataset, split, full, folder, bar):
        looked.append((split, folder))
        raise DataError("dao-3.png: is empty")

    monkeypatch.setattr(look, "require_good_images", require)

    def run(rank, local_rank, others, folder="run"):
        looked.clear()
        monkeypatch.setattr(start.distributed, "launched", lambda: Launched(rank, 4, local_rank, 2))
        monkeypatch.setattr(start.distributed, "rank", lambda: rank)
        monkeypatch.setattr(start.distributed, "gather", lambda mine: others(mine))
        with pytest.raises(DataError) as caught:
            look_at_images(experiment, {"train": object()}, RunLog(None), folder)
        return list(looked), str(caught.value)

    return run


def test_each_machine_looks_at_its_own_files(machines):
    """Process 2 is the first of the second machine; 1 and 3 are nobody's first."""
    looked, _ = machines(2, 0, lambda mine: [[], [], mine, []])
    assert looked == [("train", None)], "the run directory is the first machine's to write"
    looked, said = machines(1, 1, lambda mine: [["a.png: is empty"], mine, [], []])
    assert looked == [] and said == "a.png: is empty"


def test_what_another_machine_finds_is_said_everywhere_and_once(machines):
    looked, said = machines(0, 0, lambda mine: [mine, [], ["b.png: is not there", *mine], []])
    assert looked == [("train", "run")]
    assert said.splitlines() == [
        "dao-3.png: is empty",
        "on the machine of process 2: b.png: is not there",
    ]
