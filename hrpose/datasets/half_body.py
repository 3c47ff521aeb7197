"""Training on a half of the body, upper or lower: the crop around it, and the dice.

Legend: K keypoints; frames as in `transforms`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.cache.region import View
from hrpose.datasets.random_transforms import flip_index_of
from hrpose.datasets.transforms import Sample, Transform, probability
from hrpose.geometry import box_to_center_size
from hrpose.keypoints import KeypointMeta


@lru_cache
def _halves(meta: KeypointMeta) -> tuple[np.ndarray, np.ndarray]:
    return np.array(meta.upper_ids), np.array(meta.lower_ids)


def half_body_box(
    keypoints: np.ndarray,
    visible: np.ndarray,
    halves: tuple[np.ndarray, np.ndarray],
    prefer_upper: bool,
    aspect: float,
    min_upper: int = 3,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre (2,) and size (2,) image px of a crop around one half of the body.

    The preferred half is taken if enough of its keypoints are labelled, otherwise the lower if that
    holds for it, otherwise the upper. The centre is the mean of its labelled keypoints; the size is
    their extent at the given aspect, times 1.5. None if they span no area to crop.

    Args:
        halves: ids of the upper and of the lower body.
        min_upper: how many are enough for the upper body; for the lower it is 3.
    """
    upper, lower = (keypoints[half][visible[half] > 0] for half in halves)
    use_upper = (prefer_upper and len(upper) >= min_upper) or len(lower) <= 2
    points = (upper if use_upper else lower).astype(np.float32)
    if len(points) < 2:
        return None
    width, height = points.max(axis=0) - points.min(axis=0)
    if width == height == 0:
        return None
    extent = np.array([0, 0, width, height], dtype=np.float32)
    return points.mean(axis=0), box_to_center_size(extent, aspect, 1.5)[1]


@register
class RandomHalfBody(Transform):
    """Crops to the upper or the lower body only, with probability `prob`, if enough is labelled.

    The defaults are those of MMPose 0.x, where `upper_prob` is P(standard normal < 0.5); in MMPose
    1.x `upper_prob` is 0.7 and `min_upper` 2.
    """

    reads = ("keypoints", "visible", "aspect", "meta")
    changes = ("center", "size")
    random = True

    def __init__(
        self,
        prob: float = 0.3,
        min_visible: int = 9,
        upper_prob: float = 0.6914625,
        min_upper: int = 3,
    ) -> None:
        self.prob = probability("prob", prob)
        self.upper_prob = probability("upper_prob", upper_prob)
        if min_visible < 0:
            raise ValueError(f"min_visible {min_visible}: must be 0 or more keypoints")
        if min_upper < 2:
            raise ValueError(f"min_upper {min_upper}: must be 2 or more keypoints")
        self.min_visible = min_visible
        self.min_upper = min_upper

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Take a half of the body, or not."""
        visible = sample["visible"]
        if np.count_nonzero(visible > 0) >= self.min_visible and rng.random() < self.prob:
            prefer_upper = bool(rng.random() < self.upper_prob)
            halves = _halves(sample["meta"])
            half = half_body_box(
                *(sample["keypoints"], visible, halves, prefer_upper),
                *(sample["aspect"], self.min_upper),
            )
            if half is not None:
                sample["center"], sample["size"] = half
        return sample

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """Also the crops around either half, and around what is a half once it is mirrored."""
        keypoints, visible = sample["keypoints"], sample["visible"]
        labelled = np.count_nonzero(visible > 0)
        if self.prob == 0 or labelled < self.min_visible:
            return views
        halves, mirror = _halves(sample["meta"]), flip_index_of(sample["meta"])
        aspect = views[0].size[0] / views[0].size[1]
        boxes = [
            half_body_box(keypoints, visible, ids, prefer_upper, aspect, self.min_upper)
            for ids in (halves, (mirror[halves[0]], mirror[halves[1]]))
            for prefer_upper in (True, False)
        ]
        found = [box for box in boxes if box is not None]
        return views + [View(tuple(c.tolist()), tuple(size.tolist())) for c, size in found]

    def problem_with(self, meta: KeypointMeta) -> str | None:
        """Keypoints without an upper and a lower body cannot be halved."""
        if meta.upper_ids and meta.lower_ids:
            return None
        return f"keypoints of {meta.dataset!r} name no upper_body and lower_body"
