"""Shapes that fit one another, and animals whose left and right are exchanged."""

import numpy as np
import pytest

from hrpose.datasets.faults.sides import shape_distances

SHAPE = np.array([1, 0.6 - 0.3j, 0.6 + 0.3j, -0.4 - 0.4j, -0.4 + 0.4j, -1])
SWAP = [0, 2, 1, 4, 3, 5]
ALL = np.ones((1, 6), bool)


def distance(first, second, known=ALL):
    return shape_distances(first[None], known, second[None], ALL)[0, 0]


def test_shift_turn_and_size_do_not_count():
    moved = 3 * np.exp(0.7j) * SHAPE + (40 - 7j)
    assert distance(SHAPE, moved) == pytest.approx(0, abs=1e-6)
    assert distance(moved, SHAPE) == pytest.approx(0, abs=1e-6)


def test_a_swap_is_a_mirror_image():
    """|<a, b>|^2 / (|a|^2 |b|^2) of a and its swap: sums of x^2 - y^2 and of x^2 + y^2 (mean 0.0667
    taken off x): (3.0133 - 0.5) / (3.0133 + 0.5) = 0.7154; sqrt(1 - 0.7154^2) = 0.6988.
    """
    assert distance(SHAPE, SHAPE[SWAP]) == pytest.approx(0.6988, abs=1e-4)
    assert distance(SHAPE, SHAPE.conj()) == distance(SHAPE, SHAPE[SWAP])


def test_too_few_common_points_tell_nothing():
    known = np.array([[True, True, True, True, True, False]])
    assert distance(SHAPE, SHAPE, known) == np.inf
    assert distance(np.full(6, 1 + 1j) - (1 + 1j), SHAPE) == np.inf  # six points in one place
