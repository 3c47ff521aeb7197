"""A benchmark from a page to a printed report and a JSON file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from hrpose.engine.experiment import prepare
from hrpose.engine.loading import processors
from hrpose.engine.placement import resolve_precision
from hrpose.errors import DataError, RunError
from hrpose.processes.device import choose_device, keep_freed_memory
from hrpose.rundir import provenance
from hrpose.storage.whole_file import write_whole
from proofs.benchmark import machine
from proofs.benchmark.figures import Section
from proofs.benchmark.loading import loader_section
from proofs.benchmark.pages import Page, load, read_variants
from proofs.benchmark.profiling import profile_mode
from proofs.benchmark.resident import inference_section, step_section
from proofs.benchmark.scoring import eval_section
from proofs.benchmark.startup import startup_rows
from proofs.benchmark.testing import testing_section
from proofs.benchmark.timing import Plan
from proofs.benchmark.training import train_section

MODES = ("loader", "inference", "step", "train", "test", "eval")
"""In the order in which 'all' runs them. Inference comes before the step, whose Runner lets cuDNN
choose kernels by trial for the whole process; tools/test.py does not."""
_NEED_DATA = ("loader", "train", "test")


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Args:
        mode: one of `MODES`, or 'all'.
        config: path of the page.
        changes: of the page, as KEY=VALUE.
        variants: each a name and further changes, for 'step' and 'inference'.
        repeats: runs of each figure that count.
        seconds: least length of a run.
        workers: numbers of loader processes for 'loader'; None: one, and as many as the page says.
        animals: how many 'test' takes; None: the whole test set.
        out: JSON file.
        profile: folder of traces and tables; None: no profiling.
    """

    mode: str
    config: str
    changes: Sequence[str] = ()
    variants: Sequence[Sequence[str]] = ()
    repeats: int = 5
    seconds: float = 1.0
    workers: Sequence[int] | None = None
    animals: int | None = None
    out: Path | None = None
    profile: Path | None = None


def benchmark(request: Request) -> dict[str, Any]:
    """Measure, print, and write `request.out`; returns what it holds.

    Raises:
        HrposeError: the page or a variant is wrong, or a single mode's data are not there; with
            'all' modes without data are left out, and that is said.
    """
    pages = _pages(request)
    page = next(iter(pages.values()))
    device = choose_device(page["runner"].get("device", "auto"))
    if device.type == "cpu":
        keep_freed_memory()  # as training and testing do
    plan = Plan(device, request.repeats, request.seconds)
    report = _head(request, pages, device)
    _write(report, request.out)
    print(_head_text(report), flush=True)
    with TemporaryDirectory(prefix="hrpose-benchmark-") as name:
        scratch = Path(name)
        modes = MODES if request.mode == "all" else (request.mode,)
        measure = _modes(request, pages, plan, report, scratch)
        for mode in modes:
            start = time.perf_counter()
            try:
                section = measure[mode]()
            except DataError as error:
                if mode not in _NEED_DATA:
                    raise
                reason = f"{mode} needs the page's data: {error}"
                if request.mode != "all":
                    raise DataError(
                        f"{reason}\nset data.root by --cfg-options; step, inference and eval need "
                        "no data"
                    ) from error
                report["left_out"][mode] = reason
                print(f"\n{mode}: left out; {reason}", flush=True)
                continue
            seconds = time.perf_counter() - start
            report["sections"][mode] = {**section.as_dict(), "took_s": round(seconds, 1)}
            _write(report, request.out)
            print(f"\n{mode} ({seconds:.0f} s)\n{section.text()}", flush=True)
            if request.profile:
                table = profile_mode(mode, page, plan, request.profile, scratch / f"profile-{mode}")
                print(f"\n{table}" if table else "", end="\n" if table else "", flush=True)
    _write(report, request.out)
    if request.out:
        print(f"\nwrote {request.out}")
    return report


def _pages(request: Request) -> dict[str, Page]:
    """The page and its variants, each checked."""
    pages = {}
    for variant in read_variants(request.variants):
        pages[variant.name] = load(request.config, [*request.changes, *variant.changes])
        prepare(pages[variant.name])
    return pages


def _modes(
    request: Request, pages: dict[str, Page], plan: Plan, report: dict[str, Any], scratch: Path
) -> dict[str, Callable[[], Section]]:
    """What each mode measures."""
    page = next(iter(pages.values()))
    found: dict[str, machine.Peaks] = {}

    def peaks() -> dict[str, machine.Peaks]:
        for one in pages.values():
            precision = resolve_precision(one["runner"].get("precision", "fp32"), plan.device)
            if precision not in found:
                found[precision] = machine.measure_peaks(precision, plan)
                print(f"\npeaks, {precision}\n{found[precision].text()}", flush=True)
                report["peaks"][precision] = found[precision].as_dict()
        return found

    def train() -> Section:
        section = train_section(page, plan, scratch / "train")
        section.rows += startup_rows(page, plan, scratch / "start")
        return section

    return {
        "loader": lambda: loader_section(page, plan, _workers(request, page)),
        "inference": lambda: inference_section(pages, plan, peaks()),
        "step": lambda: step_section(pages, plan, peaks(), scratch),
        "train": train,
        "test": lambda: testing_section(page, plan, request.animals),
        "eval": lambda: eval_section(page, plan),
    }


def _workers(request: Request, page: Page) -> Sequence[int]:
    if request.workers is not None:
        return request.workers
    return sorted({1, min(page["data"].get("workers", 4), processors())})


def _head(request: Request, pages: dict[str, Page], device: torch.device) -> dict[str, Any]:
    """What every figure was made from."""
    page, *others = pages
    return {
        "mode": request.mode,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": provenance.command(),
        "repeats": request.repeats,
        "seconds_per_run": request.seconds,
        "machine": machine.describe(device),
        "versions": machine.versions(),
        "config": request.config,
        "changes": list(request.changes),
        "config_sha256": provenance.page_digest(pages[page]),
        "variants": {
            given[0]: {
                "changes": list(given[1:]),
                "config_sha256": provenance.page_digest(pages[name]),
            }
            for name, given in zip(others, request.variants, strict=True)
        },
        "page": pages[page],
        "peaks": {},
        "sections": {},
        "left_out": {},
    }


def _head_text(report: dict[str, Any]) -> str:
    facts, versions = report["machine"], report["versions"]
    lines = [
        f"{report['config']} {' '.join(report['changes'])}",
        f"config {report['config_sha256'][:12]}  {report['date']}",
        f"{facts['cpu']}, {facts['processors_allowed']} of {facts['processors']} processors, "
        f"{facts['threads']} threads, {facts['memory_gib']:.0f} GiB, load {facts['load_average']}",
        "  ".join(f"{name} {version}" for name, version in versions.items() if version),
        f"median (smallest to largest) of {report['repeats']} runs after warm-up",
    ]
    if facts["gpu"]:
        lines.insert(3, f"{facts['gpu']}, {facts['gpu_memory_gib']:.0f} GiB")
    return "\n".join(lines)


def _write(report: dict[str, Any], path: Path | None) -> None:
    """Write what is known so far: a long benchmark that is cut off keeps its first sections."""
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(report, indent=1) + "\n")
    except OSError as error:
        raise RunError(f"--out {path}: cannot be written ({error.strerror})") from error
