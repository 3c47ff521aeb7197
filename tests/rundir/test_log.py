import json
import resource
from pathlib import Path

import pytest

from hrpose.errors import RunError
from hrpose.rundir.log import RunLog


@pytest.fixture
def log(tmp_path):
    made = RunLog(tmp_path)
    yield made
    made.close()


def test_a_row_that_does_not_fit_on_the_disk_leaves_no_part_behind(tmp_path, log):
    log.row("train", 0, 1, loss=0.5)
    path = tmp_path / "metrics.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
    try:
        log.row("train", 0, 2, loss=0.25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(path.read_text().splitlines()) == 1
    log.row("train", 0, 3, loss=0.125)
    assert [json.loads(line)["iteration"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_rows_that_wait_are_written_at_the_end(tmp_path, log):
    (tmp_path / "metrics.jsonl").mkdir()  # cannot be opened
    log.row("train", 0, 1, loss=0.5)
    (tmp_path / "metrics.jsonl").rmdir()
    log.close()
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["iteration"] == 1


def test_rows_that_cannot_be_rewritten_stay(tmp_path, log, monkeypatch):
    log.row("train", 0, 1, loss=0.5)
    before = (tmp_path / "metrics.jsonl").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hrpose.rundir.log.write_whole", full)
    with pytest.raises(RunError, match=r"metrics.jsonl: cannot be written anew \(No space left"):
        log.rewind(0, 0, 0)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_at_the_end_does_not_fail_the_run(tmp_path, capfd):
    (tmp_path / "train.log").symlink_to("/dev/full")
    log = RunLog(tmp_path)
    log.info("a line")
    log.close()
    assert capfd.readouterr().err.count("cannot write train.log") == 1
