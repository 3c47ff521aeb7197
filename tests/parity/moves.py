"""The random moves of training: the same draws, the same result; and the same distributions."""

import math
from collections.abc import Callable

import numpy as np

from hrpose.datasets.half_body import RandomHalfBody
from hrpose.datasets.random_transforms import (
    RandomFlip,
    RandomScaleRotate,
    RandomShift,
)
from hrpose.datasets.transforms import Transform
from hrpose.keypoints import KeypointMeta
from parity.links import INPUTS, UNIT, Measured, Reference, Worst, link

CHAPTER = "Random moves"
FILES = "funcs/random_transforms.*"
DRAWS = 20_000
LIMIT = round(math.sqrt(-math.log(0.001 / 2) / DRAWS), 4)
"""Two samples of DRAWS from one distribution are further apart once in a thousand times
(Kolmogorov-Smirnov, two-sided; more rarely where single values have a probability)."""
CENTER, SIZE = np.float32([30, 20]), np.float32([60, 80])


class Fed:
    """A generator that hands out numbers already drawn, in the order in which a move asks."""

    def __init__(self, *numbers: float | np.ndarray) -> None:
        self.numbers = list(numbers)

    def random(self) -> float | np.ndarray:
        return self.numbers.pop(0)

    standard_normal = random

    def uniform(self, low: float, high: float, _count: int) -> np.ndarray:
        return low + (high - low) * self.random()


def drawn_shift(draws: np.random.RandomState) -> Fed:
    """What the reference draws for a shift, in its order."""
    first = draws.rand()
    return Fed(first, draws.rand(2)) if first < 0.3 else Fed(first)


def drawn_flip(draws: np.random.RandomState) -> Fed:
    """A flip happens at <= 0.5 in the reference, at < 0.5 here: the same but for 0.5 itself."""
    return Fed(draws.rand())


def drawn_half_body(draws: np.random.RandomState) -> Fed:
    """The upper body is preferred when a normal number is below 0.5; here, when a uniform number
    is below the probability of that, so 0 and 1 stand for yes and no.
    """
    first = draws.rand()
    return Fed(first, float(draws.randn() >= 0.5))


def drawn_scale_rotate(draws: np.random.RandomState) -> Fed:
    """The reference draws the angle before it decides whether to turn."""
    scale, angle, turn = draws.randn(), draws.randn(), draws.rand()
    return Fed(scale, turn, angle)


def moved(reference: Reference, case: dict, step: Transform, rng: Fed) -> dict:
    """The reference's start, moved by `step` with the numbers of `rng`."""
    arrays = reference.arrays("funcs/random_transforms.npz")
    name = f"{case['ds']}_{case['seed']}"
    width, height = INPUTS[case["ds"]]
    sample = {
        "photo": (60, 40),
        "box": np.r_[0, 0, SIZE],
        "keypoints": arrays[f"{name}_joints"][:, :2],
        "visible": arrays[f"{name}_vis"][:, 0],
        "center": CENTER,
        "size": SIZE,
        "rotation": 0.0,
        "flipped": False,
        "aspect": width / height,
        "meta": reference.meta(case["ds"]),
    }
    return step(sample, rng)


def measure_same_draws(
    reference: Reference, moves: dict[str, Transform], drawn: Callable[..., Fed]
) -> Measured:
    """Centre, size (px), rotation (degrees), keypoints (px) after each of `moves`."""
    worst, cases = Worst(), reference.json("funcs/random_transforms.json")
    for case in cases:
        for key, step in moves.items():
            their = case[key]
            our = moved(reference, case, step, drawn(np.random.RandomState(case["seed"])))
            worst.absolute(our["center"], their.get("center", CENTER))
            size = np.float32(their["scale"]) * UNIT if "scale" in their else SIZE
            worst.absolute(our["size"], size)
            worst.absolute(our["rotation"], their.get("rotation", 0))
            if "vis" in their:
                worst.absolute(our["flipped"], their["flipped"])
                worst.absolute(our["visible"], their["vis"])
                seen = our["visible"] > 0
                worst.absolute(our["keypoints"][seen], np.array(their["joints_3d"])[seen])
    return Measured(worst.value, f"{len(moves) * len(cases)} moves")


SAME: dict[str, tuple[dict[str, Transform], Callable[..., Fed]]] = {
    "Flip": ({"flip": RandomFlip(0.5)}, drawn_flip),
    "Half body": (
        {"halfbody_p03": RandomHalfBody(0.3), "halfbody_p1": RandomHalfBody(1.0)},
        drawn_half_body,
    ),
    "Scale and rotation": ({"scalerot": RandomScaleRotate(0.5, 40, 0.6)}, drawn_scale_rotate),
    "Shift": (
        {"shift_0.16": RandomShift(0.3, 0.16), "shift_0.2": RandomShift(0.3, 0.2)},
        drawn_shift,
    ),
}
for _name, (_moves, _drawn) in SAME.items():
    link(CHAPTER, f"{_name}, same draws", FILES, 1e-4, "px or degrees")(
        lambda reference, moves=_moves, drawn=_drawn: measure_same_draws(reference, moves, drawn)
    )


def two_samples(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest distance of the two cumulative distributions (Kolmogorov-Smirnov)."""
    ticks = np.concatenate([ours, theirs])
    places = (np.searchsorted(np.sort(sample), ticks, side="right") for sample in (ours, theirs))
    first, second = places
    return float(np.abs(first / len(ours) - second / len(theirs)).max())


def our_draws(step: Transform, seed: int, **start: object) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [step(dict(start), rng) for _ in range(DRAWS)]


def distribution(name: str) -> Callable:
    return link(CHAPTER, f"{name}, distribution", "none: the reference's formulas", LIMIT, "KS")


@distribution("Flip")
def flips(_: Reference) -> Measured:
    meta = KeypointMeta("one", ["nose"])
    ours = our_draws(
        RandomFlip(0.5), 21, photo=(60, 40), meta=meta, keypoints=np.zeros((1, 2), np.float32),
        visible=np.ones(1, np.float32), center=CENTER, flipped=False,
    )  # fmt: skip
    theirs = np.random.RandomState(21).rand(DRAWS) <= 0.5
    apart = two_samples(np.array([sample["flipped"] for sample in ours]), theirs)
    return Measured(apart, f"2 x {DRAWS:,} draws")


@distribution("Half body")
def half_bodies(_: Reference) -> Measured:
    """Which half it is, told by the crop's centre; 9 of 10 keypoints are labelled."""
    letters = list("abcdefghij")
    meta = KeypointMeta("ten", letters, (), letters[:5], letters[5:])
    keypoints = np.random.default_rng(0).uniform(0, 50, (10, 2)).astype(np.float32)
    keypoints[5:] += 100
    ours = our_draws(
        RandomHalfBody(0.3), 22, keypoints=keypoints, visible=np.float32([1] * 9 + [0]),
        aspect=1.0, meta=meta, center=CENTER, size=SIZE,
    )  # fmt: skip
    draws = np.random.RandomState(22)
    upper, lower = keypoints[:5, 0].mean(), keypoints[5:9, 0].mean()
    theirs = []
    for _draw in range(DRAWS):
        taken = draws.rand() < 0.3
        theirs.append((upper if draws.randn() < 0.5 else lower) if taken else CENTER[0])
    apart = two_samples(np.array([sample["center"][0] for sample in ours]), np.array(theirs))
    return Measured(apart, f"2 x {DRAWS:,} draws")


@distribution("Scale")
def scales(_: Reference) -> Measured:
    ours = our_draws(RandomScaleRotate(), 23, size=np.float32([1, 1]), rotation=0.0)
    theirs = np.clip(np.random.RandomState(23).randn(DRAWS) * 0.5 + 1, 0.5, 1.5)
    factors = np.array([sample["size"][0] for sample in ours])
    return Measured(two_samples(factors, theirs.astype(np.float32)), f"2 x {DRAWS:,} draws")


@distribution("Rotation")
def rotations(_: Reference) -> Measured:
    ours = our_draws(RandomScaleRotate(), 24, size=np.float32([1, 1]), rotation=0.0)
    draws = np.random.RandomState(24)
    angles = np.clip(draws.randn(DRAWS) * 40, -80, 80)
    theirs = np.where(draws.rand(DRAWS) <= 0.6, angles, 0)
    apart = two_samples(np.array([sample["rotation"] for sample in ours]), theirs)
    return Measured(apart, f"2 x {DRAWS:,} draws")


@distribution("Shift")
def shifts(_: Reference) -> Measured:
    ours = our_draws(RandomShift(0.3, 0.2), 25, box=np.array([0, 0, 1, 1]), center=np.zeros(2))
    draws = np.random.RandomState(25)
    moved_at_all = draws.rand(DRAWS, 1) < 0.3
    theirs = np.where(moved_at_all, 0.4 * (draws.rand(DRAWS, 2) - 0.5), 0)
    centers = np.stack([sample["center"] for sample in ours])
    apart = max(two_samples(centers[:, axis], theirs[:, axis]) for axis in (0, 1))
    return Measured(apart, f"2 x {DRAWS:,} draws, x and y")
