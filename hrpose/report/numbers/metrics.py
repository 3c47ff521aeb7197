"""The page's metrics of each run, and by how much the other runs differ from the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from statistics import mean, stdev
from typing import Any

import numpy as np

from hrpose.metrics.bootstrap import difference, percentiles
from hrpose.metrics.score import Report

Drawn = Mapping[str, np.ndarray]
"""Of each metric, its values (R,) on all draws."""


def with_intervals(report: Report, drawn: Mapping[str, Drawn]) -> dict[str, dict[str, Any]]:
    """Of each metric its value, and its interval by each kind of draws, such as 'by_image'."""
    rows: dict[str, dict[str, Any]] = {}
    for name, value in report.values.items():
        rows[name] = {"value": value}
        for kind, draws in drawn.items():
            ends = percentiles(draws[name]) if name in draws else None
            rows[name][kind] = None if ends is None or value is None else list(ends)
    return rows


def differences(
    report: Report, first: Report, drawn: Mapping[str, Drawn], first_drawn: Mapping[str, Drawn]
) -> dict[str, dict[str, Any]]:
    """Of each metric, `report` minus `first`: two runs on the same draws of the same images."""
    rows: dict[str, dict[str, Any]] = {}
    for name in (name for name in first.values if name in report.values):
        rows[name] = {}
        for kind, draws in drawn.items():
            before = first_drawn[kind]
            step = None
            if name in draws and name in before:
                step = difference(
                    first.values[name], report.values[name], before[name], draws[name]
                )
            rows[name][kind] = step and asdict(step)
    return rows


def over_runs(reports: list[Report]) -> dict[str, dict[str, float | None]]:
    """Mean and standard deviation of each metric over the runs that have it, if all do."""
    rows: dict[str, dict[str, float | None]] = {}
    for name in reports[0].values:
        found = [report.values.get(name) for report in reports]
        known = [value for value in found if value is not None]
        whole = len(known) == len(reports)
        rows[name] = {
            "mean": mean(known) if whole else None,
            "deviation": stdev(known) if whole and len(known) > 1 else None,
        }
    return rows
