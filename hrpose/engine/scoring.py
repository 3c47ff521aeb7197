"""Score predictions from a file, with intervals, and compare two files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from hrpose.engine.experiment import prepare
from hrpose.engine.labels import Labels, image_list
from hrpose.engine.tables import keypoint_table, metric_table, write_numbers
from hrpose.errors import DataError, RunError
from hrpose.metrics.bootstrap import Difference, difference, percentiles, resampled
from hrpose.metrics.results.match import Matches, match
from hrpose.metrics.results.read import read_answers
from hrpose.metrics.score import Report
from hrpose.rundir import provenance
from hrpose.structures import Instances, Predictions


@dataclass(frozen=True)
class Settings:
    """What to do with a file of predictions.

    Args:
        nms: suppress duplicates before AP, as the page says; else the file counts as it is.
        images: score only the images of this list, see `image_list`.
        allow_missing: animals without an answer do not count for PCK and the like.
        resamples: draws of images that intervals and tests are made of; 0 for none.
    """

    nms: bool = False
    images: str | None = None
    allow_missing: bool = False
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 0 or self.seed < 0:
            raise RunError(f"--resamples {self.resamples}, --seed {self.seed}: must be 0 or more")


class Scorer:
    """Scores files of predictions on the labels of a page's test set; reads no image."""

    def __init__(self, page: dict[str, Any], settings: Settings) -> None:
        experiment = prepare(page)
        self.page, self.settings = page, settings
        self.metrics = experiment.metrics
        for metric in self.metrics:
            if not settings.nms and hasattr(metric, "nms"):
                metric.nms = "none"
        self.dataset = experiment.dataset("test", labels_only=True)
        self.labels = everything = Labels.of(self.dataset)
        if settings.images:
            self.labels = everything.only(image_list(settings.images, everything))
        self._left_aside = everything.image_ids() - self.labels.image_ids()

    def read(self, path: Path) -> Matches:
        """The predictions in `path`, matched with the labels.

        Raises:
            DataError: names the entry that cannot be used; see `read_answers` and `match`.
        """
        answers = read_answers(path, self.labels.meta)
        answers = answers.take(np.flatnonzero(~np.isin(answers.image_ids, list(self._left_aside))))
        matches = match(answers, self.labels, self.settings.allow_missing)
        by_instance = [metric.by_instance for metric in self.metrics]
        if matches.trouble and all(by_instance):
            raise DataError(matches.trouble)
        bare = np.flatnonzero(np.isnan(answers.instance_scores))
        if len(bare) and not all(by_instance):
            raise DataError(f"{answers.entry(bare[0])}: has no score, which AP ranks by")
        return matches

    def score(self, matches: Matches) -> Report:
        """Every metric of the page that the file allows, and the reason where it does not."""
        report = Report(matches.by_instance())
        for metric in self.metrics:
            if metric.by_instance and matches.trouble:
                report.values.update(dict.fromkeys(metric.names))
                notes = [f"does not exist: {matches.trouble}"]
            else:
                predictions, truth = self._view(metric, matches)
                scores = metric.compute(predictions, truth, self.labels.coco, self.labels.meta)
                report.values.update(scores.values)
                report.per_keypoint.update(scores.per_keypoint)
                report.notes.extend(scores.notes)
                notes = matches.notes if metric.by_instance else []
            report.notes.extend(f"{metric.names[0]}: {note}" for note in notes)
        return report

    def resample(self, matches: Matches, title: str) -> dict[str, np.ndarray]:
        """Each number on each draw of images, (resamples,)."""
        numbers: dict[str, np.ndarray] = {}
        for metric in self.metrics:
            if metric.by_instance and matches.trouble:
                continue

            def shown(batches: Iterable[Any], name: str = metric.names[0]) -> Iterable[Any]:
                return tqdm(batches, f"{title}: {name}", leave=False, disable=None, delay=1)

            predictions, truth = self._view(metric, matches)
            numbers |= resampled(
                metric, predictions, truth, self.labels.coco, self.labels.meta,
                self.settings.resamples, self.settings.seed, shown,
            )  # fmt: skip
        return numbers

    def _view(self, metric: Any, matches: Matches) -> tuple[Predictions, Instances]:
        """The predictions as `metric` wants them, and the truth that their index leads to."""
        if metric.by_instance:
            return matches.by_instance(), self.labels.truth
        return matches.by_image(self.labels.truth)


def run_scoring(
    page: dict[str, Any],
    path: Path,
    settings: Settings,
    out: Path | None = None,
    other: Path | None = None,
) -> tuple[Report, dict[str, Difference | None]]:
    """Score the predictions in `path`; prints as `run_test` does, and writes the same to `out`.

    With `other`, a second file for the same labels, tests how the two differ: `path` minus `other`.

    Raises:
        HrposeError: with what the user can do.
    """
    if other is not None and not settings.resamples:
        raise RunError("--compare tests by resampling; give --resamples a number above 0")
    scorer = Scorer(page, settings)
    print(f"test: {scorer.dataset.summary()}")
    animals, images = len(scorer.labels.truth), len(scorer.labels.image_ids())
    print(f"scored on {animals} animals in {images} images")
    files = [scorer.read(file) for file in (path, other) if file is not None]
    _check_same_animals(files)
    reports = [scorer.score(file) for file in files]
    drawn = []
    if settings.resamples:
        drawn = [scorer.resample(file, str(file.answers.path.name)) for file in files]
        reports[0].intervals = {name: percentiles(values) for name, values in drawn[0].items()}
        print(f"in brackets: 95% intervals, from {settings.resamples} draws of images")
    print(metric_table(reports[0]))
    print(keypoint_table(reports[0]))
    more: dict[str, Any] = {"intervals": reports[0].intervals}
    differences: dict[str, Difference | None] = {}
    if len(drawn) == 2:
        for name in (name for name in drawn[0] if name in drawn[1]):
            ours, theirs = reports[0].values[name], reports[1].values[name]
            differences[name] = difference(theirs, ours, drawn[1][name], drawn[0][name])
        print(comparison_table(reports[0], reports[1], differences, str(other)))
        more["comparison"] = {
            "other": str(other),
            "metrics": reports[1].values,
            "differences": {n: d and asdict(d) for n, d in differences.items()},
        }
    if out is not None:
        print(write_numbers(reports[0], page, _made_from(scorer, files), out, **more))
    return reports[0], differences


def comparison_table(
    report: Report, other: Report, differences: dict[str, Difference | None], name: str
) -> str:
    """One line a metric: both values, their difference, its interval and p."""
    width = max(map(len, differences), default=0)
    lines = [f"compared with {name}, difference (95% interval) and p of a paired bootstrap:"]
    for metric, step in differences.items():
        if step is None:
            lines.append(f"  {metric:<{width}}  does not exist")
            continue
        lines.append(
            f"  {metric:<{width}}  {report.values[metric]:.4f} - {other.values[metric]:.4f} = "
            f"{step.value:+.4f}  ({step.low:+.4f} to {step.high:+.4f})  p {step.p:.3f}"
        )
    return "\n".join(lines)


def _check_same_animals(files: list[Matches]) -> None:
    """Two files that answer different animals cannot be compared animal by animal."""
    clear = [set(file.animals.tolist()) - {-1} for file in files if not file.trouble]
    if len(clear) == 2 and clear[0] != clear[1]:
        paths = " and ".join(str(file.answers.path) for file in files)
        raise DataError(
            f"{paths} answer different animals ({len(clear[0] ^ clear[1])} are in one only); "
            "compare files with the same ones"
        )


def _made_from(scorer: Scorer, files: list[Matches]) -> dict[str, Any]:
    settings = scorer.settings
    made_from = {
        "predictions": str(files[0].answers.path),
        "predictions_sha256": files[0].answers.digest,
        "annotations_sha256": scorer.dataset.digest(),
        "config_sha256": provenance.page_digest(scorer.page),
        "animals": len(scorer.labels.truth),
        "left_out": len(scorer.dataset.left_out),
        **asdict(settings),
    }
    if len(files) > 1:
        made_from["other_sha256"] = files[1].answers.digest
    return made_from
