"""The main line: from runs to all numbers of a report, and the animals that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

import hrpose
from hrpose.datasets.base import PoseDataset
from hrpose.engine.experiment import Experiment, prepare
from hrpose.errors import DataError, RunError
from hrpose.metrics.bootstrap import doubts, images_to_draw
from hrpose.metrics.results.match import Matches
from hrpose.metrics.results.scorer import Scorer, ScoringSettings
from hrpose.metrics.score import Report as MetricReport
from hrpose.report.animals import Chosen, choose, described
from hrpose.report.groups import FEW_GROUPS, Grouping, group_images
from hrpose.report.numbers.calibration import calibration
from hrpose.report.numbers.keypoints import QUANTILES, by_keypoint
from hrpose.report.numbers.measured import Measured, yardstick
from hrpose.report.numbers.metrics import Drawn, differences, over_runs, with_intervals
from hrpose.report.numbers.sides import sides
from hrpose.report.numbers.sizes import by_size
from hrpose.report.numbers.thresholds import over_thresholds
from hrpose.report.runs import Run, find_runs
from hrpose.report.trained import curves_of, facts_of
from hrpose.rundir import provenance
from hrpose.storage.addresses import without_secrets
from hrpose.structures import Labels, Predictions

MOST_RUNS = 8
"""Side by side; more cannot be told apart."""


@dataclass(frozen=True)
class ReportRequest:
    """What to report on.

    Args:
        places: run directories or files of predictions; differences are from the first.
        config: the page of those that have none beside them.
        by: what images belong to, see `group_images`.
        thr: when a point is right; None as the page's first PCK says.
        resamples: draws that intervals are made of.
    """

    places: Sequence[Path]
    config: str | None = None
    cfg_options: Sequence[str] = ()
    by: str = "video"
    thr: float | None = None
    allow_missing: bool = False
    resamples: int = 1000
    seed: int = 0
    allow_opencv_5: bool = False


@dataclass(frozen=True)
class Report:
    """All that a report says.

    Args:
        numbers: the content of report.json.
        dataset: the test set, for the pictures.
        measured: of each run.
        chosen: rows of the animals that are shown.
    """

    numbers: dict[str, Any]
    dataset: PoseDataset
    measured: list[Measured]
    chosen: Chosen


@dataclass
class _Scored:
    """One run's predictions and all that was made of them."""

    run: Run
    matches: Matches
    report: MetricReport
    drawn: dict[str, Drawn] = field(default_factory=dict)


def make_report(request: ReportRequest) -> Report:
    """Find the runs, test those without predictions, and measure.

    Raises:
        HrposeError: with what the user can do.
    """
    if len(request.places) > MOST_RUNS:
        raise RunError(f"{len(request.places)} runs: a page shows {MOST_RUNS} side by side at most")
    runs = find_runs(request.places, request.config, request.cfg_options, request.allow_opencv_5)
    experiments = [prepare(run.page) for run in runs]
    dataset, labels = _one_test_set(runs, experiments)
    grouping = group_images(labels, runs[0].page, request.by)
    metrics = experiments[0].metrics  # the same for all: else they could not be compared
    settings = ScoringSettings(True, None, request.allow_missing, request.resamples, request.seed)
    scorer = Scorer(metrics, labels, settings)
    own = runs[0].page["metrics"]
    scored = [_score(scorer, run, grouping, run.page["metrics"] == own) for run in runs]
    _require_same_animals(scored)
    pck = yardstick(metrics, request.thr)
    groups = grouping.of_image
    measured = [
        Measured(labels, _sorted(one.matches), pck, groups, request.resamples, request.seed)
        for one in scored
    ]
    chosen = choose(measured, request.seed)
    numbers = {
        "hrpose": hrpose.__version__,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": provenance.command(),
        "test_set": _test_set(dataset, labels, grouping),
        "right": {"metric": pck.names[0], "thr": pck.thr, "unit": str(pck.unit)},
        "resamples": request.resamples,
        "intervals": "by_group" if groups else "by_image",
        "quantiles": list(QUANTILES),
        "runs": [_numbers_of(*parts) for parts in zip(scored, experiments, measured, strict=True)],
        "differences": [
            {
                "run": one.run.name,
                "minus": runs[0].name,
                "metrics": differences(one.report, scored[0].report, one.drawn, scored[0].drawn),
            }
            for one in scored[1:]
        ],
        "over_runs": over_runs([one.report for one in scored]) if len(scored) > 1 else {},
    }
    names = [run.name for run in runs]
    for part, rows in (("worst", chosen.worst), ("random", chosen.random)):
        numbers[part] = [described(dataset, names, measured, row) for row in rows]
    return Report(numbers, dataset, measured, chosen)


def _one_test_set(
    runs: Sequence[Run], experiments: Sequence[Experiment]
) -> tuple[PoseDataset, Labels]:
    """The test set that all runs have; DataError where they differ."""
    datasets = [each.dataset("test", labels_only=True) for each in experiments]
    labels = [dataset.labels() for dataset in datasets]
    first = labels[0]
    for run, other in zip(runs[1:], labels[1:], strict=True):
        what = ""
        if other.meta.names != first.meta.names:
            what = "other keypoints"
        elif [image["file_name"] for image in other.coco["images"]] != [
            image["file_name"] for image in first.coco["images"]
        ]:
            what = "other images"
        elif not all(
            np.array_equal(getattr(other.truth, name), getattr(first.truth, name))
            for name in vars(first.truth)
        ):
            what = "other labels"
        if what:
            raise DataError(
                f"{run.folder}: is tested on {what} than {runs[0].folder}; runs can be compared on "
                "one test set only: test them on the same, or make a report of each"
            )
    return datasets[0], first


def _score(scorer: Scorer, run: Run, grouping: Grouping, same_metrics: bool) -> _Scored:
    """A run's predictions by the first page's metrics, on all images and on draws of them.

    Args:
        same_metrics: the run's own page has these, too.
    """
    matches = scorer.read(run.predictions)
    if matches.trouble:
        raise DataError(
            f"{run.predictions}: {matches.trouble}; a report needs to know which animal is meant "
            "(data.test.box_file=None tests with the annotated boxes)"
        )
    one = _Scored(run, matches, scorer.score(matches))
    one.drawn["by_image"] = scorer.resample(matches, run.name)
    if grouping.of_image is not None:
        one.drawn["by_group"] = scorer.resample(matches, f"{run.name} by group", grouping.of_image)
    told = {name: run.numbers[name] for name in one.report.values if name in run.numbers}
    told = told if same_metrics else {}  # else equal names may mean other numbers
    wrong = [name for name, value in told.items() if not _same(value, one.report.values[name])]
    if wrong:
        run.notes.append(
            f"metrics.json beside the predictions has another {wrong[0]} than they have here "
            f"({told[wrong[0]]} and {one.report.values[wrong[0]]}): other predictions or another "
            "page; so it is not said what they were made by"
        )
        run.made_from.clear()
    return one


def _same(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return abs(first - second) <= 1e-6


def _require_same_animals(scored: Sequence[_Scored]) -> None:
    first = set(scored[0].matches.animals.tolist()) - {-1}
    for one in scored[1:]:
        different = len(first ^ (set(one.matches.animals.tolist()) - {-1}))
        if different:
            raise DataError(
                f"{one.run.predictions} and {scored[0].run.predictions} answer different animals "
                f"({different} are in one only); compare predictions of the same ones"
            )


def _sorted(matches: Matches) -> Predictions:
    return Predictions.join([matches.by_instance()])


def _test_set(dataset: PoseDataset, labels: Labels, grouping: Grouping) -> dict[str, Any]:
    return {
        "source": dataset.source or "drawn animals",
        "digest": dataset.digest(),
        "animals": len(labels.truth),
        "images": len(images_to_draw(labels)),
        "points": int((labels.truth.visible > 0).sum()),
        "left_out": len(dataset.left_out),
        "keypoints": list(labels.meta.names),
        "groups": grouping.counts,
        "grouped": grouping.how,
    }


def _numbers_of(one: _Scored, experiment: Experiment, measured: Measured) -> dict[str, Any]:
    """Every section of the report, for one run."""
    ends = {name: row["by_image"] for name, row in with_intervals(one.report, one.drawn).items()}
    images = len(set(measured.truth.image_ids.tolist()))
    groups = len(set(measured.groups.values())) if measured.groups else None
    warnings = [*one.run.notes, *doubts(ends, images)]
    if groups is not None and groups < FEW_GROUPS:
        warnings.append(f"intervals by group come from {groups} groups, too few to trust them")
    return {
        "name": one.run.name,
        "folder": str(one.run.folder),
        "predictions": one.matches.answers.digest,
        "warnings": warnings,
        "facts": facts_of(one.run, experiment),
        "page": without_secrets(one.run.page),
        "curves": curves_of(one.run.folder),
        "metrics": with_intervals(one.report, one.drawn),
        "notes": list(dict.fromkeys(one.report.notes)),
        "thresholds": over_thresholds(measured),
        "keypoints": by_keypoint(measured),
        "sides": sides(measured),
        "sizes": by_size(measured),
        "calibration": calibration(measured),
    }
