import numpy as np
import pytest

from hrpose.metrics.ap.numbers import Matching, precision_recall, ten_numbers

# detections, best first: a hit in image 0, a false alarm in image 1, a hit in image 1, one that
# matches what does not count; three animals in three images
ONE = Matching(
    hits=np.array([[True, False, True, False]]),
    misses=np.array([[False, True, False, False]]),
    places=np.array([0, 1, 1, 2]),
    animals=np.array([1.0, 1, 1]),
)


def ap(*weights):
    precision, recall = precision_recall(ONE, np.array(weights, float))
    return precision[0].mean(), recall[0]


def test_each_once_by_hand():
    # precision 1 up to recall 1/3 (34 of 101 points), 2/3 up to 2/3 (33 points), then 0
    assert ap(1, 1, 1) == pytest.approx(((34 + 33 * 2 / 3) / 101, 2 / 3))


def test_images_drawn_twice_and_not_at_all_by_hand():
    # image 0 twice: 2 hits of 3 animals at precision 1 (67 points), then 3 of 4 at recall 1
    assert ap(2, 1, 0) == pytest.approx(((67 + 34 * 3 / 4) / 101, 1))
    # image 1 thrice: 3 false alarms, then 3 hits of 3 animals at precision 1/2
    assert ap(0, 3, 0) == pytest.approx((0.5, 1))
    assert ap(0, 0, 3) == (0, 0)


def test_nobody():
    empty = Matching(
        np.zeros((1, 0), bool), np.zeros((1, 0), bool), np.zeros(0, int), np.array([1.0, 0])
    )
    assert [part.max() for part in precision_recall(empty, np.array([1.0, 1]))] == [0, 0]
    assert all(np.isnan(part).all() for part in precision_recall(empty, np.array([0.0, 2])))


def test_categories_weigh_the_same_and_one_without_animals_nothing():
    def sure(found, animals):
        hits = np.full((10, 1), found)
        return Matching(hits, ~hits, np.array([0]), np.array([animals, 0.0]))

    good, bad, absent = sure(True, 1.0), sure(False, 3.0), sure(False, 0.0)
    weights = np.array([[1.0, 1], [0, 2]])
    table = ten_numbers([[good, good, absent], [bad, bad, absent], [absent] * 3], weights)
    assert table.shape == (2, 10)
    assert table[0, [0, 1, 2, 3, 5, 8]].tolist() == pytest.approx([0.5] * 6)
    assert np.isnan(table[0, [4, 9]]).all() and np.isnan(table[1]).all()
    assert np.isnan(ten_numbers([], weights)).all()
