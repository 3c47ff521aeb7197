"""Which charts a report has, made of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hrpose.report.page.charts import LineChart, Series, Value, line_chart
from hrpose.report.page.strips import StripChart, strip_chart

Numbers = Mapping[str, Any]


def charts_of(numbers: Numbers) -> dict[str, Any]:
    """All charts by what they show; None where there is nothing to show."""
    runs = numbers["runs"]
    return {
        "loss": _loss(runs),
        "validation": [chart for name in _watched(numbers) if (chart := _validation(runs, name))],
        "thresholds": _thresholds(numbers),
        "keypoint_errors": _keypoint_errors(numbers),
        "keypoint_shares": _keypoint_shares(numbers),
        "sides": _sides(runs),
        "sizes": _sizes(numbers),
        "calibration": _calibration(runs),
        "cut_off": _cut_offs(runs),
        "differences": _differences(numbers),
    }


def _watched(numbers: Numbers) -> list[str]:
    """Metrics with a curve: the page's first, and the one that says what is right."""
    first = next(iter(numbers["runs"][0]["metrics"]), "")
    return list(dict.fromkeys([first, numbers["right"]["metric"]]))


def _loss(runs: Sequence[Numbers]) -> LineChart | None:
    series = [
        Series(run["name"], run["curves"]["train"]["step"], run["curves"]["train"]["loss"], style)
        for style, run in enumerate(runs)
        if run["curves"]["train"]["step"]
    ]
    ends = ", ".join(f"{one.name} ends at {one.y[-1]:.3g}" for one in series)
    return line_chart("Training loss", ends, series, "optimizer step", "Mean loss", log=True)


def _validation(runs: Sequence[Numbers], metric: str) -> LineChart | None:
    series = []
    for style, run in enumerate(runs):
        val = run["curves"]["val"]
        if metric in val["metrics"]:
            series.append(
                Series(run["name"], val["epoch"], val["metrics"][metric], style, dots=True)
            )
    last = [(one.name, one.y[-1]) for one in series if one.y and one.y[-1] is not None]
    words = ", ".join(f"{name} ends at {value:.4f}" for name, value in last)
    return line_chart(f"Validation: {metric}", words, series, "epoch", metric)


def _thresholds(numbers: Numbers) -> LineChart | None:
    right, series = numbers["right"], []
    for style, run in enumerate(numbers["runs"]):
        part = run["thresholds"]
        low, high = _both_ends(part["intervals"])
        series.append(Series(run["name"], part["thresholds"], part["pck"], style, low, high))
    words = "; ".join(
        f"{run['name']}: {_share(run['thresholds']['right']['pck'])} at {right['thr']:g}"
        for run in numbers["runs"]
    )
    return line_chart(
        "PCK over thresholds",
        words + ". Shaded: 95% intervals.",
        series,
        f"threshold, in units of the {right['unit']}",
        "Share of points nearer than the threshold, mean over keypoints",
        (0, 1),
        marks=[(right["thr"], f"{right['thr']:g}")],
    )


def _keypoint_errors(numbers: Numbers) -> StripChart | None:
    runs = numbers["runs"]
    rows = [
        (row["name"], [run["keypoints"][place]["quantiles"] for run in runs])
        for place, row in enumerate(runs[0]["keypoints"])
    ]
    return strip_chart(
        "Error of each keypoint",
        "Thin: from the 5% smallest errors to the 5% largest; thick: the middle half; upright: the "
        "median. The numbers are in the table below.",
        rows,
        f"distance, in units of the {numbers['right']['unit']}",
        (0, max([v for _, ones in rows for one in ones for v in one if v is not None], default=1)),
    )


def _keypoint_shares(numbers: Numbers) -> StripChart | None:
    runs = numbers["runs"]
    rows = [
        (row["name"], [_with_ends(run["keypoints"][place], "pck") for run in runs])
        for place, row in enumerate(runs[0]["keypoints"])
    ]
    return strip_chart(
        f"{numbers['right']['metric']} of each keypoint",
        "Dots with their 95% intervals. The numbers are in the table below.",
        rows,
        "share of points that are right",
        (0, 1),
    )


def _sides(runs: Sequence[Numbers]) -> StripChart | None:
    if runs[0]["sides"] is None:
        return None
    rows = [
        (
            " / ".join(row["names"]),
            [_with_ends(run["sides"]["pairs"][place], "share") for run in runs],
        )
        for place, row in enumerate(runs[0]["sides"]["pairs"])
    ]
    return strip_chart(
        "Left and right confused",
        "Share of each pair's points found at the other side, with 95% intervals.",
        rows,
        "share of points",
        (0, max(0.1, max((v for _, one in rows for r in one if r for v in r if v), default=0.1))),
    )


def _sizes(numbers: Numbers) -> StripChart | None:
    runs = numbers["runs"]
    rows = [
        (
            f"{row['name']}: {row['from_px']:.0f} to {row['to_px']:.0f} px",
            [_with_ends(run["sizes"][place], "pck") for run in runs],
        )
        for place, row in enumerate(runs[0]["sizes"])
    ]
    return strip_chart(
        f"{numbers['right']['metric']} by size of the animal",
        "Equal parts by the longest side of the box, with 95% intervals.",
        rows,
        "share of points that are right",
        (0, 1),
    )


def _calibration(runs: Sequence[Numbers]) -> LineChart | None:
    series = []
    for style, run in enumerate(runs):
        bins = [row for row in run["calibration"]["bins"] if row["points"]]
        low, high = _both_ends([row["interval"] for row in bins])
        scores, right = [row["score"] for row in bins], [row["right"] for row in bins]
        series.append(Series(run["name"], scores, right, style, low, high, dots=True))
    return line_chart(
        "How often a point with a score is right",
        "Each dot is a tenth of the scale of scores; shaded: 95% intervals. On the dotted line a "
        "score would be a probability.",
        series,
        "score",
        "Share of points that are right",
        (0, 1),
        (0, 1),
        diagonal=True,
    )


def _cut_offs(runs: Sequence[Numbers]) -> LineChart | None:
    """Precision of every run; of a single one also what is kept."""
    series, marks = [], []
    for style, run in enumerate(runs):
        curve = run["calibration"]["curve"]
        x = [row["cut_off"] for row in curve]
        series.append(Series(run["name"], x, [row["precision"] for row in curve], style))
        if len(runs) == 1:
            series.append(Series("kept", x, [row["kept"] for row in curve], 1))
        cut = run["calibration"]["cut_off"]
        score = cut["score"]
        if score is not None and not cut["all"]:
            marks.append((score, f"{score:.3f}" if len(runs) == 1 else ""))
    words = "Upright: the cut-off for 95% precision." if marks else ""
    if len(runs) == 1:
        words = "Whole line: precision; dashed: share of points kept. " + words
    return line_chart(
        "Precision from a cut-off on",
        words,
        series,
        "cut-off: points with this score or a higher one",
        "Share of the kept points that are right",
        (0, 1),
        marks=marks,
    )


def _differences(numbers: Numbers) -> StripChart | None:
    """Every metric that has a difference on a scale of shares."""
    steps = numbers["differences"]
    if not steps:
        return None
    kind = numbers["intervals"]
    rows = []
    for name in steps[0]["metrics"]:
        found = [step["metrics"].get(name, {}).get(kind) for step in steps]
        if all(one is None or max(abs(one["low"]), abs(one["high"])) <= 1 for one in found):
            strips = [one and [one["low"], one["value"], one["high"]] for one in found]
            rows.append((name, strips))
    return strip_chart(
        f"Differences from {steps[0]['minus']}",
        "Each run minus the first on the same images, with 95% intervals; at the upright line "
        "there is no difference.",
        [row for row in rows if any(row[1])],
        "difference",
        around_zero=True,
        styles=range(1, len(steps) + 1),
    )


def _with_ends(row: Numbers, key: str) -> list[Value] | None:
    """Low end, value and high end; the value alone where it has no interval."""
    if row[key] is None:
        return None
    low, high = row["interval"] or (row[key], row[key])
    return [min(low, row[key]), row[key], max(high, row[key])]


def _both_ends(intervals: Sequence[Sequence[float] | None]) -> tuple[list[Value], list[Value]]:
    low: list[Value] = [None if ends is None else ends[0] for ends in intervals]
    return low, [None if ends is None else ends[1] for ends in intervals]


def _share(value: Value) -> str:
    return "-" if value is None else f"{value:.3f}"
