#!/usr/bin/env python
"""Count what a reader must read: our files, lines and calls that one training run enters."""

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OURS = (str(ROOT / "hrpose"), str(ROOT / "tools"))


class Trace:
    """Lines executed in our files, code that runs at import left out, and the path to the loss."""

    def __init__(self) -> None:
        self.lines: dict[str, set[int]] = defaultdict(set)
        self.path_to_loss: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        """What `sys.settrace` calls."""
        code = frame.f_code
        if not _is_ours(code.co_filename) or self._at_import(frame):
            return None
        if event in ("call", "line"):
            self.lines[code.co_filename].add(frame.f_lineno)
        if event == "call" and code.co_name == "forward" and code.co_filename.endswith("loss.py"):
            self.path_to_loss = self.path_to_loss or self._callers(frame)
        return self

    @staticmethod
    def _at_import(frame: FrameType) -> bool:
        """Whether this is a module's or a class's body."""
        flags = frame.f_code.co_flags
        return not flags & 0x2 or frame.f_code.co_name == "<module>"  # 0x2: has fast locals

    @staticmethod
    def _callers(frame: FrameType | None) -> list[str]:
        names = []
        while frame is not None:
            if _is_ours(frame.f_code.co_filename):
                names.append(frame.f_code.co_qualname if sys.version_info >= (3, 11) else "")
            frame = frame.f_back
        return names[::-1]


def _is_ours(name: str) -> bool:
    return name.startswith(OURS) and name != __file__


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tools"))
    import train

    trace = Trace()
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["train.py", args.config, "--work-dir", f"{folder}/run"]
        sys.argv += ["--cfg-options", "data.workers=0", *args.cfg_options]
        sys.settrace(trace)
        train.main()
        sys.settrace(None)
    for name, lines in sorted(trace.lines.items(), key=lambda item: -len(item[1])):
        print(f"{len(lines):5d}  {Path(name).relative_to(ROOT)}")
    total = sum(map(len, trace.lines.values()))
    print(f"{len(trace.lines)} files, {total:,} lines")
    path = [name for name in trace.path_to_loss if not name.startswith("shown_to_user")]
    print(f"{len(path) - 1} calls from main to the loss: {' -> '.join(path)}")


if __name__ == "__main__":
    main()
