"""Labels are read by the first process of a machine; the others map them, and see no difference."""

import errno
import multiprocessing
import os
import pickle
import sys
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest

from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.cache import mapped
from hrpose.datasets.coco import labels
from hrpose.errors import DataError

pytestmark = pytest.mark.usefixtures("no_other_runs")


@pytest.fixture
def several(monkeypatch):
    """This process and its children are all of one run."""
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("MASTER_PORT", "29500")
    monkeypatch.setattr(os, "getppid", lambda: 1234)


@pytest.fixture
def readings(tmp_path, monkeypatch) -> Path:
    """A file with a letter for each time that any process read the labels."""
    path, read = tmp_path / "readings", labels.read_labels
    path.touch()

    def noted(choice):
        with path.open("a") as file:
            file.write("x")
        return read(choice)

    monkeypatch.setattr(labels, "read_labels", noted)
    return path


@pytest.fixture
def opened(toy, meta, test_steps):
    """Opens the file as it stands."""
    toy.annotations[2]["iscrowd"] = 1
    toy.annotations[4]["id"] = "four"
    toy.write()
    return lambda **options: CocoPoseDataset(
        "ann.json", "images", meta, test_steps, root=str(toy.root), **options
    )


def said(data) -> str:
    records = [(data.describe(i), data.place(i), data.record(i, 0)) for i in range(len(data))]
    return repr([records, data.coco(), data.truth(), data.summary(), data.faults, data.digest()])


def left_over(tmp_path) -> list[Path]:
    return list((tmp_path / "temporary").rglob("*"))


def test_one_reads_and_all_have_the_same(opened, readings, several, tmp_path, monkeypatch):
    first, second = opened(), opened()
    assert readings.read_text() == "x"
    opened(area="box")  # other labels, of the same file
    assert readings.read_text() == "xx"
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert said(opened()) == said(first) == said(second)
    assert len(list((tmp_path / "temporary").glob("*/*"))) == 2
    del first, second
    assert left_over(tmp_path) == []


def test_processes_that_come_at_once(opened, readings, several):
    alone, fork = said(opened()), multiprocessing.get_context("fork")
    done = fork.Barrier(3)

    def work() -> None:
        data = opened()
        done.wait(60)  # the file is kept as long as one of them lives
        sys.exit(said(data) != alone)

    workers = [fork.Process(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert readings.read_text() == "xx"


def test_a_file_that_changes_is_read_anew(toy, opened, readings, several):
    first = opened()
    toy.annotations[0]["bbox"][0] += 1
    toy.write()
    second = opened()
    assert readings.read_text() == "xx"
    assert second.record(0, 0)["box"][0] == first.record(0, 0)["box"][0] + 1
    assert first.digest() != second.digest()


def test_an_error_is_each_ones_own(toy, opened, readings, several):
    toy.annotations[3]["bbox"] = [1, 2, 3]
    toy.write()
    for _ in range(2):
        with pytest.raises(DataError, match="annotation 53: bbox has 3 numbers"):
            opened()
    assert readings.read_text() == "xx"


def test_what_one_writes_the_other_does_not_see(opened, several):
    first, second = opened(), opened()
    first.truth().keypoints[:] = -1
    assert (second.truth().keypoints >= 0).all()


@pytest.mark.parametrize("place", ["temporary_folder", "write"])
def test_without_room_each_reads(opened, readings, several, monkeypatch, place, tmp_path):
    def full(*args):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(mapped, place, full)
    first, second = opened(), opened()
    assert readings.read_text() == "xx" and said(first) == said(second)
    assert ForkingPickler.loads(ForkingPickler.dumps(first)).digest() == first.digest()


def test_one_that_is_alone_leaves_no_file(opened, tmp_path):
    data = opened()
    assert left_over(tmp_path) == []
    assert said(pickle.loads(pickle.dumps(data))) == said(data)
    assert left_over(tmp_path) == []


def test_spawned_workers_map_one_file(opened, tmp_path):
    data = opened()
    workers = [ForkingPickler.loads(ForkingPickler.dumps(data)) for _ in range(2)]
    assert [said(worker) for worker in workers] == [said(data)] * 2
    assert len(list((tmp_path / "temporary").glob("*/*"))) == 1
    assert np.array_equal(workers[0][0]["image"], data[0]["image"])
    del data
    assert left_over(tmp_path) == []
