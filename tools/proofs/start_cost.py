"""CPU time from the start of a training to its first step: this tree and another in turns.

tools/train.py runs on PAGE until its first step is told, from scratch. One start of each
before them is not counted.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", help="such as hrnet_w32_synthetic_96x96, or a file of both trees")
    parser.add_argument("--before", type=Path, help="another checkout of hrpose")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--cfg-options", nargs="+", default=[])
    args = parser.parse_args()
    trees = {"before": args.before, "now": ROOT} if args.before else {"now": ROOT}
    found: dict[str, list[float]] = {name: [] for name in trees}
    for turn in range(args.turns + 1):
        for name, tree in trees.items():
            seconds = start(tree, args.page, args.cfg_options)
            if turn:
                found[name].append(seconds)
    for name, times in found.items():
        print(f"{name} {statistics.median(times):.2f} s ({min(times):.2f} to {max(times):.2f})")


def start(tree: Path, page: str, changes: list[str]) -> float:
    """CPU seconds of one start with the hrpose of `tree`."""
    changes = ["runner.log_interval=1", "runner.device=cpu", "pretrained=None", *changes]
    with tempfile.TemporaryDirectory() as folder:
        words = [page, "--work-dir", str(Path(folder, "run")), "--cfg-options", *changes]
        process = subprocess.Popen(
            [sys.executable, "tools/train.py", *words], cwd=tree, text=True, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if " step 1/" in line:
                break
        else:
            sys.exit(f"{tree}: no first step:\n{said}")
        process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
