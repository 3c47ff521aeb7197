"""From the start of tools/train.py, as a process of its own, to its first finished iteration."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from hrpose import config
from hrpose.errors import RunError
from proofs.benchmark.figures import Figure, Row
from proofs.benchmark.pages import Page
from proofs.benchmark.timing import Plan, bar

_TRAIN = Path(__file__).resolve().parents[2] / "train.py"
_MARKS = {
    "start-up: imports, page and model built": "run directory ",
    "start-up: data read, runner made": " parameters on ",
    "start-up: first iteration done": " step 1/",
}
"""What a new line of the training log tells, in their order; the last ends the process."""


def startup_rows(page: Page, plan: Plan, folder: Path) -> list[Row]:
    """Seconds from the start of the process to each of `_MARKS`; one run before them is not timed.

    The page is as given, validation set included, with a log line for each step.
    """
    command = _command(page, folder)
    runs = []
    with bar("start-up", plan.repeats + 1) as progress:
        for number in range(plan.repeats + 1):
            runs.append(_run([*command, "--work-dir", str(folder / f"start{number}")]))
            progress.update()
    return [
        Row(name, Figure(tuple(run[name] for run in runs[1:]), "s after the start"))
        for name in _MARKS
    ]


def import_table(page: Page, folder: Path, top: int = 20) -> str:
    """The packages that take longest to import, by Python's own -X importtime."""
    command = _command(page, folder)
    command[1:1] = ["-X", "importtime"]
    errors = folder / "importtime.txt"
    _run([*command, "--work-dir", str(folder / "imports")], errors)
    return summarise_imports(errors.read_text(encoding="utf-8", errors="replace"), top)


def summarise_imports(text: str, top: int) -> str:
    """Milliseconds of each top-level package, from the lines of -X importtime."""
    spent: dict[str, int] = defaultdict(int)
    for line in text.splitlines():
        fields = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and len(fields) == 3 and fields[0].strip().isdigit():
            spent[fields[2].strip().partition(".")[0]] += int(fields[0])
    order = sorted(spent, key=lambda name: -spent[name])
    lines = [f"{spent[name] / 1000:9.1f} ms  {name}" for name in order[:top]]
    return "\n".join([f"{sum(spent.values()) / 1000:9.1f} ms  in all", *lines])


def _command(page: Page, folder: Path) -> list[str]:
    if not _TRAIN.is_file():
        raise RunError(f"{_TRAIN}: not there; start-up is measured in a checkout of hrpose")
    folder.mkdir(parents=True, exist_ok=True)
    written = {**page, "runner": {**page["runner"], "log_interval": 1}}
    config.dump(written, folder / "page.py")
    return [sys.executable, str(_TRAIN), str(folder / "page.py")]


def _run(command: list[str], errors: Path | None = None) -> dict[str, float]:
    """Seconds to each mark; the process is ended after the last."""
    errors = errors or Path(command[-1]).with_suffix(".err")
    waiting = list(_MARKS.items())
    seen = {}
    with errors.open("wb") as sink:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if waiting and waiting[0][1] in line:
                    seen[waiting.pop(0)[0]] = time.perf_counter() - start
                if not waiting:
                    break
        finally:
            process.kill()
            process.wait()
    if waiting:
        last = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        raise RunError(f"tools/train.py ended before its first iteration: {' '.join(last)}")
    return seen
