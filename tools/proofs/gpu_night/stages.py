"""What is done in a night on a GPU, in order; each stage is one command."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[3]
PAGE = "configs/animal/hrnet/livestock_horse/hrnet_w32_livestock_256x256.py"
WIDE = ("codec.input_size=(256,192)", "codec.heatmap_size=(64,48)")
"""Horses are wider than high."""
MODES = ("inference", "step", "eval", "loader", "train", "test")
"""Of the benchmark: first those that need no photographs."""
_SHOWN = 60
"""Lines of what a stage says that the report shows at most."""


@dataclass(frozen=True)
class Night:
    """What the stages work with.

    Args:
        page: config page; `changes` of it hold for all stages.
        data: folder of the real horses; None where there is none.
        gpu: whether there is one.
        rehearsal: all as small as it can be.
        folder: where the stages write, one folder each.
        minutes: of training.
    """

    page: str
    changes: tuple[str, ...]
    data: Path | None
    gpu: bool
    rehearsal: bool
    folder: Path
    minutes: float

    def of_page(self, *changes: str) -> list[str]:
        """The page and what is changed on it, as all verbs take them."""
        here = [f"data.root={str(self.data)!r}"] if self.data else []
        small = SMALL if self.rehearsal else ()
        return ["--cfg-options", *here, *small, *changes, *self.changes]


SMALL = (
    *("runner.device='cpu'", "runner.epochs=1", "runner.val_interval=0", "runner.log_interval=1"),
    *("codec.input_size=(64,64)", "codec.heatmap_size=(16,16)", "model.backbone.width=2"),
    *("data.batch_size=32", "data.val_batch_size=32", "data.workers=0"),
)


@dataclass(frozen=True)
class Stage:
    """One command of the night.

    Args:
        what: in words, for the report.
        minutes: the most that it may take.
        command: its words.
        needs_data: without photographs it is left out.
        needs: a file that an earlier stage leaves; without it this one is left out.
        ask_after: minutes after which it is asked to stop, upon which it saves and ends.
        told: from the folder of the stage and what it said to lines of the report.
        counted: from its folder to a sentence on one that passed.
    """

    name: str
    what: str
    minutes: float
    command: list[str]
    needs_data: bool = False
    needs: Path | None = None
    ask_after: float | None = None
    told: Callable[[Path, str], list[str]] = lambda folder, text: fenced(text.splitlines())
    counted: Callable[[Path], str] = lambda folder: ""


def stages(night: Night) -> list[Stage]:
    """All of them."""
    run = [sys.executable, "-m", "hrpose"]
    weights = night.folder / "train" / "run" / "latest.pth"
    trained = [*run, "test", night.page, str(weights)]
    tested = night.of_page(*WIDE) if not night.rehearsal else night.of_page()
    precision = "runner.precision='amp'"
    return [
        Stage("doctor", "whether the machine is ready", 2, [*run, "doctor"]),
        Stage(
            "build", "the wheel of this commit", 3,
            [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
             "-w", str(night.folder / "build"), "."],
            told=_wheels,
        ),
        Stage("tests", "the tests that need a GPU", 9, _tests(night), told=_tests_told,
            counted=_tests_counted),
        Stage(
            "train", _trains(night),
            night.minutes + 3,
            [*run, "train", night.page, "--work-dir", str(weights.parent), *_training(night)],
            needs_data=True, ask_after=None if night.rehearsal else night.minutes,
            told=_training_told,
        ),
        Stage(
            "test", "the trained weights on the test horses, in the precision of the page", 3,
            [*trained, "--work-dir", str(night.folder / "test"), *tested], needs_data=True,
            needs=weights,
        ),
        Stage(
            "test-amp", "the same in bf16", 3,
            [*trained, "--work-dir", str(night.folder / "test-amp"), *tested, precision],
            needs_data=True, needs=weights,
        ),
        *(_benchmark(night, mode) for mode in MODES),
    ]  # fmt: skip


def _tests(night: Night) -> list[str]:
    report = night.folder / "tests" / "report.xml"
    pytest = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/gpu"]
    return [*pytest, "-p", "no:cacheprovider", f"--junitxml={report}", "-o", "junit_family=xunit1"]


def _trains(night: Night) -> str:
    if night.rehearsal:
        return "a narrow network on the real horses, one epoch on the CPU"
    return f"W32 on the real horses at 256x192 for {night.minutes:g} minutes at most, --amp"


def _training(night: Night) -> list[str]:
    if night.rehearsal:
        return night.of_page("pretrained=None")
    return ["--amp", *night.of_page(
        *WIDE, "pretrained=None", "data.batch_size=64", "data.workers=8", "runner.log_interval=7",
        "data.train.cache.type=ImageCache",
    )]  # fmt: skip


def _benchmark(night: Night, mode: str) -> Stage:
    command = [sys.executable, "tools/benchmark.py", mode, night.page]
    command += ["--out", str(night.folder / f"benchmark-{mode}" / "figures.json")]
    if night.rehearsal:
        command += ["--repeats", "1", "--seconds", "0.001", "--animals", "8", *night.of_page()]
    else:
        command += ["--device", "cuda", "--repeats", "10", "--animals", "2000"]
        command += ["--workers", "1", "4", "8"]
        command += ["--variant", "w32-fp32", "runner.precision=fp32"]
        command += ["--variant", "w48-bf16", "model.backbone.width=48"]
        command += ["--variant", "w32-contiguous", "runner.channels_last=False"]
        command += night.of_page(
            "runner.precision=bf16",
            "data.batch_size=64",
            "data.val_batch_size=64",
            "data.workers=8",
        )
    real = mode in ("loader", "train", "test")
    return Stage(f"benchmark-{mode}", f"tools/benchmark.py {mode}", 8, command, needs_data=real)


def chosen(names: list[str], night: Night) -> list[Stage]:
    """The stages of `names`; `benchmark` names all of its modes.

    Raises:
        ValueError: there is no such stage.
    """
    known = stages(night)
    if not names:
        return known
    for name in names:
        if not any(_named(stage, name) for stage in known):
            told = ", ".join(stage.name for stage in known)
            raise ValueError(f"--stages {name}: expected benchmark or some of {told}")
    return [stage for stage in known if any(_named(stage, name) for name in names)]


def _named(stage: Stage, name: str) -> bool:
    return stage.name == name or (name == "benchmark" and stage.name.startswith("benchmark-"))


def fenced(lines: list[str]) -> list[str]:
    """`lines` as they are, at most so many of the last."""
    lines = [line.replace("```", "'''") for line in lines if line.strip()]
    more = len(lines) - _SHOWN
    head = [f"({more} lines before)"] if more > 0 else []
    return ["```text", *head, *lines[-_SHOWN:], "```"] if lines else []


def _wheels(folder: Path, text: str) -> list[str]:
    made = [f"{path.name}: {path.stat().st_size / 1e3:.0f} kB" for path in folder.glob("*.whl")]
    return fenced([*text.splitlines(), *made])


def _outcomes(folder: Path) -> list[tuple[ElementTree.Element, str, list[str]]]:
    """Each test that pytest reports, how it went, and what there is to say of it."""
    found = []
    for case in ElementTree.parse(folder / "report.xml").getroot().iter("testcase"):
        outcome, why = "passed", [p.get("value", "") for p in case.iter("property")]
        for tag, word in (("skipped", "left out"), ("failure", "FAILED"), ("error", "FAILED")):
            for problem in case.iter(tag):
                text = (problem.get("message") or problem.text or tag).strip()
                outcome, why = word, text.splitlines()[:1]
        found.append((case, outcome, why))
    return found


def _tests_told(folder: Path, text: str) -> list[str]:
    """A row for each test: whether it passed, or why it was left out."""
    if not (folder / "report.xml").is_file():
        return fenced(text.splitlines())
    rows = ["| test | outcome | s | |", "|---|---|--:|---|"]
    for case, outcome, why in _outcomes(folder):
        name = case.get("name", "").removeprefix("test_").replace("_", " ")
        told = "; ".join(why).replace("|", "\\|")
        rows.append(f"| {name} | {outcome} | {float(case.get('time', 0)):.1f} | {told} |")
    return rows


def _tests_counted(folder: Path) -> str:
    outcomes = [outcome for _, outcome, _ in _outcomes(folder)]
    return f"{outcomes.count('passed')} passed, {outcomes.count('left out')} left out"


def _training_told(folder: Path, text: str) -> list[str]:
    """How large the run was, its last lines of speed and of validation, and how it ended."""
    lines = text.splitlines()
    speed = [line for line in lines if " img/s" in line]
    scores = [line for line in lines if " validation: " in line]
    rest = [
        line for line in lines if re.search(r" parameters on |stopped|Error|out of memory", line)
    ]
    return fenced([*rest, *speed[-4:], *scores[-2:]])
