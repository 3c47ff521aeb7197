"""Videos: a row a frame in order, damaged frames, part of a video, pictures drawn on it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import write_picture, write_video
from toy import Network, order

import hrpose
from hrpose.predict import run, sources
from hrpose.predict.frames import Frame
from hrpose.predict.inputs import Job
from hrpose.predict.look.search import unfamiliar
from hrpose.predict.tables import csv_table

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"


def test_a_row_a_frame(predict, tmp_path):
    video = write_video(tmp_path / "run.avi")
    assert predict(video, "--formats", "jsonl", "csv", "--batch-size", 5) == 0
    table = csv_table.read(tmp_path / "out" / "run.csv")
    assert table.labels == [str(number) for number in range(12)]
    assert len(np.unique(table.scores.round(4), axis=0)) == 12
    lines = (tmp_path / "out" / "run.frames.jsonl").read_text().splitlines()
    times = [json.loads(line)["time_s"] for line in lines]
    np.testing.assert_allclose(times, np.arange(12) / 25, atol=1e-3)
    summary = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (summary["frames"], summary["frames_by_header"], summary["size"]) == (12, 12, [64, 48])
    assert summary["options"]["bbox"] == "full"
    assert len(summary["checkpoint_sha256"]) == 64


def test_part_of_a_video_keeps_the_numbers_of_its_frames(predict, tmp_path):
    video = write_video(tmp_path / "run.avi")
    assert predict(video, "--out", tmp_path / "whole") == 0
    assert predict(video, "--start", 2, "--stop", 11, "--stride", 4) == 0
    part = csv_table.read(tmp_path / "out" / "run.csv")
    whole = csv_table.read(tmp_path / "whole" / "run.csv")
    assert part.labels == ["2", "6", "10"]
    np.testing.assert_allclose(part.keypoints, whole.keypoints[[2, 6, 10]], atol=1e-4)
    assert predict(video, "--start", 5, "--stop", 5, "--overwrite") == 2
    assert predict(video, "--start", 50, "--overwrite") == 2


def test_what_the_training_never_showed_is_warned_of(predict, tmp_path, capsys):
    video = write_video(tmp_path / "run.avi", 2)
    said = []
    for bbox in ("full", "zoom", "0,0,64,48"):
        assert predict(video, "--overwrite", "--bbox", bbox) == 0
        said.append("warning: this page trains on boxes" in capsys.readouterr().err)
    assert said == [True, False, False]
    frames = {"data": {"train": {"crop": "frame"}}}
    assert not unfamiliar(frames, "full") and "it knows --bbox full" in unfamiliar(frames, "zoom")


def test_boxes_of_a_csv_follow_the_frames(predict, tmp_path):
    video = write_video(tmp_path / "run.avi", 4)
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("frame,x,y,w,h\n0,0,0,64,48\n1,8,8,20,20\n3,0,0,64,48\n")
    assert predict(video, "--out", tmp_path / "full") == 0
    assert predict(video, "--bbox", boxes) == 0
    full = csv_table.read(tmp_path / "full" / "run.csv")
    table = csv_table.read(tmp_path / "out" / "run.csv")
    np.testing.assert_allclose(table.keypoints[[0, 3]], full.keypoints[[0, 3]], atol=1e-4)
    assert np.isnan(table.keypoints[2]).all()
    assert (table.keypoints[1, 0] >= 18 - 20).all() and (table.keypoints[1, 0] <= 18 + 20).all()


def test_what_is_no_video_does_not_stop_the_others(predict, tmp_path, capsys):
    good, bad = write_video(tmp_path / "good.avi", 3), tmp_path / "bad.mp4"
    bad.write_text("dear diary")
    assert predict(bad, good) == 1
    errors = capsys.readouterr().err
    assert "bad.mp4: not a video" in errors
    assert "1 of 2 inputs failed" in errors
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.csv", "good.json"]


def test_a_damaged_frame_costs_its_row(predict, tmp_path, monkeypatch, capsys):
    video = write_video(tmp_path / "run.avi", 6)
    assert predict(video, "--out", tmp_path / "whole") == 0

    class Damaged(sources.VideoFrames):
        def __iter__(self):
            for frame in super().__iter__():
                lost = Frame(frame.label, frame.number, frame.time_s, None, "cannot be decoded")
                yield lost if frame.number == 3 else frame

    monkeypatch.setattr(sources, "VideoFrames", Damaged)
    assert predict(video) == 0
    whole = (tmp_path / "whole" / "run.csv").read_text().splitlines()
    table = (tmp_path / "out" / "run.csv").read_text().splitlines()
    assert set(table[3 + 3].split(",")[1:]) == {"", "0"}
    assert len(table) == len(whole) == 3 + 6
    points, others = (
        csv_table.read(tmp_path / out / "run.csv").keypoints[[0, 1, 2, 4, 5]]
        for out in ("out", "whole")
    )
    np.testing.assert_allclose(points, others, atol=1e-4)
    assert "1 of 6 could not be read and have empty rows (3: cannot" in capsys.readouterr().out
    bad = json.loads((tmp_path / "out" / "run.json").read_text())["bad_frames"]
    assert bad == [{"frame": "3", "note": "cannot be decoded"}]


def test_shards_share_a_folder(predict, tmp_path):
    for name in ("a", "b", "c"):
        write_video(tmp_path / f"{name}.avi", 3)
    for part in (1, 2):
        assert predict(tmp_path, "--shard", f"{part}/2") == 0
    assert {path.stem for path in (tmp_path / "out").glob("*.csv")} == {"a", "b", "c"}
    before = (tmp_path / "out" / "a.json").read_bytes()
    assert predict(tmp_path, "--shard", "1/2") == 0  # finished: left as it is
    assert (tmp_path / "out" / "a.json").read_bytes() == before
    assert predict(tmp_path) == 2


def test_a_slurm_array_takes_its_own_part(predict, tmp_path, monkeypatch):
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.avi", 3)
    for name, value in (("ID", "8"), ("MIN", "7"), ("COUNT", "2")):
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", value)
    assert predict(tmp_path) == 0
    assert [path.name for path in (tmp_path / "out").glob("*.csv")] == ["b.csv"]


def test_keep_tree_mirrors_the_folders(predict, tmp_path):
    for name in ("monday", "tuesday"):
        (tmp_path / "in" / name).mkdir(parents=True)
        write_video(tmp_path / "in" / name / "run.avi", 3)
    assert predict(tmp_path / "in", "--keep-tree") == 0
    assert (tmp_path / "out" / "monday" / "run.csv").exists()
    assert (tmp_path / "out" / "tuesday" / "run.json").exists()


def test_pictures_are_drawn_from_the_table(predict, tmp_path):
    video = write_video(tmp_path / "run.avi", 6)
    write_picture(tmp_path / "cage" / "a.png")
    words = ("--draw", "--draw-min-score", -100, "--stride", 2)
    assert predict(video, tmp_path / "cage", *words) == 0
    drawn = cv2.VideoCapture(str(tmp_path / "out" / "run.drawn.mp4"))
    read = [drawn.read() for _ in range(4)]
    assert [ok for ok, _ in read] == [True, True, True, False]
    assert read[0][1].shape == (48, 64, 3)
    plain = cv2.imread(str(tmp_path / "cage" / "a.png"))
    painted = cv2.imread(str(tmp_path / "out" / "cage.drawn" / "a.png.jpg"))
    assert (np.abs(painted.astype(int) - plain).max(axis=2) > 60).mean() > 0.01


def test_frames_in_python(predict, checkpoint, tmp_path):
    video = write_video(tmp_path / "run.avi", 5)
    assert predict(video) == 0
    table = csv_table.read(tmp_path / "out" / "run.csv")
    pose = hrpose.load_model(TINY, checkpoint, device="cpu")
    frames = list(pose.video(video, stride=2))
    assert [frame.frame for frame in frames] == [0, 2, 4]
    assert frames[1].time_s == pytest.approx(0.08)
    for frame in frames:
        np.testing.assert_allclose(frame.keypoints, table.keypoints[frame.frame], atol=1e-4)
        assert frame.boxes.tolist() == [[0, 0, 64, 48]]
    few = pose.video(video, boxes=[8, 8, 20, 20])
    assert next(few).boxes.tolist() == [[8, 8, 20, 20]]
    few.close()  # and the reader's thread ends


def test_memory_does_not_hold_frames(monkeypatch, tmp_path):
    """However long the input, few pictures are alive at a time."""
    alive, most = 0, 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def frames():
        nonlocal alive, most
        for number in range(400):
            image = np.zeros((8, 8, 3), np.uint8).view(Counted)
            alive += 1
            most = max(most, alive)
            yield Frame(str(number), number, None, image)

    monkeypatch.setattr(run, "frames_of", lambda *_: sources.Frames(frames(), None))
    run.do_job(order(tmp_path / "out", Network()), Job("v", "video", [tmp_path / "v"]))
    assert (tmp_path / "out" / "v.csv").read_text().count("\n") == 3 + 400
    assert most < 40


def resident() -> float:
    """MB of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_after_50000_frames(tmp_path):
    video = write_video(tmp_path / "long.avi", 50_000)
    memory = {}

    class Watched(Network):
        def __call__(self, images: np.ndarray):
            if self.batches in (500, 12_499):  # of four frames
                memory[self.batches] = resident()
            return super().__call__(images)

    run.do_job(order(tmp_path / "out", Watched()), Job("long", "video", [video]))
    with (tmp_path / "out" / "long.csv").open() as file:
        assert sum(1 for _ in file) == 3 + 50_000
    print(f"MB at frame 2,000 and 50,000: {memory}")
    assert memory[12_499] <= memory[500] + 50
