import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrpose.metrics.functional import auc, distances, mean_of, pck

NAN = float("nan")


def test_distances_by_hand():
    truth = np.zeros((3, 2, 2), np.float32)
    predicted = np.array([[[3, 4], [6, 8]], [[0, 0], [0, 2]], [[1, 0], [NAN, 5]]], np.float32)
    counts = np.array([[True, False], [True, True], [True, True]])
    table = distances(predicted, truth, counts, np.array([10.0, 4.0, 2.0]))
    np.testing.assert_array_equal(table, np.float32([[0.5, NAN], [0, 0.5], [0.5, np.inf]]))


def test_an_instance_without_normaliser_is_left_out():
    points = np.ones((2, 1, 2), np.float32)
    table = distances(points, points, np.ones((2, 1), bool), np.array([NAN, 1.0]))
    np.testing.assert_array_equal(table, [[NAN], [0]])


def test_x_and_y_can_have_their_own_normaliser():
    predicted = np.array([[[3.0, 40.0]]])
    table = distances(predicted, np.zeros((1, 1, 2)), np.ones((1, 1), bool), np.array([[1, 10]]))
    assert table.item() == 5.0


def test_pck_is_strict_and_averages_keypoints_that_have_points():
    table = np.float32([[0.3, 0.1, NAN], [0.29, NAN, NAN]])
    overall, per_keypoint = pck(table, 0.3)
    np.testing.assert_array_equal(per_keypoint, [0.5, 1.0, NAN])  # 0.3 itself is no hit
    assert overall == 0.75


def test_mean_weighs_points():
    overall, per_keypoint = mean_of(np.float32([[0.5, 0.25], [1.5, NAN]]))
    np.testing.assert_array_equal(per_keypoint, [1.0, 0.25])
    assert overall == 0.75


def test_auc_by_hand():
    # thresholds 0, 1/4, 1/2, 3/4: 0.5 is a hit for the last, 0 for all but the first
    assert auc(np.float32([[0.5]]), 4)[0] == 0.25
    assert auc(np.float32([[0.0]]), 4)[0] == 0.75
    assert auc(np.float32([[np.inf]]), 4)[0] == 0


@pytest.mark.parametrize("summary", [lambda t: pck(t, 0.3), mean_of, lambda t: auc(t, 5)])
@pytest.mark.parametrize("rows", [0, 2])
def test_no_points_at_all(summary, rows):
    overall, per_keypoint = summary(np.full((rows, 3), NAN, np.float32))
    assert np.isnan(overall)
    assert np.isnan(per_keypoint).all() and len(per_keypoint) == 3


@given(st.lists(st.floats(0, 10, width=32), min_size=1, max_size=30), st.floats(0, 10))
def test_pck_counts_what_a_loop_counts(values, thr):
    table = np.float32(values)[:, None]
    hits = sum(bool(np.float32(value) < np.float32(thr)) for value in values)
    assert pck(table, thr)[0] == pytest.approx(hits / len(values))


@pytest.mark.parametrize("version", ["v014", "v029"])
def test_reference(golden, version):
    file = np.load(golden / "metrics" / "coord_metrics.npz")
    raw = file["normalize"]
    if version == "v014":  # a zero becomes huge, by axis
        normaliser = np.where(raw > 0, raw, 1e6)
    else:  # the instance is left out
        normaliser = np.where((raw == 0).any(axis=1, keepdims=True), np.nan, raw)
    table = distances(file["pred"], file["gt"], file["mask"], normaliser)
    for thr in (0.05, 0.3):
        overall, per_keypoint = pck(table, thr)
        np.testing.assert_array_equal(
            np.nan_to_num(per_keypoint, nan=-1), file[f"pck_{thr}_acc_{version}"]
        )
        assert overall == pytest.approx(float(file[f"pck_{thr}_avg_{version}"]), abs=1e-15)
    assert mean_of(table)[0] == pytest.approx(float(file[f"nme_{version}"]), abs=1e-7)


def test_reference_in_pixels(golden):
    file = np.load(golden / "metrics" / "coord_metrics.npz")

    def table(length):
        lengths = np.full(len(file["gt"]), length)
        return distances(file["pred"], file["gt"], file["mask"], lengths)

    assert mean_of(table(1))[0] == pytest.approx(float(file["epe"]), abs=1e-6)
    assert auc(table(30), 20)[0] == pytest.approx(float(file["auc30"]), abs=1e-15)
    assert auc(table(50), 10)[0] == pytest.approx(float(file["auc50_step10"]), abs=1e-15)
