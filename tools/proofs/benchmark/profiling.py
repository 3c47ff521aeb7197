"""Where the time goes inside: a trace for chrome://tracing and the operators that take most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from proofs.benchmark.pages import Page
from proofs.benchmark.resident import Work, inference_works, step_works
from proofs.benchmark.startup import import_table
from proofs.benchmark.timing import Plan

_CALLS = 3
_TOP = 20


def profile_mode(mode: str, page: Page, plan: Plan, folder: Path, scratch: Path) -> str:
    """Profile what `mode` measures, into `folder`; returns a table, '' where there is none.

    'step' and 'inference' write a trace and a table of operators, 'train' a table of imports.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if mode == "train":
        table = import_table(page, scratch)
        (folder / "imports.txt").write_text(table + "\n", encoding="utf-8")
        return f"imports of tools/train.py, by package\n{table}"
    if mode == "step":
        return _profile(step_works(page, plan, scratch)["training step"], "step", plan, folder)
    if mode == "inference":
        work = list(inference_works(page, plan).values())[-1]
        return _profile(work, "inference", plan, folder)
    return ""


def _profile(work: Work, name: str, plan: Plan, folder: Path) -> str:
    activities = [ProfilerActivity.CPU]
    if plan.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    work.call()
    plan.wait()
    with profile(activities=activities, record_shapes=False) as found:
        for _ in range(_CALLS):
            work.call()
        plan.wait()
    found.export_chrome_trace(str(folder / f"{name}.json"))
    table = _table(found, plan.device)
    (folder / f"{name}.txt").write_text(table + "\n", encoding="utf-8")
    return f"{name}: {_CALLS} calls, the {_TOP} operators that take most\n{table}"


def _table(found: Any, device: torch.device) -> str:
    order = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    return str(found.key_averages().table(sort_by=order, row_limit=_TOP, max_name_column_width=60))
