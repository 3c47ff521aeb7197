"""AP and AR by OKS, as COCO defines them, with the rescoring and suppression of top-down poses."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from hrpose.config.registry import register
from hrpose.keypoints import KeypointMeta
from hrpose.metrics.ap import referees
from hrpose.metrics.ap.input import Detections, animals_of, image_ids, usable
from hrpose.metrics.ap.matching import matchings
from hrpose.metrics.ap.numbers import STATS, ten_numbers
from hrpose.metrics.ap.oks import instance_scores, keypoint_oks, oks_nms, soft_oks_nms
from hrpose.metrics.base import Metric, finite, full_name
from hrpose.metrics.functional import mean_of
from hrpose.metrics.resampling import Resampler, places_of
from hrpose.structures import Instances, Labels, Predictions, Scores

VIS_THR = 0.2
"""Keypoints with a higher score make up the score of their instance."""

Evaluator = Literal["hrpose", "xtcocotools", "pycocotools"]


def evaluate(
    coco: dict[str, Any],
    detections: Detections,
    sigmas: np.ndarray,
    category_ids: Sequence[int],
    evaluator: Evaluator = "hrpose",
) -> tuple[dict[str, float | None], list[str]]:
    """The ten numbers `STATS`, None where there is nothing to average, and notes to the reader.

    Args:
        coco: all ground truth, ids as in the file.
        detections: for any of its images; of each image the 20 with the highest scores count.
        sigmas: (K,).
        category_ids: what to evaluate; annotations of other categories are left out.
        evaluator: who works the numbers out; see `CocoAP`.

    Raises:
        DataError: an annotation's or detection's shape or image does not fit.
    """
    images = image_ids(coco)
    animals, notes = animals_of(coco, len(sigmas), category_ids)
    found, dropped = usable(detections, images)
    if evaluator == "hrpose":
        parts = matchings(animals, found, sigmas, category_ids, images)
        numbers = ten_numbers(parts, np.ones((1, len(images))))[0]
    else:
        numbers = referees.ten_numbers_of(animals, found, sigmas, category_ids, images, evaluator)
    values = dict(zip(STATS, map(finite, numbers), strict=True))
    return values, notes + dropped + _absence_notes(values)


@register
class CocoAP(Metric):
    """The ten numbers of COCO's keypoint challenge, of ground-truth or detector boxes.

    Instances are rescored (`instance_scores`) unless they come with a ranking, then duplicates in
    an image are suppressed. Per keypoint: mean OKS of the labelled points of the instances that
    predictions answer, whatever the evaluator matches.

    Args:
        oks_thr: of two instances with a higher OKS between them one goes.
        vis_thr: keypoints with a higher score make up the score of their instance.
        nms: 'soft' is MMPose's, see `soft_oks_nms`.
        sigmas: per keypoint; None takes those of the data set.
        evaluator: who works the ten numbers out. 'hrpose' needs no other package and is the
            fastest; the other two give the same to the last bit, for those who want to see it.
        variant: goes before the names, as in 'origin/AP', to tell two on one page apart.
    """

    higher_is_better = True
    by_instance = False

    def __init__(
        self,
        oks_thr: float = 0.9,
        vis_thr: float = VIS_THR,
        nms: Literal["hard", "soft", "none"] = "hard",
        sigmas: Sequence[float] | None = None,
        evaluator: Evaluator = "hrpose",
        variant: str = "",
    ) -> None:
        if not 0 < oks_thr <= 1:
            raise ValueError(f"oks_thr {oks_thr}: expected a number above 0 and up to 1")
        if not 0 <= vis_thr < 1:
            raise ValueError(f"vis_thr {vis_thr}: expected a score from 0 to below 1")
        if nms not in ("hard", "soft", "none"):
            raise ValueError(f"nms {nms!r}: expected 'hard', 'soft' or 'none'")
        if sigmas is not None and not all(sigma > 0 for sigma in sigmas):
            raise ValueError(f"sigmas {list(sigmas)}: expected positive numbers")
        if evaluator not in get_args(Evaluator):
            known = ", ".join(map(repr, get_args(Evaluator)))
            raise ValueError(f"evaluator {evaluator!r}: expected one of {known}")
        if evaluator != "hrpose":
            referees.modules(evaluator)  # now, not after the first epoch
        self.oks_thr = oks_thr
        self.vis_thr = vis_thr
        self.nms: Literal["hard", "soft", "none"] = nms
        self.sigmas = None if sigmas is None else tuple(sigmas)
        self.evaluator = evaluator
        self.variant = variant
        self.names = tuple(full_name(name, variant) for name in STATS)

    def without_suppression(self) -> CocoAP:
        """The same metric for predictions that count as they are."""
        other = copy.copy(self)
        other.nms = "none"
        return other

    def check(self, meta: KeypointMeta) -> list[str]:
        """See `Metric.check`."""
        sigmas = meta.sigmas if self.sigmas is None else self.sigmas
        if sigmas is None:
            return [f"keypoints of {meta.dataset!r} have no sigmas; give the metric sigmas=[...]"]
        if len(sigmas) != len(meta):
            return [f"{len(sigmas)} sigmas, but {meta.dataset!r} has {len(meta)} keypoints"]
        return []

    def compute(self, predictions: Predictions, labels: Labels) -> Scores:
        """See `Metric.compute`."""
        truth, meta = labels.truth, labels.meta
        sigmas = np.array(meta.sigmas if self.sigmas is None else self.sigmas, dtype=np.float64)
        detections = self.detections(predictions, truth, sigmas)
        category_ids = np.unique(truth.category_ids).tolist()
        values, notes = evaluate(labels.coco, detections, sigmas, category_ids, self.evaluator)
        missing = len(truth) - len(predictions)
        if missing and predictions.instance_scores is None:
            notes.append(f"{missing} of {len(truth)} instances have no prediction: not found")
        rows = predictions.index
        similar = keypoint_oks(
            predictions.keypoints, truth.keypoints[rows], truth.areas[rows], sigmas
        )
        similar[~(truth.visible[rows] > 0)] = np.nan
        per_keypoint = dict(zip(meta.names, map(finite, mean_of(similar)[1]), strict=True))
        label = full_name("AP", self.variant)
        return Scores(
            values={full_name(name, self.variant): value for name, value in values.items()},
            per_keypoint={full_name("OKS", self.variant): per_keypoint},
            notes=[f"{label}: {note}" for note in notes],
        )

    def resampler(self, predictions: Predictions, labels: Labels, images: np.ndarray) -> Resampler:
        """See `Metric.resampler`."""
        truth, coco, meta = labels.truth, labels.coco, labels.meta
        sigmas = np.array(meta.sigmas if self.sigmas is None else self.sigmas, dtype=np.float64)
        category_ids = np.unique(truth.category_ids).tolist()
        annotated = image_ids(coco)
        animals, _ = animals_of(coco, len(sigmas), category_ids)
        found, _ = usable(self.detections(predictions, truth, sigmas), annotated)
        parts = matchings(animals, found, sigmas, category_ids, annotated)
        columns = places_of(annotated, images)

        def numbers(weights: np.ndarray) -> dict[str, np.ndarray]:
            return dict(zip(self.names, ten_numbers(parts, weights[:, columns]).T, strict=True))

        return numbers

    def detections(
        self, predictions: Predictions, truth: Instances, sigmas: np.ndarray
    ) -> Detections:
        """What is left to evaluate after rescoring and suppression, by image, best first."""
        rows = predictions.index
        scores = predictions.instance_scores
        if scores is None:
            scores = instance_scores(predictions.scores, truth.box_scores[rows], self.vis_thr)
        everything = Detections(
            predictions.keypoints,
            predictions.scores,
            scores,
            truth.image_ids[rows],
            truth.category_ids[rows],
        )
        order = np.lexsort((rows, everything.image_ids))
        if self.nms == "none":
            return everything.take(order)
        ordered = everything.take(order)
        suppress = soft_oks_nms if self.nms == "soft" else oks_nms
        kept = suppress(
            ordered.keypoints,
            ordered.instance_scores,
            predictions.areas[order],
            sigmas,
            self.oks_thr,
            ordered.image_ids,
        )
        return ordered.take(kept)


def _absence_notes(values: dict[str, float | None]) -> list[str]:
    if values["AP"] is None:
        return ["does not exist: no annotation has a labelled point"]
    sizes = {"M": "32^2 to 96^2", "L": "96^2 or more"}
    return [
        f"AP({size}) and AR({size}) do not exist: no labelled animal has an area of {area} px"
        for size, area in sizes.items()
        if values[f"AP({size})"] is None
    ]
