"""The night on a GPU, rehearsed: stages that end in time, and a report that says how."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from proofs.gpu_night.bounded import run_bounded
from proofs.gpu_night.record import Record, play, read
from proofs.gpu_night.report import page
from proofs.gpu_night.stages import Night, Stage, chosen, fenced, stages

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests" / "pages" / "tiny.py"


@pytest.fixture
def night(tmp_path):
    folder = tmp_path / "night"
    return Night(str(TINY), (), None, False, True, folder, minutes=1)


def python(code, **more):
    return Stage("train", "trains", 1, [sys.executable, "-c", code], **more)


def played(night, stage, seconds=60):
    return play(stage, night, seconds, "this machine")


def test_stages_that_pass_fail_or_take_too_long_are_told_apart(night):
    good = played(night, python("print('12 img/s')"))
    assert (good.outcome, good.why, good.told) == ("passed", "", ["```text", "12 img/s", "```"])
    bad = played(night, python("import sys; print('no room'); sys.exit(3)"))
    assert (bad.outcome, bad.why) == ("FAILED", "status 3: no room")
    slow = python("import time; print('begun', flush=True); time.sleep(60)")
    cut = play(Stage(slow.name, slow.what, 2 / 60, slow.command), night, 60, "this machine")
    assert cut.outcome == "cut off" and "its bound" in cut.why and 1.9 < cut.seconds < 30
    assert "begun" in cut.told or cut.told == []  # a busy machine may not have come so far
    assert read(night, ["train", "test"]) == [cut], "the last of a name is the one that is kept"


def test_a_stage_that_cannot_be_run_does_not_stop_the_others(night):
    lost = played(night, Stage("build", "builds", 1, ["/no/such/program"]))
    assert lost.outcome == "FAILED" and "FileNotFoundError" in lost.why
    for stage, seconds, why in (
        (python("", needs_data=True), 60, "photographs are not here"),
        (python("", needs=night.folder / "latest.pth"), 60, "no latest.pth of the training"),
        (python(""), 3, "no time was left"),
    ):
        record = played(night, stage, seconds)
        assert record.outcome == "left out" and why in record.why


SAVES = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
open(sys.argv[1], "w").close()
time.sleep(60)
"""


def test_a_training_is_asked_to_stop_and_saves(night, tmp_path):
    mark = tmp_path / "ready"
    command = [sys.executable, "-c", SAVES, str(mark)]
    record = played(night, Stage("train", "trains", 1, command, ask_after=4 / 60))
    if not mark.exists():
        pytest.skip("this machine is too busy to start Python within four seconds")
    assert record.outcome == "stopped as planned" and record.told == ["```text", "saved", "```"]


def test_nothing_that_a_stage_started_is_left_behind(tmp_path):
    mark = tmp_path / "child"
    code = f"""
import os, time
if os.fork() == 0:
    open({str(mark)!r}, "w").write(str(os.getpid()))
    time.sleep(60)
while not os.path.exists({str(mark)!r}) or not open({str(mark)!r}).read():
    time.sleep(.01)
"""
    ended = run_bounded([sys.executable, "-c", code], tmp_path / "said", 30, tmp_path)
    assert ended.status == 0 and not ended.cut_off
    child = int(mark.read_text())
    for _ in range(100):  # it is gone as soon as whoever adopted it has looked
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.05)
    os.kill(child, 9)
    pytest.fail("the child went on")


def test_stages_are_chosen_by_name(night):
    names = [stage.name for stage in stages(night)]
    assert [stage.name for stage in chosen([], night)] == names and len(set(names)) == 12
    some = [stage.name for stage in chosen(["benchmark", "tests"], night)]
    assert some[0] == "tests" and len(some) == 7
    with pytest.raises(ValueError, match="--stages tset: expected benchmark or some of doctor"):
        chosen(["tset"], night)


def test_every_command_fits_a_lease_of_ten_minutes(night):
    assert max(stage.minutes for stage in stages(night)) < 10


def test_the_report_has_a_row_for_each_stage_and_the_aims(night):
    told = ["```text", "3 img/s", "```"]
    records = [Record("train", "trains", "x", "passed", "", 7.2, told, "an H100", "2026-11-27")]
    figures = night.folder / "benchmark-step" / "figures.json"
    figures.parent.mkdir(parents=True)
    row = {"name": "training step", "median": 2811.4, "share_of_roofline": 0.41}
    wide = {**row, "variant": "w48-bf16", "median": 1500}
    figures.write_text(json.dumps({"sections": {"step": {"rows": [row, wide]}}}))
    names = [stage.name for stage in stages(night)]
    real = Night(night.page, (), None, True, False, night.folder, 1)
    text = page(real, records, names, "gpu_night")
    assert "| train | trains | passed | 7 |  |" in text and "- an H100\n" in text
    assert "| build | | not asked for yet | | `--stages build` |" in text
    assert "| training step, page | 2,700 | 2,811 | 41% |" in text
    assert "| training step, w48-bf16 | 1,750 | 1,500 | 41% |" in text
    assert "| heatmaps, page | 14,000 | not measured |  |" in text
    assert "aim" not in page(night, records, names, "gpu_night")


def test_long_outputs_are_cut_at_the_front():
    told = fenced([str(number) for number in range(100)])
    assert told[1] == "(40 lines before)" and told[-2] == "99" and len(told) == 63


@pytest.mark.slow
def test_rehearsal(tmp_path):
    """The whole way on the tiny page; what needs a GPU is left out by name."""
    out = tmp_path / "report.md"
    command = [sys.executable, "tools/gpu_night.py", "--rehearse", "--out", out, "--folder",
               tmp_path / "night", "--data", tmp_path, "--config", TINY, "--stages", "tests",
               "train", "test", "benchmark-step"]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False
    )
    text = out.read_text()
    assert done.returncode == 0, done.stderr[-2000:] + text
    assert "| the tests that need a GPU | passed |" in text and "0 passed, 7 left out" in text
    assert "no GPU here, so not tried: scaler of fp16" in text
    assert "img/s" in text and "PCK" in text and "training step" in text


def test_a_gpu_is_asked_for(tmp_path):
    for options, words in (
        (["--rehearse"], "name the report with --out"),
        (["--minutes", "0"], "--minutes: expected a number above 0"),
    ):
        done = subprocess.run(
            [sys.executable, "tools/gpu_night.py", *options], cwd=ROOT, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2 and words in done.stderr
