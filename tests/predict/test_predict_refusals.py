"""What can be known before is said before a network is loaded, which takes seconds."""

import json
import sys
from pathlib import Path

import pytest
from pictures import write_picture, write_video

import hrpose.api.load
import hrpose.export.exported
from hrpose import cli
from hrpose.predict.inputs import Job
from hrpose.predict.tables.places import check_jobs

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """What is said of a command line; a network that is loaded after all fails the test."""

    def loaded(*_: object) -> None:
        raise AssertionError("the network was loaded")

    monkeypatch.setattr(hrpose.api.load, "load_trained", loaded)
    monkeypatch.setattr(hrpose.export.exported, "read_exported", loaded)
    (tmp_path / "tiny.pth").write_bytes(b"")

    def run(*words: object, model: tuple[object, ...] = (TINY, tmp_path / "tiny.pth")) -> str:
        line = ["hrpose", *model, *words]
        line += [] if "--out" in words else ["--out", tmp_path / "out"]
        monkeypatch.setattr(sys, "argv", [str(word) for word in line])
        with pytest.raises(SystemExit) as end:
            cli.main("predict")
        assert end.value.code == 2
        return capsys.readouterr().err

    return run


@pytest.fixture
def video(tmp_path) -> Path:
    return write_video(tmp_path / "run.avi", 4)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("0,1,2,3,4,\n0,1,2,3,4,\n", "line 3: 0 has 2 boxes, but --animals is 1; set --animals 2"),
        ("0,1,2,3,4,a\n0,1,2,3,4,a\n", "line 3: 0 has two boxes of one id"),
    ],
)
def test_boxes_of_a_frame_that_cannot_be_told_apart(refused, tmp_path, video, lines, says):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(f"frame,x,y,w,h,id\n{lines}")
    assert says in refused(video, "--bbox", boxes, *(["--animals", 2] if "id" in says else []))
    write_picture(tmp_path / "cage" / "0.png")
    write_picture(tmp_path / "cage" / "1.png")
    boxes.write_text(f"image,x,y,w,h,id\n1.png,1,2,3,4,\n{lines.replace('0,1', '0.png,1')}")
    said = refused(tmp_path / "cage", "--bbox", boxes, *(["--animals", 2] if "id" in says else []))
    assert "line 4: " in said and says.partition("0 has")[2] in said


def test_inputs_of_which_none_is_a_video(refused, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("dear diary")
    said = refused(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert "a.mp4: not a video" in said and "b.mp4: not a video" in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file(refused, tmp_path, video):
    (tmp_path / "taken").write_text("")
    for out in (tmp_path / "taken", tmp_path / "taken" / "below"):
        said = refused(video, "--out", out)
        assert f"{out}: cannot write there ({tmp_path / 'taken'} is a file)" in said


def test_a_checkpoint_that_is_not_there(refused, video):
    assert "gone.pth: no such checkpoint" in refused(video, model=(TINY, "gone.pth"))


def test_a_run_that_was_begun_with_other_options(refused, tmp_path, video):
    asked = {"page_sha256": "abc", "bbox": "full", "animals": 1, "batch_size": 32}
    asked |= {"start": 0, "stop": None, "stride": 2}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.part.progress").write_text(f"{json.dumps(asked)}\n")
    said = refused(video, "--resume")
    assert "run.part.csv: was begun with stride 2, now it is 1; ask for the same" in said


def test_one_input_that_can_be_begun_is_enough(tmp_path, video):
    (tmp_path / "bad.mp4").write_text("dear diary")
    jobs = [Job(path.stem, "video", [path]) for path in (tmp_path / "bad.mp4", video)]
    check_jobs(jobs, tmp_path / "out", {"start": 0, "stop": None, "stride": 1}, resume=False)
    assert not (tmp_path / "out").exists()


def test_what_a_command_line_with_an_exported_model_says(refused, tmp_path, video):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.csv").write_text("my own notes")
    assert "run.csv exists" in refused(video, model=("M.onnx",))
    assert "--stop 1: must be" in refused(video, "--start", 2, "--stop", 1, model=("M.onnx",))
