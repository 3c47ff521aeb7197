"""Interrupted runs."""

import random
import shutil
import signal

import pytest
from runs import Run, rows, same_run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Two epochs of four steps, validated after each."""
    run = Run(tmp_path_factory.mktemp("undisturbed") / "run")
    assert run.wait() == 0, run.said()
    return run.folder


def killed_and_resumed(folder, step, *changes):
    """Kill a run after `step` steps, resume it; how many rows were there when it died."""
    run = Run(folder, "runner.save_steps=1")
    run.reach(lambda: run.steps() >= step)
    run.kill()
    died_at = run.steps()
    again = Run(folder, "runner.save_steps=1", *changes, options=("--resume",))
    assert again.wait() == 0, again.said()
    return died_at


@pytest.mark.fault(
    name="kill -9 at a step, resumed",
    does="SIGKILL in mid-epoch, then `--resume` with 2 loader workers instead of 0",
    expects="final weights and metrics.jsonl equal those of the undisturbed run, bit for bit",
)
@pytest.mark.parametrize("step", [2, 7])
def test_kill_and_resume(tmp_path, undisturbed, happened, step):
    died_at = killed_and_resumed(tmp_path / "run", step, "data.workers=2")
    assert same_run(tmp_path / "run", undisturbed)
    happened(f"killed after step {died_at}; equal to the bit")


@pytest.mark.slow
@pytest.mark.fault(
    name="kill -9 at twenty random moments of a run, resumed",
    does="SIGKILL at random times from start to end, then `--resume`",
    expects="every run ends with the weights and metrics.jsonl of the undisturbed one",
)
def test_kill_at_any_moment(tmp_path, undisturbed, happened):
    draws = random.Random(0)
    for number in range(20):
        folder = tmp_path / f"run{number}"
        run = Run(folder, "runner.save_steps=1")
        run.process.join(draws.uniform(0.2, 4.0))
        run.kill()
        again = Run(folder, "runner.save_steps=1", options=("--resume",))
        assert again.wait() == 0, again.said()
        assert same_run(folder, undisturbed), again.said()
        shutil.rmtree(folder)
    happened("twenty of twenty equal to the bit")


@pytest.mark.fault(
    name="SIGTERM and Ctrl-C",
    does="the signal to the run and all its loader workers in mid-epoch, then `--resume`",
    expects="the step is finished and saved; exit status 143 or 130; the resumed run equals the "
    "undisturbed one",
)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals(tmp_path, undisturbed, happened, number, status):
    folder = tmp_path / "run"
    run = Run(folder, "data.workers=1")
    run.reach(lambda: run.steps() >= 2)
    run.send(number, group=True)
    assert run.wait() == status, run.said()
    name = signal.Signals(number).name
    assert f"stopped by {name}; go on with --resume" in run.said()
    assert "Traceback" not in run.said()
    at = run.steps()
    assert 2 <= at < 8, "not to the end of the run"
    again = Run(folder, options=("--resume",))
    assert again.wait() == 0, again.said()
    assert same_run(folder, undisturbed)
    happened(f"{name} after step {at}: status {status}, nothing lost, equal to the bit")


@pytest.mark.fault(
    name="a second signal",
    does="two SIGTERMs, the second while the step still runs",
    expects="the process leaves at once with 143; a checkpoint is whole or absent",
)
def test_second_signal(tmp_path, happened):
    run = Run(tmp_path / "run", "runner.epochs=200")
    run.reach(lambda: run.steps() >= 1)
    for _ in range(200):  # the second may come before the first is noticed: then they are one
        run.send(signal.SIGTERM)
        run.process.join(0.001)
        if not run.process.is_alive():
            break
    assert run.wait(5) == 143
    happened("left with 143")


@pytest.mark.fault(
    name="Ctrl-C during an evaluation",
    does="SIGINT while the validation set is predicted, then `--resume`",
    expects="status 130; the epoch is not lost; the validation is done again on resuming",
)
def test_interrupt_in_evaluation(tmp_path, happened):
    changes = ("data.val.length=120", "runner.epochs=1")
    whole = Run(tmp_path / "whole", *changes)
    folder = tmp_path / "run"
    run = Run(folder, *changes)
    run.reach(lambda: run.steps() == 4 and (folder / "latest.pth").is_file())
    run.send(signal.SIGINT)
    assert run.wait() == 130, run.said()
    assert not [row for row in rows(folder) if row["kind"] == "val"], "it was in time"
    again = Run(folder, *changes, options=("--resume",))
    assert again.wait() == 0, again.said()
    assert whole.wait() == 0
    assert again.said().count("step 4/4") == 0, "no step is done twice"
    assert same_run(folder, tmp_path / "whole")
    happened("status 130; resumed with the validation, equal to the bit")
