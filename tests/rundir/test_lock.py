"""The lock of a run directory; two processes on one are in tests/faults/test_changed_runs.py."""

import os
import shutil

import pytest

from hrpose.errors import RunError
from hrpose.rundir.lock import LOCK, Lock
from hrpose.rundir.log import RunLog


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def lock(folder):
    made = Lock(folder)
    yield made
    made.close()


def test_a_directory_that_stays_is_left_alone(folder, lock):
    before = (folder / LOCK).stat()
    assert not lock.renewed()
    assert os.path.samestat((folder / LOCK).stat(), before)
    assert f"process {os.getpid()} on" in (folder / LOCK).read_text()


def test_one_that_vanished_is_made_anew(folder, lock):
    shutil.rmtree(folder)
    assert lock.renewed()
    assert f"process {os.getpid()} on" in (folder / LOCK).read_text()
    assert not lock.renewed()


def test_where_it_cannot_be_made_the_writers_say_so(folder, lock):
    shutil.rmtree(folder)
    folder.write_text("a file in its place")
    assert not lock.renewed()
    folder.unlink()
    assert lock.renewed(), "tried again"


def test_one_that_another_run_took(folder, lock):
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / LOCK).write_text("process 12 on elsewhere since today\n")
    with pytest.raises(RunError, match="process 12 on elsewhere since today has begun another"):
        lock.renewed()
    log = RunLog(folder, lock=lock)
    with pytest.raises(RunError, match="has begun another run"):
        log.row("train", 0, 1, loss=0.5)
    log.close()
    assert not (folder / "metrics.jsonl").exists()


def test_a_lock_file_copied_by_a_backup_is_still_ours(folder, lock):
    text = (folder / LOCK).read_text()
    (folder / LOCK).unlink()
    (folder / LOCK).write_text(text)
    assert not lock.renewed()


def test_only_the_lock_file_vanished(folder, lock, capsys):
    log = RunLog(folder, lock=lock)
    log.info("a line")
    (folder / LOCK).unlink()
    log.keep_folder()
    log.info("another")
    log.close()
    assert "the lock file of" in capsys.readouterr().out
    assert len((folder / "train.log").read_text().splitlines()) == 3
