"""The random moves against MMPose: the same draws give the same numbers, and the draws have the
same distributions. With n = 20,000 draws a share is off by more than 4 sqrt(p (1 - p) / n), at most
0.0142, once in 16,000 times; the seed is fixed, so these tests do not flicker.
"""

import json
import math

import numpy as np
import pytest

from hrpose.datasets.half_body import RandomHalfBody, half_body_box
from hrpose.datasets.random_transforms import (
    RandomFlip,
    RandomScaleRotate,
    RandomShift,
    clipped_normal,
    flip_keypoints,
)
from hrpose.keypoints import KeypointMeta

DRAWS = 20_000
WIDTH, CENTER, SIZE = 60, np.float32([30, 20]), np.float32([60, 80])


def near(measured, expected, spread=0.0142):
    assert abs(measured - expected) < spread, (measured, expected)


@pytest.fixture(scope="module")
def cases(golden):
    return json.loads((golden / "data" / "random_transforms.json").read_text())


def arrays(case):
    joints = np.array(case["joints"], np.float32).reshape(-1, 2)
    return joints, np.array(case["visible"], np.float32)


def test_the_cases_are_there(cases):
    assert len(cases) == 36
    assert sum(case["flip"]["flipped"] for case in cases) == 18


def test_flip_is_the_reference_s(cases, reference_meta):
    for case in cases:
        expected = case["flip"]
        joints, visible = arrays(case)
        assert expected["flipped"] == (np.random.RandomState(case["seed"]).rand() <= 0.5)
        if expected["flipped"]:
            index = np.array(reference_meta(case["ds"]).flip_index)
            joints, visible = flip_keypoints(joints, visible, index, WIDTH)
        seen = visible > 0
        assert np.array_equal(visible, expected["vis"])
        assert np.allclose(joints[seen], np.array(expected["joints_3d"])[seen], atol=1e-5)


def test_half_body_is_the_reference_s(cases, reference_meta, references):
    taken = 0
    for case in cases:
        joints, visible = arrays(case)
        meta = reference_meta(case["ds"])
        width, height = references[case["ds"]]["input_size"]
        halves = np.array(meta.upper_ids), np.array(meta.lower_ids)
        for key, prob in (("halfbody_p03", 0.3), ("halfbody_p1", 1.0)):
            draws = np.random.RandomState(case["seed"])
            center, size = CENTER, SIZE
            if visible.sum() > 8 and draws.rand() < prob:
                upper = draws.randn() < 0.5
                found = half_body_box(joints, visible, halves, upper, width / height)
                if found is not None:
                    center, size = found
                    taken += 1
            assert np.allclose(center, case[key]["center"], atol=1e-5)
            assert np.allclose(size / 200, case[key]["scale"], rtol=1e-5)
    assert taken > 36


def test_scale_and_rotation_are_the_reference_s(cases):
    for case in cases:
        draws = np.random.RandomState(case["seed"])
        factor = 1 + clipped_normal(draws.randn(), 0.5, 0.5)
        degrees = clipped_normal(draws.randn(), 40, 80)
        turned = draws.rand() <= 0.6
        assert np.allclose(SIZE * factor / 200, case["scalerot"]["scale"], rtol=1e-5)
        assert np.isclose(degrees if turned else 0, case["scalerot"]["rotation"], atol=1e-4)


def test_shift_is_the_reference_s(cases):
    """The reference draws uniform(0, 1) twice and stretches; ours are the stretched numbers."""
    for case in cases:
        for key, shift in (("shift_0.16", 0.16), ("shift_0.2", 0.2)):
            draws = np.random.RandomState(case["seed"])
            moved = draws.rand() < 0.3
            stretched = (2 * draws.rand(2) - 1) * shift

            class Fed:
                def __init__(self, moved, stretched):
                    self.random = lambda: 0.0 if moved else 1.0
                    self.uniform = lambda low, high, n: stretched

            sample = {"box": np.r_[0, 0, SIZE], "center": CENTER}
            RandomShift(0.3, shift)(sample, Fed(moved, stretched))
            assert np.allclose(sample["center"], case[key]["center"], atol=1e-5)


def test_flip_by_hand():
    keypoints = np.float32([[1, 2], [3, 4], [0, 7]])
    visible = np.float32([1, 1, 0])
    moved, seen = flip_keypoints(keypoints, visible, np.array([1, 0, 2]), 10)
    assert moved.tolist() == [[6, 4], [8, 2], [0, 7]]  # 10 - 1 - 3, 10 - 1 - 1, no label
    assert seen.tolist() == [1, 1, 0]
    again, _ = flip_keypoints(moved, seen, np.array([1, 0, 2]), 10)
    assert np.array_equal(again, keypoints)


def test_half_body_by_hand():
    points = np.float32([[0, 0], [4, 0], [2, 6], [10, 10], [12, 10], [14, 14]])
    halves = np.array([0, 1, 2]), np.array([3, 4, 5])
    all_seen = np.ones(6, np.float32)
    center, size = half_body_box(points, all_seen, halves, True, 1.0)
    assert center.tolist() == [2, 2]
    assert size.tolist() == [9, 9]  # extent 4 x 6, square, times 1.5
    center, size = half_body_box(points, all_seen, halves, False, 0.5)
    assert center.tolist() == pytest.approx([12, 34 / 3])
    assert size.tolist() == [6, 12]  # extent 4 x 4, half as wide as high
    two_up = np.float32([1, 1, 0, 1, 1, 1])
    assert half_body_box(points, two_up, halves, True, 1.0)[0].tolist()[0] == 12  # lower instead
    two_each = np.float32([1, 1, 0, 1, 1, 0])
    assert half_body_box(points, two_each, halves, False, 1.0)[0].tolist() == [2, 0]  # upper
    one_up = np.float32([1, 0, 0, 1, 1, 0])
    assert half_body_box(points, one_up, halves, True, 1.0) is None
    same = np.zeros((6, 2), np.float32)
    assert half_body_box(same, all_seen, halves, True, 1.0) is None


@pytest.mark.parametrize(
    ("upper", "lower", "preferred", "taken"),
    [  # MMPose 1.x: the upper body needs 2 keypoints, the lower 3
        (2, 3, True, "upper"),
        (2, 3, False, "lower"),
        (1, 3, True, "lower"),
        (2, 2, False, "upper"),
        (1, 2, True, None),
        (1, 2, False, None),
    ],
)
def test_half_body_of_mmpose_1_by_hand(upper, lower, preferred, taken):
    points = np.float32([[0, 0], [4, 0], [2, 6], [10, 10], [12, 10], [14, 14]])
    seen = np.float32([*(place < upper for place in range(3)), *(k < lower for k in range(3))])
    found = half_body_box(points, seen, (np.arange(3), np.arange(3, 6)), preferred, 1.0, 2)
    if taken is None:
        assert found is None
    else:
        assert (found[0][0] < 5) == (taken == "upper")


def test_half_body_needs_halves():
    assert "no upper_body" in RandomHalfBody().problem_with(KeypointMeta("toy", ["a", "b"]))


def test_distribution_of_shifts():
    rng, step = np.random.default_rng(11), RandomShift()
    box = np.array([0, 0, 100, 50.0])
    centers = np.stack([step({"box": box, "center": CENTER}, rng)["center"] for _ in range(DRAWS)])
    moved = (centers != CENTER).any(axis=1)
    near(moved.mean(), 0.3)
    shares = (centers - CENTER)[moved] / box[2:]
    assert np.abs(shares).max() <= 0.2 + 1e-6
    assert np.abs(shares).max(axis=0).min() > 0.199
    for axis in (0, 1):
        histogram = np.histogram(shares[:, axis], bins=8, range=(-0.2, 0.2))[0] / moved.sum()
        assert np.abs(histogram - 1 / 8).max() < 4 * math.sqrt(1 / 8 * 7 / 8 / moved.sum())
    near(np.corrcoef(shares.T)[0, 1], 0, 4 / math.sqrt(moved.sum()))


def share_below(limit):
    """Of a standard normal number that lies between -1 and 1."""
    below = lambda x: math.erf(x / math.sqrt(2))  # noqa: E731
    return (below(limit) + below(1)) / (2 * below(1))


def test_distribution_of_the_moves_of_mmpose_1():
    rng, shift = np.random.default_rng(14), RandomShift(0.3, 0.2, truncated=True)
    turn = RandomScaleRotate(0.5, 80, 0.6, truncated=True)
    box = np.array([0, 0, 100, 50.0])
    base = {"box": box, "center": CENTER, "size": SIZE, "rotation": 0.0}
    samples = [turn(shift(dict(base), rng), rng) for _ in range(DRAWS)]
    moved = np.stack([(sample["center"] - CENTER) / box[2:] / 0.2 for sample in samples])
    moved = moved[(moved != 0).any(axis=1)]
    scales = np.array([(sample["size"] / SIZE)[0] - 1 for sample in samples]) / 0.5
    turns = np.array([sample["rotation"] for sample in samples]) / 80
    near(len(moved) / DRAWS, 0.3)
    near((turns != 0).mean(), 0.6)
    for draws in (*moved.T, scales, turns[turns != 0]):
        assert np.abs(draws).max() <= 1 + 1e-5 and np.abs(draws).max() > 0.99
        for limit in (-0.7, -0.3, 0.0, 0.5, 0.8):
            near((draws < limit).mean(), share_below(limit), 2 / math.sqrt(len(draws)))


def test_distribution_of_flips(meta):
    rng, step = np.random.default_rng(12), RandomFlip()
    base = {"photo": (WIDTH, 2), "meta": meta, "keypoints": np.zeros((4, 2), np.float32)}
    base.update(visible=np.ones(4, np.float32), center=CENTER, flipped=False)
    samples = [step(dict(base), rng) for _ in range(DRAWS)]
    near(np.mean([sample["flipped"] for sample in samples]), 0.5)
    for sample in samples[:50]:
        assert sample["center"].tolist() == ([29, 20] if sample["flipped"] else [30, 20])


def test_distribution_of_half_bodies(meta):
    rng = np.random.default_rng(13)
    meta = KeypointMeta("ten", list("abcdefghij"), (), list("abcde"), list("fghij"))
    keypoints = np.random.default_rng(0).uniform(0, 50, (10, 2)).astype(np.float32)
    keypoints[5:] += 100
    base = {"keypoints": keypoints, "aspect": 1.0, "meta": meta, "center": CENTER, "size": SIZE}
    step = RandomHalfBody()
    for count, expected in ((8, 0.0), (9, 0.3)):
        visible = np.float32(np.arange(10) < count)
        xs = np.array([step({**base, "visible": visible}, rng)["center"][0] for _ in range(DRAWS)])
        taken = xs != 30
        near(taken.mean(), expected)
        if count == 9:
            normal_below_half = 0.5 * (1 + math.erf(0.5 / math.sqrt(2)))
            near((xs[taken] < 75).mean(), normal_below_half, 0.025)
            assert step.upper_prob == pytest.approx(normal_below_half, abs=1e-7)


def test_distribution_of_scales_and_rotations():
    rng, step = np.random.default_rng(14), RandomScaleRotate()
    ones = np.float32([1, 1])
    base = {"size": ones, "rotation": 0.0}
    samples = [step(dict(base), rng) for _ in range(DRAWS)]
    factors = np.array([sample["size"][0] for sample in samples])
    reference = np.clip(np.random.RandomState(0).randn(400_000) * 0.5 + 1, 0.5, 1.5)
    below = 0.5 * (1 + math.erf(-1 / math.sqrt(2)))  # P(normal < -1): clipped
    assert factors.min() == 0.5
    assert factors.max() == 1.5
    near((factors == 0.5).mean(), below)
    near((factors == 1.5).mean(), below)
    for share in (0.25, 0.4, 0.5, 0.6, 0.75):
        near((factors < np.quantile(reference, share)).mean(), share)
    turns = np.array([sample["rotation"] for sample in samples])
    near((turns == 0).mean(), 0.4)
    turned = turns[turns != 0]
    reference = np.clip(np.random.RandomState(1).randn(400_000) * 40, -80, 80)
    assert np.abs(turned).max() == 80
    near((np.abs(turned) == 80).mean(), (np.abs(reference) == 80).mean())
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        near((turned < np.quantile(reference, share)).mean(), share, 0.0185)
    near(np.corrcoef(factors, turns)[0, 1], 0, 4 / math.sqrt(DRAWS))
