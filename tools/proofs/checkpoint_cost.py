"""What a checkpoint costs the training, by wall and by CPU time: this tree and another in turns.

Each turn is a process of its own with HRNet-W32, Adam's memory and a run directory. It keeps an
epoch with and without a validation, as `Runner.finish_epoch` does, and says how long the training
was kept from its next step, and how much CPU time went into it in all, the thread's included. With
--operations it makes so many small ones while a checkpoint is written, as the launches of a step on
a GPU are, and says how much longer than alone they took; for a machine that does nothing else.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import hrpose

ROOT = Path(__file__).resolve().parents[2]
ROWS = {
    "epoch": "an epoch, in the step's way",
    "epoch_cpu": "  CPU time of that",
    "epoch_all": "  CPU time in all",
    "validated": "a validated epoch, in the way",
    "validated_cpu": "  CPU time of that",
    "validated_all": "  CPU time in all",
    "small": "small operations beside the write, longer by",
}


Costs = tuple[float, float]
"""Wall and CPU seconds, those of the main thread: what the next step waits for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="another checkout of hrpose")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--saves", type=int, default=3, help="of each kind in a turn")
    parser.add_argument("--width", type=int, default=32, help="of the HRNet")
    parser.add_argument("--validation", type=float, default=2.0, help="seconds that one takes")
    parser.add_argument("--operations", type=int, default=0, help="such as 200000")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measured(args)))
        return
    trees = {"before": args.before, "now": ROOT} if args.before else {"now": ROOT}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in trees}
    for _ in range(args.turns):
        for name, tree in trees.items():
            found[name].append(turn(tree, args))
    for key in (key for key in ROWS if key in found["now"][0]):
        told = []
        for name, turns in found.items():
            times = [one[key] for one in turns]
            spread = f"{min(times):.3f} to {max(times):.3f}"
            told.append(f"{name} {statistics.median(times):.3f} s ({spread})")
        print(f"{ROWS[key]}: {', '.join(told)}")
    now = statistics.median(one["validated"] for one in found["now"])
    print(f"of a minute, with a validation: {now / 60:.2%}; file {found['now'][0]['mb']:.0f} MB")


def turn(tree: Path, args: argparse.Namespace) -> dict[str, float]:
    """What a process with the hrpose of `tree` measures."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--one", folder, "--saves", str(args.saves)]
        command += ["--width", str(args.width), "--validation", str(args.validation)]
        command += ["--operations", str(args.operations)]
        env = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measured(args: argparse.Namespace) -> dict[str, float]:
    """Medians over the saves of this process, in seconds."""
    keep_freed_memory, kind, log = parts()
    keep_freed_memory()  # as a training does
    state, best = content(args.width)
    keeper = kind(args.one, 1, "AP", log(None))
    written: Callable[[], None] = getattr(keeper, "wait", lambda: None)

    def epoch(number: int, name: str = "") -> Costs:
        start, cpu = time.perf_counter(), time.thread_time()
        if name:
            keeper.save_best(best, name)
        keeper.save(state, name, number)
        return time.perf_counter() - start, time.thread_time() - cpu

    def validated(number: int) -> Costs:
        before = epoch(number)
        time.sleep(args.validation)
        after = epoch(number, f"best_AP_epoch_{number}.pth")
        return before[0] + after[0], before[1] + after[1]

    def small() -> None:
        numbers = torch.zeros(16)
        for _ in range(args.operations):
            numbers.add_(1)

    def small_and_save(number: int) -> Costs:
        """What the operations take; a tree that writes in the step's way has written by then."""
        epoch(number)
        taken = seconds(small)
        written()
        return taken - seconds(small), 0.0

    def timed(kind: str, save: Callable[[int], Costs]) -> dict[str, float]:
        found = []
        for number in range(args.saves + 1):
            start = time.process_time()
            way = save(number)
            written()
            found.append((*way, time.process_time() - start))
        medians = [statistics.median(column[1:]) for column in zip(*found, strict=True)]
        return dict(zip((kind, f"{kind}_cpu", f"{kind}_all"), medians, strict=True))

    found = timed("epoch", epoch) | timed("validated", validated)
    if args.operations:
        found["small"] = timed("small", small_and_save)["small"]
    return found | {"mb": (args.one / "latest.pth").stat().st_size / 1e6}


def parts() -> tuple[Any, Any, Any]:
    """`keep_freed_memory`, `Keeper` and `RunLog`, wherever this tree has them."""
    rooms = ("processes.device", "rundir.keeper", "rundir.log")
    older = ("engine.allocator", "engine.keeper", "engine.log")  # before the rooms of today
    # not `find_spec`, for which an editable installation of another tree finds the room there
    if not Path(hrpose.__file__).with_name("rundir").is_dir():
        rooms = older
    modules = [importlib.import_module(f"hrpose.{name}") for name in rooms]
    return modules[0].keep_freed_memory, modules[1].Keeper, modules[2].RunLog


def content(width: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A training checkpoint's content after a step of Adam with gradients of noise, without the
    small parts; and that of the best weights.
    """
    from hrpose.models import HeatmapHead, HRNet

    model = torch.nn.Sequential(HRNet(width), HeatmapHead(width, 22))
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter) * 1e-3
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    best = {"state_dict": model.state_dict(), "meta": {}}
    return {**best, "optimizer": optimizer.state_dict()}, best


def seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
