"""Training steps and inference from crops that lie on the device already: no loader, no files."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import torch

from hrpose.engine.experiment import Experiment, prepare
from hrpose.engine.loading import loader, size_of_epoch
from hrpose.engine.placement import autocast, resolve_precision
from hrpose.engine.runner import Runner
from hrpose.engine.train import make_runner
from hrpose.models import TopDown
from hrpose.models.folding import fold_batch_norm
from hrpose.processes.device import set_backends
from hrpose.rundir.log import RunLog
from proofs.benchmark.figures import Row, Section, rate, ratio
from proofs.benchmark.limits import TRAINING, limits_of
from proofs.benchmark.machine import Peaks
from proofs.benchmark.pages import Page, supplied, without_validation, without_workers
from proofs.benchmark.stand_in import RandomAnimals
from proofs.benchmark.timing import Plan, alternate

Batch = dict[str, Any]


@dataclass
class Work:
    """Something to time, and what is known of it."""

    call: Callable[[], object]
    images: int
    memory: int
    """Bytes that it took on the GPU at most; 0 without a GPU."""
    passes: int
    """Forward passes an image, as `Limits.facts` takes them."""


def step_section(
    pages: dict[str, Page], plan: Plan, peaks: dict[str, Peaks], folder: Path
) -> Section:
    """Training steps of each page, through the Runner's own `train_step`."""
    works = {name: step_works(page, plan, folder) for name, page in pages.items()}
    notes = ["forward, loss, backward, optimizer step, targets included; resident crops of noise"]
    return _section(pages, works, plan, peaks, notes)


def inference_section(pages: dict[str, Page], plan: Plan, peaks: dict[str, Peaks]) -> Section:
    """Inference of each page: heatmaps alone, and keypoints without and with flip test."""
    works = {name: inference_works(page, plan) for name, page in pages.items()}
    notes = ["BatchNorm folded; keypoints: with decoding, in input px; resident crops of noise"]
    return _section(pages, works, plan, peaks, notes)


def resident_runner(page: Page, folder: Path, device: torch.device) -> tuple[Runner, list[Batch]]:
    """A Runner that has made one step, and the batches of a step, on its device."""
    experiment = prepare(without_workers(without_validation(page)))
    count = experiment.data.batch_size * experiment.settings.accumulate
    random = supplied(
        experiment, lambda _, pipeline: RandomAnimals(count, experiment.meta, pipeline)
    )
    folder.mkdir(parents=True, exist_ok=True)
    own = Path(mkdtemp(dir=folder))  # each run has a directory of its own
    runner = new_runner(random, own, RunLog(None, main=False), device)
    runner.train_epoch(0)  # one step; puts every layer in the mode that training wants
    return runner, [on_device(batch, device) for batch in runner.loader]


def new_runner(experiment: Experiment, folder: Path, log: RunLog, device: torch.device) -> Runner:
    """The Runner of `experiment`, before its first step, without validation."""
    settings = experiment.settings
    set_backends(settings.deterministic, device, settings.tf32)
    batches = loader(experiment, experiment.dataset("train"), train=True, device=device)
    identity = dict[str, Any](size_of_epoch(batches, settings))
    return make_runner(experiment, identity, batches, None, folder, log, device)


def on_device(batch: Batch, device: torch.device) -> Batch:
    """What a training step or a prediction takes from the loader, moved to the device."""
    moved = {name: batch[name].to(device) for name in ("images", "keypoints", "visible")}
    return {**batch, **moved}


def process_memory() -> float:
    """Most memory that this process used so far, GiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 2**30


def step_works(page: Page, plan: Plan, folder: Path) -> dict[str, Work]:
    """The training step of a page."""
    before = _allocated(plan.device)
    runner, batches = resident_runner(page, folder, plan.device)

    def step() -> torch.Tensor:
        return runner.train_step(batches)

    images = sum(len(batch["images"]) for batch in batches)
    memory = _peak(step, plan.device) - before
    return {"training step": Work(step, images, memory, TRAINING)}


def inference_works(page: Page, plan: Plan) -> dict[str, Work]:
    """Heatmaps alone, and keypoints without and with the page's flip test."""
    experiment = prepare(without_workers(page))
    device, settings = plan.device, experiment.settings
    precision = resolve_precision(settings.precision, device)
    before = _allocated(device)
    model = fold_batch_norm(experiment.model.to(device).to(memory_format=settings.memory_format))
    batch = _test_batch(experiment, device)
    images = len(batch["images"])
    answer = answers(model, precision, device)

    def heatmaps() -> torch.Tensor:
        with torch.inference_mode(), autocast(precision, device):
            return model(batch["images"])

    calls: list[tuple[str, Callable[[], object], int]] = [("heatmaps", heatmaps, 1)]
    calls.append(("keypoints, no flip test", lambda: answer(batch["images"], False), 1))
    if model.flip_test:
        calls.append(("keypoints, flip test", lambda: answer(batch["images"], True), 2))
    works = {}
    for name, call, passes in calls:
        works[name] = Work(call, images, _peak(call, device) - before, passes)
    return works


def answers(
    model: TopDown, precision: str, device: torch.device
) -> Callable[[torch.Tensor, bool], object]:
    """From images, and whether to test the mirror image too, to keypoints.

    Args:
        model: folded, as the evaluation folds it once for all batches.
    """

    def answer(images: torch.Tensor, flip_test: bool) -> object:
        model.flip_test = flip_test
        with torch.inference_mode(), autocast(precision, device):
            return model.predict(images)

    return answer


def _test_batch(experiment: Experiment, device: torch.device) -> Batch:
    count = experiment.data.val_batch_size
    random = RandomAnimals(count, experiment.meta, experiment.pipelines["test"])
    return on_device(next(iter(loader(experiment, random, train=False, device=device))), device)


def _section(
    pages: dict[str, Page],
    works: dict[str, dict[str, Work]],
    plan: Plan,
    peaks: dict[str, Peaks],
    notes: list[str],
) -> Section:
    """Time all works in turns; rates, shares of the roofline, ratios to the first page."""
    flat = {(name, work): found for name, group in works.items() for work, found in group.items()}
    labels = {f"{name}: {work}": (name, work) for name, work in flat}
    taken = alternate({key: flat[place].call for key, place in labels.items()}, plan, "resident")
    seconds = {place: taken[key] for key, place in labels.items()}
    first = next(iter(pages))
    training = any(work.passes == TRAINING for work in flat.values())
    limits = limits_of(pages, plan.device, training)
    rows = []
    for (name, kind), work in flat.items():
        figure = rate(seconds[name, kind], work.images, "img/s")
        facts = limits[name].facts(figure.median, work.passes, peaks)
        if plan.device.type == "cuda":
            facts["peak_memory_GiB"] = work.memory / 2**30
        variant = name if len(pages) > 1 else None
        rows.append(Row(kind, figure, facts, variant))
        if name != first and (first, kind) in flat:
            images = [flat[first, kind].images, work.images]
            times = [
                [value / count for value in seconds[key, kind]]
                for key, count in zip((first, name), images, strict=True)
            ]
            rows.append(Row(f"{kind}, ratio to {first}", ratio(*times), {}, variant))
    return Section(rows, [*notes, *_memory_notes(plan)])


def _memory_notes(plan: Plan) -> list[str]:
    if plan.device.type == "cuda":
        return ["peak memory is what the variant itself allocated on the GPU"]
    return [f"peak memory of the process up to here, all variants: {process_memory():.2f} GiB"]


def _allocated(device: torch.device) -> int:
    """Bytes on the GPU now."""
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0


def _peak(call: Callable[[], object], device: torch.device) -> int:
    """Most bytes on the GPU during a call that is not the first: choosing kernels is over."""
    call()
    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    call()
    return torch.cuda.max_memory_allocated(device)
