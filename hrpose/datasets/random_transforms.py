"""The random moves of training: each draws from the sample's own generator and re-plans the crop.

What happens to the numbers once the dice have fallen is in plain functions above each class.
Distributions are MMPose's; half bodies are in `half_body`.

Legend: K keypoints; frames as in `transforms`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.cache.region import View
from hrpose.datasets.transforms import Sample, Transform, probability
from hrpose.keypoints import KeypointMeta


def truncated_normal(rng: np.random.Generator) -> float:
    """A standard normal number, drawn again until it lies between -1 and 1."""
    while abs(draw := rng.standard_normal()) > 1:
        pass
    return draw


@register
class RandomShift(Transform):
    """With probability `prob` moves the centre by up to `shift` of the raw box's width, height.

    Args:
        truncated: draw as MMPose 1.x, by `truncated_normal`, instead of evenly.
    """

    reads = ("box",)
    changes = ("center",)
    random = True

    def __init__(self, prob: float = 0.3, shift: float = 0.2, truncated: bool = False) -> None:
        self.prob = probability("prob", prob)
        if not shift >= 0:
            raise ValueError(f"shift {shift}: must be 0 or more (shares of the box)")
        self.shift = shift
        self.truncated = truncated

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Move the centre, or not."""
        if rng.random() < self.prob:
            if self.truncated:
                draws = np.array([truncated_normal(rng), truncated_normal(rng)])
                offset = self.shift * draws
            else:
                offset = rng.uniform(-self.shift, self.shift, 2)
            sample["center"] = (sample["center"] + offset * sample["box"][2:]).astype(np.float32)
        return sample

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """The largest shift."""
        if self.prob == 0:
            return views
        x, y = (abs(self.shift) * float(side) for side in sample["box"][2:])
        return [view._replace(shift=(view.shift[0] + x, view.shift[1] + y)) for view in views]


@lru_cache
def flip_index_of(meta: KeypointMeta) -> np.ndarray:
    """`meta.flip_index` as an array (K,)."""
    return np.array(meta.flip_index)


def flip_keypoints(
    keypoints: np.ndarray, visible: np.ndarray, flip_index: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (K, 2) and visible (K,) of the mirrored image, which is `width` px wide."""
    keypoints, visible = keypoints.take(flip_index, axis=0), visible.take(flip_index)
    x = keypoints[:, 0]
    np.subtract(width - 1, x, out=x, where=visible > 0)
    return keypoints, visible


@register
class RandomFlip(Transform):
    """Mirrors left to right with probability `prob`, left and right keypoints changing places."""

    reads = ("photo", "meta")
    changes = ("keypoints", "visible", "center", "flipped")
    random = True

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = probability("prob", prob)

    def problem_with(self, meta: KeypointMeta) -> str | None:
        """A side that is in no pair would be called by the other's name."""
        names = meta.unpaired() if self.prob > 0 else []
        if not names:
            return None
        return (
            f"mirrors the animals, and {', '.join(map(repr, names))} say a side "
            "and have no partner in flip_pairs; name the pairs, or leave this step out"
        )

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Mirror keypoints and centre, or not."""
        if rng.random() < self.prob:
            width = sample["photo"][0]
            sample["keypoints"], sample["visible"] = flip_keypoints(
                sample["keypoints"], sample["visible"], flip_index_of(sample["meta"]), width
            )
            sample["center"] = center = sample["center"].copy()
            center[0] = width - 1 - center[0]
            sample["flipped"] = not sample["flipped"]
        return sample

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """A mirrored crop shows the same part of the photograph."""
        return views


def clipped_normal(draw: float, spread: float, limit: float) -> float:
    """`draw`, a standard normal number, times `spread`, held between -`limit` and `limit`."""
    return min(max(float(draw) * spread, -limit), limit)


@register
class RandomScaleRotate(Transform):
    """Scales the crop by 1 + N(0, `scale`), held to 1 -+ `scale`; and, with probability
    `rotate_prob`, turns it by N(0, `degrees`), held to twice that.

    Args:
        truncated: draw as MMPose 1.x, both by `truncated_normal`: no scale is held at the limit,
            and `degrees` is the furthest turn.
    """

    changes = ("size", "rotation")
    random = True

    def __init__(
        self,
        scale: float = 0.5,
        degrees: float = 40,
        rotate_prob: float = 0.6,
        truncated: bool = False,
    ) -> None:
        if not 0 <= scale < 1:
            raise ValueError(f"scale {scale}: must be from 0 to below 1; crops shrink by 1 - scale")
        if not degrees >= 0:
            raise ValueError(f"degrees {degrees}: must be 0 or more")
        self.scale = scale
        self.degrees = degrees
        self.rotate_prob = probability("rotate_prob", rotate_prob)
        self.truncated = truncated
        self.furthest = degrees if truncated else 2 * degrees

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Choose size and rotation."""
        factor = 1 + clipped_normal(self._draw(rng), self.scale, self.scale)
        sample["size"] = (sample["size"] * factor).astype(np.float32)
        if rng.random() < self.rotate_prob:
            sample["rotation"] = clipped_normal(self._draw(rng), self.degrees, self.furthest)
        return sample

    def _draw(self, rng: np.random.Generator) -> float:
        return truncated_normal(rng) if self.truncated else rng.standard_normal()

    def reach(self, views: list[View], sample: Sample) -> list[View] | None:
        """The largest crop, turned furthest."""
        grown = 1 + self.scale
        turn = self.furthest if self.rotate_prob else 0.0
        return [
            view._replace(
                size=(view.size[0] * grown, view.size[1] * grown), degrees=max(view.degrees, turn)
            )
            for view in views
        ]
