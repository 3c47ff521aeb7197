"""Scores files of predictions, on all images and on draws of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from hrpose.errors import DataError, RunError
from hrpose.metrics.ap.coco_ap import CocoAP
from hrpose.metrics.base import Metric
from hrpose.metrics.bootstrap import Groups, resampled
from hrpose.metrics.results.images import image_list
from hrpose.metrics.results.match import Matches, match
from hrpose.metrics.results.read import read_answers
from hrpose.metrics.score import Pairing, Report, score
from hrpose.structures import Labels


@dataclass(frozen=True)
class ScoringSettings:
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
    """Scores files of predictions on the labels of a test set; reads no image.

    Args:
        metrics: those of a page.
        labels: of the whole test set.
    """

    def __init__(
        self, metrics: Sequence[Metric], labels: Labels, settings: ScoringSettings
    ) -> None:
        self.metrics, self.labels, self.settings = list(metrics), labels, settings
        if not settings.nms:
            self.metrics = [
                metric.without_suppression() if isinstance(metric, CocoAP) else metric
                for metric in metrics
            ]
        if settings.images:
            self.labels = labels.only(image_list(settings.images, labels))
        self._all_labels = labels
        self._left_aside = labels.image_ids() - self.labels.image_ids()

    def read(self, path: Path) -> Matches:
        """The predictions in `path`, matched with the labels.

        Raises:
            DataError: names the entry that cannot be used; see `read_answers` and `match`.
        """
        answers = read_answers(path, self.labels.meta, self._all_labels)
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
        return score(
            matches.by_instance(), self.metrics, lambda metric: self._view(metric, matches)
        )

    def resample(
        self, matches: Matches, title: str, groups: Groups | None = None
    ) -> dict[str, np.ndarray]:
        """Each number on each draw of images, or of `groups` of them, (resamples,)."""
        numbers: dict[str, np.ndarray] = {}
        for metric in self.metrics:
            view = self._view(metric, matches)
            if view.trouble:
                continue

            def shown(batches: Iterable[Any], name: str = metric.names[0]) -> Iterable[Any]:
                return tqdm(batches, f"{title}: {name}", leave=False, disable=None, delay=1)

            resamples, seed = self.settings.resamples, self.settings.seed
            numbers |= resampled(
                metric, view.predictions, view.labels, resamples, seed, shown, groups
            )
        return numbers

    def _view(self, metric: Metric, matches: Matches) -> Pairing:
        """What `metric` sees of the file: answers to animals, or all entries as detections."""
        if metric.by_instance:
            predictions = matches.by_instance()
            return Pairing(predictions, self.labels, matches.notes, matches.trouble)
        predictions, truth = matches.by_image(self.labels.truth)
        return Pairing(predictions, replace(self.labels, truth=truth))
