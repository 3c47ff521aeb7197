"""How sure a number is: intervals and paired tests by drawing the images of a data set again.

Images are drawn, not animals or points, since those of one image are not independent; all animals
of an image go together. Frames of one video are not independent either, so for data cut from few
videos the intervals are those for other frames of the same videos, not for other animals. Where it
is known which images belong together (`Groups`), these are drawn instead, each with all its images.

Legend: I images, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hrpose.metrics.ap import input as ap_input
from hrpose.metrics.base import Metric
from hrpose.metrics.resampling import Resampler
from hrpose.structures import Labels, Predictions

FEW_IMAGES = 20
"""With fewer, draws of them are too much alike: the percentiles lie too near to one another."""

Groups = Mapping[int, Hashable]
"""By the id of each image, what it is drawn together with: its video, its animal."""

Shown = Callable[[Iterable[np.ndarray]], Iterable[np.ndarray]]
"""Wraps the batches of resamples, to show how far the work is."""

_ROUNDING = 1e-12
"""Numbers that are nearer are the same, summed in another order."""

_CHUNK = 50
"""Resamples that are worked on at once."""


@dataclass(frozen=True)
class Difference:
    """One number of two models on the same images, second minus first."""

    value: float
    low: float
    high: float
    """Ends of the interval."""
    p: float
    """Two-sided: how often a draw of images at most as kind to the better model turns the sign."""


def images_to_draw(labels: Labels) -> np.ndarray:
    """(I,) sorted ids of all images, also of those without an animal."""
    return np.union1d(ap_input.image_ids(labels.coco), labels.truth.image_ids)


def draws(count: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of `count` images is drawn, (<= 50, I) float64 at a time; each row sums to
    `count`. The same seed draws the same images.
    """
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        yield rng.multinomial(count, np.full(count, 1 / count), size=rows).astype(np.float64)


def resampled(
    metric: Metric,
    predictions: Predictions,
    labels: Labels,
    resamples: int = 1000,
    seed: int = 0,
    shown: Shown = iter,
    groups: Groups | None = None,
) -> dict[str, np.ndarray]:
    """Each number of `metric` on each draw, (R,) float64; NaN where it does not exist.

    The other arguments are those of `Metric.compute` and `drawn`.
    """
    images = images_to_draw(labels)
    if not len(images):
        return {name: np.full(resamples, np.nan) for name in metric.names}
    numbers = metric.resampler(predictions, labels, images)
    return drawn(numbers, images, resamples, seed, shown, groups)


def drawn(
    numbers: Resampler,
    images: np.ndarray,
    resamples: int = 1000,
    seed: int = 0,
    shown: Shown = iter,
    groups: Groups | None = None,
) -> dict[str, np.ndarray]:
    """What `numbers` gives on each draw of `images` (I,), sorted ids: (R,) float64 each.

    Args:
        groups: draw these, each with all its images; they name every one of `images`.
    """
    if groups is None:
        weights = draws(len(images), resamples, seed)
    else:
        place = {name: number for number, name in enumerate(dict.fromkeys(groups.values()))}
        of_image = np.array([place[groups[number]] for number in images.tolist()])
        weights = (part[:, of_image] for part in draws(len(place), resamples, seed))
    parts = [numbers(part) for part in shown(weights)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def intervals(
    metric: Metric,
    predictions: Predictions,
    labels: Labels,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    shown: Shown = iter,
) -> dict[str, tuple[float, float] | None]:
    """The interval of each number of `metric`: the percentiles that hold `level` of the draws.

    None where the number does not exist. See `resampled` for the arguments.
    """
    values = resampled(metric, predictions, labels, resamples, seed, shown)
    return {name: percentiles(values[name], level) for name in metric.names}


def percentiles(values: np.ndarray, level: float = 0.95) -> tuple[float, float] | None:
    """Both ends of the middle `level` of `values` (R,), without NaN; None if nothing is left."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def doubts(ends: dict[str, tuple[float, float] | None], images: int) -> list[str]:
    """Sentences on intervals that say less than they seem to, of numbers from so many `images`."""
    said = []
    if images < FEW_IMAGES and any(ends.values()):
        said.append(
            f"intervals and p come from {images} images with animals, too few to trust them; "
            f"{FEW_IMAGES} or more would do"
        )
    flat = [name for name, both in ends.items() if both is not None and both[0] == both[1]]
    if flat:
        said.append(
            f"the interval of {', '.join(flat)} has no width: every draw of images gives the same "
            "number, which is no certainty"
        )
    return said


def difference(
    first: float | None,
    second: float | None,
    first_drawn: np.ndarray,
    second_drawn: np.ndarray,
    level: float = 0.95,
) -> Difference | None:
    """The difference of one number from its values and its values (R,) on the same draws.

    p is twice the share of draws in which the sign is the other one or the difference is 0,
    counted with one draw more that agrees with no difference, so that it is never 0.
    """
    steps = second_drawn - first_drawn
    steps[np.abs(steps) < _ROUNDING] = 0
    ends = percentiles(steps, level)
    if first is None or second is None or ends is None:
        return None
    steps = steps[~np.isnan(steps)]
    tail = min(np.count_nonzero(steps <= 0), np.count_nonzero(steps >= 0))
    p = min(1.0, 2 * (tail + 1) / (len(steps) + 1))
    return Difference(second - first, *ends, p)
