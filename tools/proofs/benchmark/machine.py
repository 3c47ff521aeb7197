"""What the figures were measured on, and what this machine can do at most."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from hrpose.engine.loading import processors
from hrpose.engine.placement import PRECISIONS
from hrpose.rundir import provenance
from proofs.benchmark.figures import Figure, Row, Section, rate
from proofs.benchmark.timing import Plan, alternate

_COPY_MIB = {"cpu": 256, "cuda": 2048}
_MATRIX = {"cpu": 2048, "cuda": 8192}


def describe(device: torch.device) -> dict[str, Any]:
    """Processor, memory, GPU and how busy the machine was at the start."""
    facts: dict[str, Any] = {
        "cpu": _cpu_name(),
        "processors": os.cpu_count(),
        "processors_allowed": processors(),
        "threads": torch.get_num_threads(),
        "memory_gib": _memory_gib(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "device": str(device),
        "gpu": None,
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "gpu": properties.name,
            "gpu_memory_gib": properties.total_memory / 2**30,
            "gpu_multiprocessors": properties.multi_processor_count,
        }
    return facts


def versions() -> dict[str, str | None]:
    """Versions of all that takes part; None for a package that is not installed."""
    found: dict[str, str | None] = dict(provenance.versions())
    for package in ("pycocotools", "xtcocotools"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    cudnn = torch.backends.cudnn.version() if torch.cuda.is_available() else None
    return {**found, "cuda": torch.version.cuda, "cudnn": None if cudnn is None else str(cudnn)}


@dataclass(frozen=True)
class Peaks:
    """The two slopes of the roofline, measured here."""

    flops: Figure
    """Floating-point operations a second of a large matrix product, in units of 10^12."""
    bandwidth: Figure
    """Bytes read and written a second by a large copy, in units of 10^9."""

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {"product": self.flops.as_dict(), "copy": self.bandwidth.as_dict()}

    def text(self) -> str:
        """Both, a line each."""
        rows = [Row("matrix product", self.flops), Row("copy in memory", self.bandwidth)]
        return Section(rows).text()


def measure_peaks(precision: str, plan: Plan) -> Peaks:
    """A square matrix product in `precision` ('fp32', 'bf16', 'fp16') and a copy in memory.

    On a GPU, fp32 products may use TF32 where cuDNN's convolutions do.
    """
    kind, device = plan.device.type, plan.device
    side = _MATRIX.get(kind, _MATRIX["cpu"])
    left, right = (
        torch.randn((side, side), device=device).to(PRECISIONS[precision] or torch.float32)
        for _ in range(2)
    )
    product = torch.empty_like(left)
    source = torch.ones(_COPY_MIB.get(kind, _COPY_MIB["cpu"]) * 2**18, device=device)
    target = torch.zeros_like(source)
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        taken = alternate(
            {
                "product": lambda: torch.mm(left, right, out=product),
                "copy": lambda: target.copy_(source),
            },
            plan,
            "peaks",
        )
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return Peaks(
        rate(taken["product"], 2 * side**3 / 1e12, "TFLOP/s"),
        rate(taken["copy"], 2 * source.nbytes / 1e9, "GB/s"),
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return None
