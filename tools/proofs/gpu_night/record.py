"""What is kept of a stage, so that a night may be made in several commands; and what it found."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from hrpose.storage.whole_file import write_whole
from proofs.gpu_night.bounded import Ended, run_bounded
from proofs.gpu_night.stages import ROOT, Night, Stage

PASSED, STOPPED, CUT_OFF = "passed", "stopped as planned", "cut off"
FAILED, LEFT_OUT = "FAILED", "left out"


@dataclass(frozen=True)
class Record:
    """One stage as it went.

    Args:
        outcome: one of the words above.
        why: of what did not pass, in a sentence; of what did, how much that was, if it is counted.
        told: lines of the report.
        machine: device, versions and commit; `date` in UTC.
    """

    name: str
    what: str
    command: str
    outcome: str
    why: str
    seconds: float
    told: list[str]
    machine: str
    date: str


def play(stage: Stage, night: Night, seconds: float, machine: str) -> Record:
    """Run `stage` for `seconds` at most, or say why not; what came of it, kept on disk."""
    folder = night.folder / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    why = left_out(stage, night, seconds)
    if why:
        return _kept(stage, night, machine, LEFT_OUT, why, 0.0, [])
    output = folder / "output.txt"
    ask = stage.ask_after * 60 if stage.ask_after else None
    within = min(seconds, stage.minutes * 60)
    try:
        ended = run_bounded(stage.command, output, within, ROOT, ask)
        text = output.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
        outcome, why = judged(ended, text)
        why = why or stage.counted(folder)
        told = stage.told(folder, text)
    except Exception as error:  # a stage that fails, in whatever way, does not stop the others
        ended, outcome, why, told = Ended(-1, 0.0), FAILED, f"{type(error).__name__}: {error}", []
    return _kept(stage, night, machine, outcome, why, ended.seconds, told)


def left_out(stage: Stage, night: Night, seconds: float) -> str:
    """Why `stage` is not run; empty where it is."""
    if stage.needs_data and night.data is None:
        return "the photographs are not here; name their folder with --data"
    if stage.needs is not None and not stage.needs.is_file():
        return f"there is no {stage.needs.name} of the training"
    if seconds < 20:
        return "no time was left for it; run it by --stages"
    return ""


def judged(ended: Ended, text: str) -> tuple[str, str]:
    """The outcome in a word, and why in a sentence where it did not end well by itself."""
    last = ([line for line in text.splitlines() if line.strip()] or ["it said nothing"])[-1]
    if ended.cut_off:
        return CUT_OFF, f"ended after {ended.seconds:.0f} s, its bound; what it wrote stands"
    if ended.asked and ended.status in (0, 143):
        return STOPPED, f"asked to stop after {ended.seconds:.0f} s, saved, status {ended.status}"
    if ended.asked and ended.status == -15:
        return FAILED, f"asked to stop after {ended.seconds:.0f} s, before it could save anything"
    if ended.status:
        return FAILED, f"status {ended.status}: {last[:200]}"
    return PASSED, ""


def _kept(
    stage: Stage, night: Night, machine: str, outcome: str, why: str, seconds: float,
    told: list[str],
) -> Record:  # fmt: skip
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    shown = " ".join(word.replace(f"{ROOT}/", "") for word in ["python", *stage.command[1:]])
    record = Record(
        stage.name, stage.what, shown, outcome, why, round(seconds, 1), told, machine, now
    )
    text = json.dumps(asdict(record), indent=1) + "\n"
    write_whole(night.folder / stage.name / "record.json", text)
    return record


def read(night: Night, names: list[str]) -> list[Record]:
    """The records of `names` that are there, of this command and of those before it."""
    paths = [night.folder / name / "record.json" for name in names]
    return [Record(**json.loads(path.read_text("utf-8"))) for path in paths if path.is_file()]


def describe_machine(gpu: bool) -> str:
    """Device, versions and commit, in a line."""
    import torch

    from hrpose.rundir import provenance

    device = torch.device("cuda", 0) if gpu else torch.device("cpu")
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions().items())
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    commit = asked.stdout.strip() or "not known"
    return f"{provenance.machine(device)}; {versions}; commit {commit}"
