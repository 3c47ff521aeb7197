"""What a run says: console, `train.log`, `metrics.jsonl`, TensorBoard; the curves as a picture."""

import json
import logging
import math
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from tqdm import tqdm

Item = TypeVar("Item")


class _ThroughTqdm(logging.Handler):
    """Console lines that do not tear a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stdout)
        sys.stdout.flush()


class RunLog:
    """The log of one run; on ranks other than 0 it says nothing, without a folder it keeps nothing.

    `metrics.jsonl` holds only what the seed determines (losses, rates, metrics), so that two equal
    runs write equal files; times and speeds go to the console, `train.log` and TensorBoard.
    """

    def __init__(self, folder: Path | None, main: bool = True) -> None:
        self.main = main
        self.folder = folder if main else None
        self._logger = logging.Logger("hrpose", logging.INFO)
        self._board: Any = None
        if not main:
            self._logger.addHandler(logging.NullHandler())
            return
        self._add(_ThroughTqdm(), "%(message)s")
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            handler = logging.FileHandler(folder / "train.log", encoding="utf-8")
            self._add(handler, "%(asctime)s %(levelname)s %(message)s")

    def _add(self, handler: logging.Handler, form: str) -> None:
        handler.setFormatter(logging.Formatter(form))
        self._logger.addHandler(handler)

    def info(self, message: str) -> None:
        """A line for people."""
        if message:
            self._logger.info(message)

    def warning(self, message: str) -> None:
        """A line for people that must not be overlooked."""
        self._logger.warning("warning: %s", message)

    def record(self, kind: str, epoch: int, iteration: int, **values: Any) -> None:
        """One row of `metrics.jsonl`: `kind` is 'train' or 'val', `epoch` counts finished ones."""
        if self.folder:
            row = {"kind": kind, "epoch": epoch, "iteration": iteration, **values}
            with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def rewind(self, iteration: int) -> None:
        """Drop the rows after `iteration`, which a resumed run writes again."""
        path = self.folder / "metrics.jsonl" if self.folder else None
        if path and path.is_file():
            kept = [row for row in read_rows(path) if row["iteration"] <= iteration]
            path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")

    def board(self, step: int, **values: float | None) -> None:
        """Values for TensorBoard at optimizer step `step`; keys are written with `/` for `__`."""
        if not self.folder:
            return
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.folder / "tensorboard"))
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(name.replace("__", "/"), value, step)

    def progress(self, items: Iterable[Item], total: int, title: str) -> Iterator[Item]:
        """`items` under a progress bar (only on a terminal, only on rank 0)."""
        hidden = not (self.main and sys.stderr.isatty())
        yield from tqdm(items, title, total, leave=False, disable=hidden, dynamic_ncols=True)

    def close(self) -> None:
        """Flush and release the files."""
        if self._board is not None:
            self._board.close()
        for handler in list(self._logger.handlers):
            handler.close()
            self._logger.removeHandler(handler)


class Meter:
    """Means and speeds between two log lines."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self._losses: list[torch.Tensor] = []
        self._images, self._waited, self._start = 0, 0.0, time.perf_counter()

    def waiting(self, items: Iterable[Item]) -> Iterator[Item]:
        """`items`, with the time that they keep us waiting counted."""
        iterator = iter(items)
        while True:
            asked = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._waited += time.perf_counter() - asked
            yield item

    def add(self, loss: torch.Tensor, images: int) -> None:
        """One step; the loss stays on its device until it is asked for."""
        self._losses.append(loss)
        self._images += images

    def loss(self) -> torch.Tensor:
        """Mean loss since the last reset."""
        return torch.stack(self._losses).mean()

    def speed(self) -> tuple[float, float, float]:
        """Images per second (of this process), seconds per step, share of time waiting for data."""
        elapsed = max(time.perf_counter() - self._start, 1e-9)
        return self._images / elapsed, elapsed / max(1, len(self._losses)), self._waited / elapsed


def memory(device: torch.device) -> str:
    """Most memory used so far: of the GPU, or else of this process."""
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB GPU"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak * (1 if sys.platform == 'darwin' else 1024) / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """`1:02:03` for 3,723 seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a `metrics.jsonl`; a last line that was cut off is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def draw_curves(folder: Path) -> Path | None:
    """Draw loss, learning rate and validation metrics of `metrics.jsonl` into `curves.png`."""
    source = folder / "metrics.jsonl"
    rows = read_rows(source) if source.is_file() else []
    train = [row for row in rows if row["kind"] == "train"]
    val = [row for row in rows if row["kind"] == "val"]
    if not train:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    steps = [row["iteration"] for row in train]
    left.plot(steps, [row["loss"] for row in train], color="tab:blue", label="training loss")
    if all(row["loss"] > 0 for row in train):
        left.set_yscale("log")
    left.set(xlabel="optimizer step", ylabel="loss (mean squared error of heatmaps)")
    rate = left.twinx()
    rate.plot(steps, [row["lr"] for row in train], color="tab:orange", lw=1, label="learning rate")
    rate.set_ylabel("learning rate")
    lines = [*left.lines, *rate.lines]
    left.legend(lines, [str(line.get_label()) for line in lines], loc="lower left")
    names = [name for row in val for name in row["metrics"] if "(" not in name]  # no AP(L) etc.
    for name in dict.fromkeys(names):
        points = [(row["epoch"], row["metrics"].get(name)) for row in val]
        points = [(x, y) for x, y in points if y is not None and math.isfinite(y) and y <= 1.5]
        if points:
            right.plot(*zip(*points, strict=True), marker="o", ms=3, label=name)
    right.set(xlabel="epoch", ylabel="validation metric")
    right.grid(alpha=0.3)
    if right.lines:
        right.legend(fontsize=8)
    path = folder / "curves.png"
    figure.savefig(path, dpi=110)
    return path
