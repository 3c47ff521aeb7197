"""Count what a reader must read: our files, lines and calls that one training run enters."""

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OURS = str(ROOT / "hrpose")

MAIN_LINE = ("engine", "predict", "models", "codecs", "metrics")
"""Rooms of the main line, besides geometry.py and the files of datasets/ itself."""
BESIDE = {
    "engine/experiment.py": "reads the page",
    "engine/settings.py": "reads the page",
    "engine/train.py": "the start of a run",
    "engine/loading.py": "the start of a run",
    "datasets/synthetic.py": "drawn animals, in place of files",
    "datasets/worker_errors.py": "a guard",
    "datasets/shipping.py": "the way from a loader process",
    "models/soundness.py": "a guard",
    "models/folding.py": "makes evaluation faster",
}
"""Files of those rooms that are no part of it, and why."""

lines: dict[str, set[int]] = defaultdict(set)
calls_to_loss: list[str] = []


def trace(frame: FrameType, event: str, argument: Any) -> Any:
    """For `sys.settrace`: lines executed in our files; code that runs at import does not count."""
    code = frame.f_code
    if not is_ours(code.co_filename) or at_import(frame):
        return None
    lines[code.co_filename].add(frame.f_lineno)
    if code.co_filename.endswith("loss.py") and code.co_name == "forward" and not calls_to_loss:
        calls_to_loss.extend(callers(frame))
    return trace


def at_import(frame: FrameType) -> bool:
    """Whether a module or class is being made: its own code, or a comprehension in it."""
    while frame.f_code.co_name in ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"):
        if frame.f_back is None or frame.f_back.f_code.co_filename != frame.f_code.co_filename:
            break
        frame = frame.f_back
    fast_locals = 0x2  # a function's body has them, a module's or class's has not
    return not frame.f_code.co_flags & fast_locals


def is_ours(name: str) -> bool:
    return name.startswith(OURS) and name != __file__


def callers(frame: FrameType | None) -> list[str]:
    names = []
    while frame is not None:
        name = frame.f_code.co_name
        if is_ours(frame.f_code.co_filename) and name != "run":  # run: the wrapper of main
            names.append(name)
        frame = frame.f_back
    return names[::-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    from hrpose.cli import main as hrpose

    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["hrpose", "train", args.config, "--work-dir", f"{folder}/run"]
        sys.argv += ["--cfg-options", "data.workers=0", *args.cfg_options]
        sys.settrace(trace)
        hrpose()
        sys.settrace(None)
    files = {str(Path(name).relative_to(ROOT / "hrpose")): len(n) for name, n in lines.items()}
    show("main line", {name: count for name, count in files.items() if in_main_line(name)})
    show("left out", {name: count for name, count in files.items() if not in_main_line(name)})
    print(
        "  of the rooms of the main line: " + ", ".join(f"{n} ({why})" for n, why in BESIDE.items())
    )
    print(f"{len(files)} files, {sum(files.values()):,} lines in all")
    print(f"{len(calls_to_loss) - 1} calls from main to the loss: {' -> '.join(calls_to_loss)}")


def in_main_line(name: str) -> bool:
    """Whether a file belongs to what is done with an animal from its image to a number."""
    room, *inside = Path(name).parts
    guard = inside[:1] == ["guards"]
    flat = len(inside) == 1 and room == "datasets"
    return name not in BESIDE and not guard and (name == "geometry.py" or flat or room in MAIN_LINE)


def show(title: str, files: dict[str, int]) -> None:
    """The files, by room, those with the most lines first."""
    print(f"{title}: {len(files)} files, {sum(files.values()):,} lines")
    rooms: dict[str, list[str]] = defaultdict(list)
    for name in sorted(files, key=lambda name: -files[name]):
        rooms[str(Path(name).parent)].append(f"{Path(name).name} {files[name]}")
    for room, entries in sorted(rooms.items()):
        print(f"  {room if room != '.' else 'ground'}: {', '.join(entries)}")


if __name__ == "__main__":
    main()
