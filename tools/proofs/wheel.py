"""Build the wheel, install it in an empty environment outside the checkout, and use it there.

python tools/proofs/wheel.py            # everything it needs comes from the package index
python tools/proofs/wheel.py --borrow   # it sees this environment's packages instead: a minute
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
import zipfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = "hrnet_w32_synthetic_96x96"
SHORT = (
    *("runner.epochs=1", "runner.log_interval=1", "data.batch_size=4", "data.workers=1"),
    *("data.train.length=12", "data.val.length=4", "data.test.length=4"),
)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Build the wheel, install it in an empty virtual environment, and train, test, "
        "print a page and see the doctor there, from an empty folder. Exit status 1 if any fails."
    )
    parser.add_argument(
        "--borrow", action="store_true",
        help="install no dependencies but let the new environment see this one's packages",
    )  # fmt: skip
    return parser.parse_args()


def build(folder: Path) -> Path:
    """The wheel of what git would commit; an old build/ in the checkout leaves no trace in it."""
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), "."]
    subprocess.run(command, cwd=source, check=True)
    shutil.rmtree(source)
    return next(folder.glob("hrpose-*.whl"))


def contents(wheel: Path) -> str:
    """Size and files of the wheel, by room.

    Raises SystemExit where it holds what is no part of the package.
    """
    with zipfile.ZipFile(wheel) as file:
        entries = file.infolist()
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for entry in entries:
        top, _, rest = entry.filename.partition("/")
        if top != "hrpose" and not top.endswith(".dist-info"):
            raise SystemExit(f"{wheel.name} holds {entry.filename}, which is no part of hrpose")
        room = f"{top}/{rest.partition('/')[0]}" if "/" in rest and top == "hrpose" else top
        files[room] += 1
        sizes[room] += entry.file_size
    lines = [f"{wheel.name}: {wheel.stat().st_size / 1e3:.0f} kB, {len(entries)} files"]
    lines += [
        f"  {room:<26} {files[room]:4d} files {sizes[room] / 1e3:7.1f} kB" for room in sorted(files)
    ]
    return "\n".join(lines)


def install(wheel: Path, folder: Path, borrow: bool) -> Path:
    """The folder of the commands of a new environment that has the wheel."""
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    commands = folder / ("Scripts" if os.name == "nt" else "bin")
    python = str(commands / "python")
    if borrow:
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        there = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
        ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        Path(there.stdout.strip(), "borrowed.pth").write_text("\n".join(sorted(ours)) + "\n")
    command = [python, "-m", "pip", "install", "-q", *["--no-deps"] * borrow, str(wheel)]
    subprocess.run(command, check=True)
    return commands


def use(commands: Path, folder: Path) -> list[str]:
    """Work with what is installed, in an empty folder; returns the commands that failed."""
    hrpose, python = str(commands / "hrpose"), str(commands / "python")
    where = "import hrpose, sys; sys.exit(sys.prefix not in hrpose.__file__)"
    mine = ["--work-dir", "mine", "--cfg-options", *SHORT]
    steps = [
        [python, "-c", where],
        [hrpose, "doctor"],
        [hrpose, "config", PAGE, "--out", "my.py"],
        [hrpose, "train", PAGE, "--cfg-options", *SHORT],
        [hrpose, "test", PAGE, f"work_dirs/{PAGE}/best_*.pth", "--cfg-options", *SHORT],
        [python, "-m", "hrpose", "train", "my.py", *mine],
        [python, "-m", "hrpose", "check", "mine/config.py", "--html", "check.html"],
        [hrpose, "browse", PAGE, "--n", "4", "--out", "samples.html"],
    ]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    failed = []
    for step in steps:
        shown = " ".join([Path(step[0]).name, *step[1:]])
        print(f"\n$ {shown}", flush=True)
        start = time.perf_counter()
        status = subprocess.run(step, cwd=folder, env=clean, check=False).returncode
        print(f"[status {status}, {time.perf_counter() - start:.1f} s]", flush=True)
        failed += [shown] * (status != 0)
    return failed


def main() -> None:
    args = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        wheel = build(folder)
        print(contents(wheel), flush=True)
        commands = install(wheel, folder / "environment", args.borrow)
        empty = folder / "empty"
        empty.mkdir()
        failed = use(commands, empty)
    print("\n" + "\n".join([f"failed: {step}" for step in failed] or ["the wheel works"]))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
