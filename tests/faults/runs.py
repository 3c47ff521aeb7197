"""Training runs as processes of their own that can be killed; quick to start, for all is imported.

Test data: the tiny page; epochs of four steps. `run` is tools/train.py itself.
"""

import contextlib
import json
import multiprocessing
import os
import runpy
import signal
import socket
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = ROOT / "tests" / "pages" / "tiny.py"
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["hrpose.engine.train", "hrpose.datasets", "torch.utils.tensorboard"]
)


def _main(arguments: list[str], output: Path, env: dict[str, str]) -> None:
    """tools/train.py with `arguments`; all that it says goes to `output`."""
    os.environ.update(env)
    sys.path[:0] = env.get("PYTHONPATH", "").split(os.pathsep)
    os.setsid()  # a group of its own, as a terminal or Slurm gives one
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    torch.set_num_threads(1)
    multiprocessing.set_start_method("fork", force=True)  # of loader workers: as from the shell
    sys.argv = ["train.py", *arguments]
    runpy.run_path(str(ROOT / "tools" / "train.py"), run_name="__main__")


class Run:
    """A training run of the tiny page in `folder`, in another process.

    Args:
        changes: of the page, as for --cfg-options.
        options: more of the command line.
        env: variables of its environment.
    """

    def __init__(
        self, folder: Path, *changes: str, options: tuple[str, ...] = (), **env: str
    ) -> None:
        self.folder = folder
        number = len(list(folder.parent.glob(f"{folder.name}.*.out")))
        self.output = folder.with_name(f"{folder.name}.{number}.out")
        self.output.touch()
        common = ("runner.log_interval=1",)
        arguments = [str(TINY), "--work-dir", str(folder), *options]
        arguments += ["--cfg-options", *common, *changes]
        self.process = _CONTEXT.Process(target=_main, args=(arguments, self.output, env))
        self.process.start()

    def wait(self, seconds: float = 120) -> int:
        """The exit status; kills a process that does not end."""
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise AssertionError(f"no end within {seconds} s: {self.said()}")
        return self.process.exitcode

    def said(self) -> str:
        """All output so far."""
        return self.output.read_text(encoding="utf-8") if self.output.is_file() else ""

    def steps(self) -> int:
        """Optimizer steps that stand in metrics.jsonl."""
        return sum(row["kind"] == "train" for row in rows(self.folder))

    def reach(self, done, seconds: float = 60) -> None:
        """Wait until `done()`, or until the process ends."""
        end = time.monotonic() + seconds
        while not done() and self.process.is_alive():
            assert time.monotonic() < end, self.said()
            time.sleep(0.002)

    def send(self, number: int, group: bool = False) -> None:
        """Send a signal, to the process alone or to its whole group."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, loader workers and all."""
        self.send(signal.SIGKILL, group=True)
        self.process.join()


class Ranks:
    """Two such runs as one run of two processes, as `torchrun` would start them."""

    def __init__(self, folder: Path, *changes: str, options: tuple[str, ...] = ()) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        env = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        env["PYTHONPATH"] = os.pathsep.join([str(folder.parent), str(ROOT)])
        self.runs = [
            Run(folder, "data.batch_size=2", *changes, options=options,
                RANK=str(rank), LOCAL_RANK=str(rank), **env)
            for rank in range(2)
        ]  # fmt: skip

    def wait(self, seconds: float = 120) -> list[int]:
        """The exit statuses; kills processes that do not end."""
        try:
            return [run.wait(seconds) for run in self.runs]
        finally:
            for run in self.runs:
                run.kill()

    def said(self) -> list[str]:
        """All output of each so far."""
        return [run.said() for run in self.runs]


def rows(folder: Path) -> list[dict]:
    """Whole rows of metrics.jsonl."""
    path = folder / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def weights(path: Path) -> dict[str, torch.Tensor]:
    """The state dict of a checkpoint."""
    return torch.load(path, weights_only=True)["state_dict"]


def same_run(folder: Path, other: Path) -> bool:
    """Whether two runs ended with equal weights and wrote equal metrics.jsonl, to the bit."""
    ours, theirs = weights(folder / "latest.pth"), weights(other / "latest.pth")
    equal = ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)
    return (
        equal and (folder / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    )
