"""Farthest-point choice: frames that look wrong and do not look alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hrpose.errors import DataError
from hrpose.labelling.pictures import Picture

GAP_SECONDS = 1.0
"""Chosen frames lie at least that far apart."""
GAP_FRAMES = 25
"""The same where the video has neither times nor a rate."""


def choose_pictures(pictures: Sequence[Picture], count: int) -> list[Picture]:
    """`count` of `pictures`, in the order of the video.

    First the surest fault; then always the one whose thumbnail is farthest from those of all that
    are chosen, its distance times its weight. Those without a fault come when no other is left.

    Raises:
        DataError: there are not so many that lie apart.
    """
    looks = np.stack([picture.thumbnail for picture in pictures]) if pictures else np.zeros((0, 1))
    weights = np.array([picture.candidate.weight for picture in pictures])
    distance = np.full(len(pictures), np.inf)
    free = np.ones(len(pictures), bool)
    chosen: list[int] = []
    while len(chosen) < count and free.any():
        faulty = free & (weights > 0)
        pool = np.flatnonzero(faulty if faulty.any() else free)
        value = np.minimum(distance[pool], 1e9) * np.where(weights[pool] > 0, weights[pool], 1)
        best = int(pool[value.argmax()])
        chosen.append(best)
        distance = np.minimum(distance, np.sqrt(((looks - looks[best]) ** 2).mean(axis=1)))
        free &= [_apart(picture, pictures[best]) for picture in pictures]
    if len(chosen) < count:
        raise DataError(
            f"only {len(chosen)} frames can be chosen that lie {GAP_SECONDS:g} s apart and can be "
            f"decoded, and {count} are asked for; ask for fewer with --n"
        )
    return [pictures[index] for index in sorted(chosen)]


def _apart(first: Picture, second: Picture) -> bool:
    if first.seconds is None or second.seconds is None:
        return abs(first.candidate.number - second.candidate.number) >= GAP_FRAMES
    # times of 30 frames a second are no round numbers
    return abs(first.seconds - second.seconds) >= GAP_SECONDS - 1e-3
