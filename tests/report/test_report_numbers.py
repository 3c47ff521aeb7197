"""The sections of a report, of predictions with known errors."""

import numpy as np
import pytest
from report_cases import measured, poses

from hrpose.errors import RunError
from hrpose.metrics import NME, PCK
from hrpose.report.numbers.calibration import calibration
from hrpose.report.numbers.keypoints import by_keypoint
from hrpose.report.numbers.measured import at, yardstick
from hrpose.report.numbers.sides import sides
from hrpose.report.numbers.sizes import by_size
from hrpose.report.numbers.thresholds import over_thresholds

FAR = np.float32([40, 0])  # px: wrong at .1 of 100 px, and nobody's place


def test_one_bad_keypoint():
    """The nose is 30 px off in every animal, all else is perfect."""
    found = poses(10)
    found[:, 0, 0] += 30
    rows = by_keypoint(measured(found))
    nose, *others = rows
    assert (nose["name"], nose["points"], nose["pck"], nose["interval"]) == ("nose", 10, 0, [0, 0])
    assert nose["quantiles"] == pytest.approx([0.3] * 5) and nose["median_px"] == 30
    assert [(row["pck"], row["quantiles"][4]) for row in others] == [(1, 0)] * 3


def test_pck_steps_up_where_the_error_is():
    """One of four keypoints is .15 of the box off: .75 below, 1 above."""
    found = poses(10)
    found[:, 0, 0] += 15
    curve = over_thresholds(measured(found))
    assert len(curve["thresholds"]) == 24 and curve["thresholds"][-1] == 0.2
    expected = [1 if thr > 0.15 else 0.75 for thr in curve["thresholds"]]
    assert curve["pck"] == expected
    assert curve["right"] == {"pck": 0.75, "interval": [0.75, 0.75]}


def test_sides_exchanged_in_a_quarter_of_the_animals():
    found = poses(20)
    found[:5, [1, 2]] = found[:5, [2, 1]]
    (row,) = (told := sides(measured(found)))["pairs"]
    assert row["names"] == ["left_paw", "right_paw"]
    assert (row["pairs"], row["confused"], row["exchanged"], row["share"]) == (20, 10, 5, 0.25)
    assert row["interval"][0] < 0.25 < row["interval"][1]
    assert (told["points"], told["share"]) == (40, 0.25)
    assert told["pck"] == pytest.approx((1 + 0.75 + 0.75 + 1) / 4)
    assert told["pck_put_right"] == 1


def test_a_point_that_is_lost_is_not_confused_and_close_pairs_do_not_count():
    found = poses(4)
    found[0, 1] += FAR / 2  # half way to the other paw, which is 40 px away: nearer than half? no
    found[1, 1] -= FAR
    found[2, 1] = found[2, 2]  # both at the right paw
    told = sides(measured(found))["pairs"][0]
    assert (told["confused"], told["exchanged"]) == (1, 0)
    large = measured(poses(4), sides=[900] * 4)  # 40 px are less than .05 of 900
    told = sides(large)
    assert (told["points"], told["share"], told["pairs"][0]["interval"]) == (0, None, None)


def test_scores_that_are_probabilities():
    """Score .25 is right once in four times, .75 three times; so none is for 95%."""
    found, scores = poses(20), np.full((20, 4), 0.25)
    scores[10:] = 0.75
    found[:10, 1:] += FAR
    found[10:, 0] += FAR
    told = calibration(measured(found, scores))
    bins = {row["from"]: row for row in told["bins"] if row["points"]}
    assert set(bins) == {0.2, 0.7}
    assert [(row["points"], row["right"]) for row in bins.values()] == [(40, 0.25), (40, 0.75)]
    assert told["expected_calibration_error"] == 0
    assert told["cut_off"]["score"] is None and told["right"] == 0.5


def test_the_cut_off_for_95_percent():
    """Of 40 points with .9 38 are right, of 40 with .5 half; the lowest cut-off that does is .9."""
    found, scores = poses(20), np.full((20, 4), 0.5)
    scores[:10] = 0.9
    found[:2, 3] += FAR
    found[10:, 2:] += FAR
    cut = calibration(measured(found, scores))["cut_off"]
    assert cut["score"] == pytest.approx(0.9) and cut["precision"] == pytest.approx(0.95)
    assert (cut["points"], cut["kept"], cut["all"]) == (40, 0.5, False)
    assert cut["interval"][0] < 0.95 < cut["interval"][1]
    one_more = found.copy()
    one_more[2, 3] += FAR
    assert calibration(measured(one_more, scores))["cut_off"]["score"] is None


def test_a_few_points_make_no_cut_off():
    """One animal with a perfect score; of the others half the points are wrong."""
    found, scores = poses(20), np.full((20, 4), 0.5)
    scores[0] = 0.9
    found[1:, 2:] += FAR
    assert calibration(measured(found, scores))["cut_off"]["score"] is None


def test_no_cut_off_where_all_are_right():
    cut = calibration(measured(poses(6)))["cut_off"]
    assert (cut["score"], cut["kept"], cut["all"], cut["interval"]) == (1, 1, True, [1, 1])


def test_small_animals_are_worse():
    """20 px off: .4 of 50 px, .2 of 100, .1 of 201."""
    found = poses(15)
    found[..., 0] += 20
    rows = by_size(measured(found, sides=[201] * 5 + [50] * 5 + [100] * 5))
    assert [(row["name"], row["animals"]) for row in rows] == [
        ("small", 5), ("middle", 5), ("large", 5),
    ]  # fmt: skip
    assert [(row["from_px"], row["to_px"]) for row in rows] == [(50, 50), (100, 100), (201, 201)]
    assert [row["pck"] for row in rows] == [0, 0, 1]
    assert [row["nme"] for row in rows] == pytest.approx([0.4, 0.2, 20 / 201])
    assert {row["median_px"] for row in rows} == {20}
    assert [row["name"] for row in by_size(measured(poses(9)))] == ["all"]


def test_what_is_right_is_what_the_first_honest_pck_says():
    as_2021 = PCK(0.3, ("nose", "left_paw"), "mmpose-2021")
    strict = PCK(0.2, ("nose", "left_paw"), variant="strict")
    assert yardstick([NME(), as_2021, strict], None) is strict
    assert yardstick([as_2021], None) is as_2021
    assert yardstick([NME()], None).names == ("PCK@0.1",)
    closer = yardstick([strict], 0.05)
    assert (closer.names, str(closer.unit)) == (("strict/PCK@0.05",), "distance nose-left_paw")
    with pytest.raises(RunError, match="--thr 0: expected a positive number"):
        at(strict, 0.0)
