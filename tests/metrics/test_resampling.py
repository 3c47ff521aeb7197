import numpy as np
import pytest

from hrpose.metrics.functional import auc, mean_of, pck
from hrpose.metrics.resampling import mean_resampler, places_of, share_resampler

NAN, INF = np.nan, np.inf
# four animals in three images, two keypoints
TABLE = np.float32([[0.1, 0.4], [0.2, NAN], [0.6, NAN], [INF, NAN]])
PLACES = np.array([0, 0, 1, 2])
WEIGHTS = np.array([[1.0, 1, 1], [2, 1, 0], [0, 3, 0], [0, 0, 3]])


def repeated(row):
    """The table with each image as often as `row` says."""
    return np.concatenate(
        [TABLE[place == PLACES] for place in np.repeat(range(3), row.astype(int))]
    )


def test_places():
    images = np.array([3, 5, 9])
    assert places_of(np.array([9, 3, 3]), images).tolist() == [2, 0, 0]
    for stranger in (4, 10):
        with pytest.raises(ValueError, match="not among the images"):
            places_of(np.array([stranger]), images)


def test_shares_by_hand():
    # at 0.3, image once each: first keypoint 2 of 4, second 0 of 1
    values = share_resampler("p", TABLE, [0.3], PLACES, 3)(WEIGHTS)["p"]
    assert values.tolist() == pytest.approx([0.25, (4 / 5) / 2, 0, 0])


def test_means_by_hand():
    values = mean_resampler("m", TABLE, PLACES, 3)(WEIGHTS)["m"]
    assert values.tolist() == pytest.approx([NAN, (2 * 0.7 + 0.6) / 7, 0.6, NAN], nan_ok=True)


def test_weights_are_the_same_as_repeated_animals():
    for row in WEIGHTS:
        weights, table = row[None], repeated(row)
        assert share_resampler("p", TABLE, [0.5], PLACES, 3)(weights)["p"] == pytest.approx(
            [pck(table, 0.5)[0]]
        )
        steps = [step / 4 for step in range(4)]
        assert share_resampler("a", TABLE, steps, PLACES, 3)(weights)["a"] == pytest.approx(
            [auc(table, 4)[0]]
        )
        expected = mean_of(table)[0]
        assert mean_resampler("m", TABLE, PLACES, 3)(weights)["m"] == pytest.approx(
            [expected if np.isfinite(expected) else NAN], nan_ok=True
        )


def test_nothing_labelled_does_not_exist():
    empty = np.full((4, 2), NAN)
    for make in (
        share_resampler("x", empty, [1], PLACES, 3),
        mean_resampler("x", empty, PLACES, 3),
    ):
        assert np.isnan(make(WEIGHTS)["x"]).all()
