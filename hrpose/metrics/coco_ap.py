"""AP and AR by OKS, as COCO defines them, with the rescoring and suppression of top-down poses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from hrpose.keypoints import KeypointMeta
from hrpose.metrics.ap_resampling import ten_numbers
from hrpose.metrics.base import finite, full_name
from hrpose.metrics.cocoapi import STATS, evaluate, matchings
from hrpose.metrics.evaluator_rows import Detections, renumbered
from hrpose.metrics.functional import mean_of
from hrpose.metrics.oks import instance_scores, keypoint_oks, oks_nms, soft_oks_nms
from hrpose.metrics.resampling import Resampler, places_of
from hrpose.registry import register
from hrpose.structures import Instances, Predictions, Scores

VIS_THR = 0.2
"""Keypoints with a higher score make up the score of their instance."""


@register
class CocoAP:
    """The ten numbers of COCO's keypoint challenge, of ground-truth or detector boxes.

    Instances are rescored (`instance_scores`), then duplicates in an image are suppressed. Per
    keypoint: mean OKS of the labelled points, whatever the matching says (ground-truth boxes only).

    Args:
        oks_thr: of two instances with a higher OKS between them one goes.
        vis_thr: keypoints with a higher score make up the score of their instance.
        nms: 'soft' is MMPose's, see `soft_oks_nms`.
        sigmas: per keypoint; None takes those of the data set.
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
        variant: str = "",
    ) -> None:
        if not 0 < oks_thr <= 1:
            raise ValueError(f"oks_thr {oks_thr}: expected a number above 0 and up to 1")
        if nms not in ("hard", "soft", "none"):
            raise ValueError(f"nms {nms!r}: expected 'hard', 'soft' or 'none'")
        if sigmas is not None and not all(sigma > 0 for sigma in sigmas):
            raise ValueError(f"sigmas {list(sigmas)}: expected positive numbers")
        self.oks_thr = oks_thr
        self.vis_thr = vis_thr
        self.nms = nms
        self.sigmas = None if sigmas is None else tuple(sigmas)
        self.variant = variant
        self.names = tuple(full_name(name, variant) for name in STATS)

    def check(self, meta: KeypointMeta) -> list[str]:
        """See `Metric.check`."""
        sigmas = meta.sigmas if self.sigmas is None else self.sigmas
        if sigmas is None:
            return [f"keypoints of {meta.dataset!r} have no sigmas; give the metric sigmas=[...]"]
        if len(sigmas) != len(meta):
            return [f"{len(sigmas)} sigmas, but {meta.dataset!r} has {len(meta)} keypoints"]
        return []

    def compute(
        self, predictions: Predictions, truth: Instances, coco: dict[str, Any], meta: KeypointMeta
    ) -> Scores:
        """See `Metric.compute`."""
        sigmas = np.array(meta.sigmas if self.sigmas is None else self.sigmas, dtype=np.float64)
        detections = self.detections(predictions, truth, sigmas)
        values, notes = evaluate(coco, detections, sigmas, np.unique(truth.category_ids).tolist())
        missing = len(truth) - len(predictions)
        if missing:
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

    def resampler(
        self,
        predictions: Predictions,
        truth: Instances,
        coco: dict[str, Any],
        meta: KeypointMeta,
        images: np.ndarray,
    ) -> Resampler:
        """See `Metric.resampler`."""
        sigmas = np.array(meta.sigmas if self.sigmas is None else self.sigmas, dtype=np.float64)
        detections = self.detections(predictions, truth, sigmas)
        parts = matchings(coco, detections, sigmas, np.unique(truth.category_ids).tolist())
        columns = places_of(np.array(list(renumbered(coco)), dtype=np.int64), images)

        def numbers(weights: np.ndarray) -> dict[str, np.ndarray]:
            return dict(zip(self.names, ten_numbers(parts, weights[:, columns]).T, strict=True))

        return numbers

    def detections(
        self, predictions: Predictions, truth: Instances, sigmas: np.ndarray
    ) -> Detections:
        """What is left to evaluate after rescoring and suppression, by image, best first."""
        rows = predictions.index
        scores = instance_scores(predictions.scores, truth.box_scores[rows], self.vis_thr)
        everything = Detections(
            predictions.keypoints,
            predictions.scores,
            scores,
            truth.image_ids[rows],
            truth.category_ids[rows],
        )
        order = np.lexsort((rows, everything.image_ids))
        starts = np.flatnonzero(np.diff(everything.image_ids[order])) + 1
        kept = [
            self._suppress(group, everything, predictions.areas, sigmas)
            for group in np.split(order, starts)
        ]
        return everything.take(np.concatenate(kept))

    def _suppress(
        self, rows: np.ndarray, poses: Detections, areas: np.ndarray, sigmas: np.ndarray
    ) -> np.ndarray:
        """Those of `rows`, all of one image, that stay."""
        if self.nms == "none" or len(rows) < 2:
            return rows
        suppress = soft_oks_nms if self.nms == "soft" else oks_nms
        points, scores = poses.keypoints[rows], poses.instance_scores[rows]
        return rows[suppress(points, scores, areas[rows], sigmas, self.oks_thr)]
