"""A run that was cut off goes on to the same bytes, and never on with other numbers."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pictures import write_picture, write_video
from toy import CutOffError, Network, job, order

from hrpose.errors import DataError, RunError
from hrpose.predict import record, run, sources
from hrpose.predict.look.boxes import read_boxes
from hrpose.predict.record import JobFiles
from hrpose.predict.run import Order, do_job
from hrpose.predict.tables.places import check_jobs, check_places

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"
PART = {"start": 0, "stop": None, "stride": 1}


@pytest.fixture
def whole(tmp_path):
    """A job, and the table of an undisturbed run."""
    task = job(tmp_path / "cage")
    do_job(order(tmp_path / "whole", Network()), task)
    return task, (tmp_path / "whole" / "cage.csv").read_bytes()


@pytest.mark.parametrize("lives", range(6))
def test_cut_off_between_two_batches(whole, tmp_path, lives):
    task, want = whole
    out = tmp_path / "out"
    with pytest.raises(CutOffError):
        do_job(order(out, Network(lives)), task)
    assert not (out / "cage.csv").exists()
    network = Network()
    do_job(order(out, network, resume=True), task)
    assert (out / "cage.csv").read_bytes() == want
    # the batch that was in flight, and one of which not all rows were written, are done again
    assert 6 - lives <= network.batches <= 6 - lives + 2
    assert sorted(path.name for path in out.iterdir()) == ["cage.csv", "cage.json"]


@pytest.mark.parametrize("seed", range(8))
def test_cut_off_in_the_middle_of_a_line(whole, tmp_path, seed):
    task, want = whole
    out = tmp_path / "out"
    with pytest.raises(CutOffError):
        do_job(order(out, Network(4)), task)
    draw = random.Random(seed)
    for path in JobFiles(out, "cage").parts:  # the system may have kept any part of each
        os.truncate(path, draw.randint(0, path.stat().st_size))
    do_job(order(out, Network(), resume=True), task)
    assert (out / "cage.csv").read_bytes() == want


def test_twice_cut_off_with_frames_of_several_boxes(tmp_path):
    folder = tmp_path / "cage"
    task = job(folder, 11)
    lines = ["image,x,y,w,h"]
    for number in range(11):
        lines += [f"{number}.png,{x},4,20,30" for x in range(number % 4)]
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("\n".join(lines))

    def made(out: Path, network: Network, **changes) -> Order:
        first = order(out, network, look=read_boxes(boxes, 3), **changes)
        return replace(first, pipeline=replace(first.pipeline, animals=3))

    do_job(made(tmp_path / "whole", Network()), task)
    out = tmp_path / "out"
    for lives in (2, 1):
        with pytest.raises(CutOffError):
            do_job(made(out, Network(lives), resume=True), task)
    do_job(made(out, Network(), resume=True), task)
    want = (tmp_path / "whole" / "cage.csv").read_bytes()
    assert (out / "cage.csv").read_bytes() == want
    assert want.count(b"\n") == 4 + 11


def test_other_pictures_or_another_network_are_refused(whole, tmp_path):
    task, _ = whole
    out = tmp_path / "out"
    with pytest.raises(CutOffError):
        do_job(order(out, Network(3)), task)
    with pytest.raises(RunError, match="was begun with checkpoint_sha256 'abc', now it is 'xyz'"):
        other = {"checkpoint_sha256": "xyz", "bbox": "full"}
        do_job(order(out, Network(), resume=True, asked=other), task)
    write_picture(task.paths[2], 99)
    with pytest.raises(RunError, match=r"frame 2\.png is not the picture that its row"):
        do_job(order(out, Network(), resume=True), task)
    assert (out / "cage.part.csv").exists()


def test_what_was_begun_needs_a_word(whole, tmp_path):
    task, want = whole
    out = tmp_path / "out"
    with pytest.raises(CutOffError):
        do_job(order(out, Network(3)), task)
    with pytest.raises(RunError, match="left by a run that was cut off; go on with --resume"):
        check_places([task], out, resume=False, overwrite=False)
    check_places([task], out, resume=True, overwrite=False)
    check_places([task], out, resume=False, overwrite=True)
    do_job(order(out, Network()), task)
    assert (out / "cage.csv").read_bytes() == want


def test_a_full_disk_keeps_what_is_written(whole, tmp_path, monkeypatch):
    task, want = whole
    out = tmp_path / "out"
    row = record.csv_table.row

    def fails(label: str, *arrays: np.ndarray) -> str:
        if label == "14.png":
            raise OSError(errno.ENOSPC, "No space left on device")
        return row(label, *arrays)

    monkeypatch.setattr(record.csv_table, "row", fails)
    with pytest.raises(RunError, match=r"No space left on device.* go on with --resume"):
        do_job(order(out, Network()), task)
    monkeypatch.setattr(record.csv_table, "row", row)
    network = Network()
    do_job(order(out, network, resume=True), task)
    assert (out / "cage.csv").read_bytes() == want
    assert network.batches < 6


def test_two_processes_do_not_share_a_job(tmp_path):
    task = job(tmp_path / "cage", 8)
    code = (
        "import sys; from pathlib import Path; from hrpose.predict.tables.places import alone;"
        "from hrpose.predict.record import JobFiles\n"
        f"with alone(JobFiles(Path({str(tmp_path / 'out')!r}), 'cage')):\n"
        "    print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"in\n"
        with pytest.raises(RunError, match=rf"process {other.pid} on .* is at it"):
            do_job(order(tmp_path / "out", Network()), task)
        with pytest.raises(RunError, match="is at it"):  # before a network is loaded
            check_jobs([task], tmp_path / "out", PART, resume=False)
        other.stdin.close()
    check_jobs([task], tmp_path / "out", PART, resume=False)
    do_job(order(tmp_path / "out", Network()), task)


@pytest.mark.slow
def test_killed_at_ten_moments(checkpoint, tmp_path):
    video = write_video(tmp_path / "cage.avi", 400)
    words = [sys.executable, "-m", "hrpose", "predict", str(TINY), str(checkpoint), str(video)]
    words += ["--batch-size", "8", "--out"]
    subprocess.run([*words, str(tmp_path / "whole")], check=True)
    want = (tmp_path / "whole" / "cage.csv").read_bytes()
    part = tmp_path / "out" / "cage.part.csv"
    kills = 0
    for moment in range(10):
        if (tmp_path / "out" / "cage.csv").exists():
            break
        process = subprocess.Popen([*words, str(tmp_path / "out"), "--resume"])
        before = part.stat().st_size if part.exists() else 0
        while process.poll() is None:
            grown = part.stat().st_size - before if part.exists() else 0
            if grown > len(want) * 0.01 * moment:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        process.wait()
    subprocess.run([*words, str(tmp_path / "out"), "--resume"], check=True)
    assert (tmp_path / "out" / "cage.csv").read_bytes() == want
    assert kills == 10


def test_an_overwritten_run_leaves_no_old_results(predict, tmp_path):
    """Tables of other numbers beside a new one would mislead, also where it was cut off."""
    write_picture(tmp_path / "cage" / "a.png")
    words = (tmp_path / "cage", "--formats", "coco", "jsonl", "--draw")
    assert predict(*words) == 0
    out = tmp_path / "out"
    (out / "cage.notes.txt").write_text("mine")
    assert len(list(out.iterdir())) == 7
    assert predict(tmp_path / "cage", "--overwrite", "--bbox", "1,1,20,20") == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "cage.csv", "cage.json", "cage.notes.txt",
    ]  # fmt: skip


def test_an_overwriting_run_that_is_cut_off_is_not_finished(whole, tmp_path):
    task, want = whole
    out = tmp_path / "whole"
    with pytest.raises(CutOffError):
        do_job(order(out, Network(2)), task)
    check_places([task], out, resume=True, overwrite=False)
    network = Network()
    do_job(order(out, network, resume=True), task)
    assert network.batches > 0
    assert (out / "cage.csv").read_bytes() == want


@pytest.mark.parametrize("moment", ["write_summary", "write_formats"])
def test_cut_off_while_the_files_get_their_names(whole, tmp_path, monkeypatch, moment):
    task, want = whole
    out = tmp_path / "out"

    def dies(*_: object) -> None:
        raise CutOffError

    with monkeypatch.context() as patch:
        patch.setattr(run, moment, dies)
        with pytest.raises(CutOffError):
            do_job(order(out, Network()), task)
    check_places([task], out, resume=True, overwrite=False)
    do_job(order(out, Network(), resume=True), task)
    assert (out / "cage.csv").read_bytes() == want
    assert sorted(path.name for path in out.iterdir()) == ["cage.csv", "cage.json"]


def test_an_input_without_a_readable_frame_leaves_nothing(tmp_path):
    task = job(tmp_path / "cage", 8)
    for path in task.paths:
        path.write_bytes(b"")
    with pytest.raises(DataError, match="none of its 8 images can be read"):
        do_job(order(tmp_path / "out", Network()), task)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_overwriting_run_without_a_readable_frame_takes_nothing(predict, tmp_path):
    picture = write_picture(tmp_path / "cage" / "a.png")
    assert predict(tmp_path / "cage", "--formats", "coco", "jsonl", "--draw") == 0
    before = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"cage.json", "cage.drawn", "cage.predictions.json"} <= before
    picture.write_bytes(b"")
    assert predict(tmp_path / "cage", "--overwrite") == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == before


class Sure(Network):
    """Two points well inside the crop, with scores that zoom trusts."""

    def __call__(self, images: np.ndarray):
        super().__call__(images)
        shift = images.astype(np.float64).std() / 40
        points = np.array([[[11.0, 13], [19, 20]]]) + shift
        return lambda: (points, np.ones((1, 2), np.float32))


@pytest.mark.parametrize("lives", [1, 9, 20])
def test_zoom_goes_on_with_the_boxes_that_it_had(tmp_path, lives):
    # a video in all but its file: in a folder of images each would be looked at by itself
    task = job(tmp_path / "cage")
    frames = sources._images

    def as_video(job, *_):
        return sources.Frames(frames(job), len(job.paths))

    task = replace(task, kind="video")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "frames_of", as_video)
        do_job(order(tmp_path / "whole", Sure(), look=None, formats=("jsonl",)), task)
        out = tmp_path / "out"
        with pytest.raises(CutOffError):
            do_job(order(out, Sure(lives), look=None), task)
        again = order(out, Sure(), look=None, formats=("jsonl",), resume=True)
        do_job(again, task)
    for name in ("cage.csv", "cage.frames.jsonl"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert '"zoom"' in (out / "cage.frames.jsonl").read_text()
