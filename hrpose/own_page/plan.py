"""Sizes, batch and schedule of a run, from what there is to train on.

Legend: N animals to train on; sizes are width, height in px.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hrpose.own_page.labels import Part

LEAST, MOST = 4_000, 20_000
"""Optimizer steps of a run where time does not matter."""
PUBLISHED_EPOCHS = 210
SIDES = (128, 192, 256)
"""Longer sides of the input, px."""
_STRIDE = 4  # of HRNet: input px a heatmap cell
_LYING = 1.2  # width / height that is nearer to 4 to 3 than to a square


@dataclass(frozen=True)
class Plan:
    """How a page trains.

    Args:
        padding: how much larger than its box an animal's crop is.
        animals: N.
        rate: of the optimizer, at its highest.
        validations: about how many a run has.
    """

    input_size: tuple[int, int]
    padding: float
    animals: int
    batch_size: int
    epochs: int
    rate: float
    validations: int = 20

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """Width and height in cells."""
        return self.input_size[0] // _STRIDE, self.input_size[1] // _STRIDE

    @property
    def sigma(self) -> float:
        """Of the targets, in cells: 2 for 64 cells, as published, and in proportion."""
        return max(1.0, max(self.heatmap_size) / 32)

    @property
    def blur_kernel(self) -> int:
        """Taps of the blur before DARK decoding, an odd number: 11 for sigma 2, 17 for sigma 3."""
        taps = int(6 * self.sigma - 1)
        return taps if taps % 2 else taps - 1

    @property
    def steps_per_epoch(self) -> int:
        """Full batches of an epoch; what is left over waits for another one."""
        return max(1, self.animals // self.batch_size)

    @property
    def steps(self) -> int:
        """Optimizer steps of the run."""
        return self.epochs * self.steps_per_epoch

    @property
    def warmup(self) -> int:
        """Steps until the rate is at its highest."""
        return max(1, min(500, self.steps // 20))

    @property
    def val_interval(self) -> int:
        """Epochs from one validation to the next."""
        return max(1, math.ceil(self.epochs / self.validations))

    def with_steps(self, steps: int) -> Plan:
        """The same for about `steps` steps, at least one epoch."""
        return replace(self, epochs=max(1, round(steps / self.steps_per_epoch)))


def make_plan(
    part: Part, whole_frame: bool, input_size: tuple[int, int] | None, trained: bool
) -> Plan:
    """What suits `part`, the training set.

    Args:
        whole_frame: crops are whole frames.
        input_size: the user's choice.
        trained: it starts from a trained pose model, not from a classifier's backbone.
    """
    count = len(part.animals)
    padding = 1.0 if whole_frame else 1.25
    crops = part.sizes if whole_frame else part.animals.boxes[:, 2:]
    size = input_size or suitable_size(crops * padding)
    # small batches make more steps of little data; measured on 477 horses: 8 was better than 32
    batch = next(batch for batch, most in ((8, 1000), (16, 3000), (32, 10_000), (64, math.inf))
                 if count <= most)  # fmt: skip
    batch = max(1, min(batch, count))
    plan = Plan(size, padding, count, batch, 1, 2e-4 if trained else 7e-4)
    steps = min(MOST, max(LEAST, PUBLISHED_EPOCHS * plan.steps_per_epoch))
    epochs = steps / plan.steps_per_epoch
    return replace(plan, epochs=max(1, math.ceil(epochs) if steps == LEAST else int(epochs)))


def suitable_size(crops: np.ndarray) -> tuple[int, int]:
    """Input size for crops of the sizes (N, 2) px: no larger than the pictures have detail for, and
    four to three where nearly all crops lie (or stand).
    """
    known = crops[np.isfinite(crops).all(axis=1)]
    if not len(known):
        return SIDES[-1], SIDES[-1]
    longer = float(np.median(known.max(axis=1)))
    side = next((side for side in SIDES if side >= 0.8 * longer), SIDES[-1])
    low, high = np.quantile(known[:, 0] / known[:, 1], (0.2, 0.8))
    return shaped(side, float(low if low > 1 else high if high < 1 else 1))


def shaped(side: int, aspect: float) -> tuple[int, int]:
    """Width and height with the longer one `side`, for crops with `aspect` = width / height."""
    shorter = round(side * 3 / 4 / 32) * 32
    if aspect >= _LYING:
        return side, shorter
    return (shorter, side) if aspect <= 1 / _LYING else (side, side)
