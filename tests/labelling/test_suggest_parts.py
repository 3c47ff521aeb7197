"""Reading tables, the four signs and the choice, on numbers worked by hand."""

from pathlib import Path

import numpy as np
import pytest

from hrpose.errors import DataError
from hrpose.labelling.candidates import Candidate, candidate_frames
from hrpose.labelling.choice import choose_pictures
from hrpose.labelling.pictures import Picture
from hrpose.labelling.predictions import read_predictions
from hrpose.labelling.reasons import signs, steady_pairs
from hrpose.labelling.robust import deviations, rolling_median, spread
from hrpose.predict.tables.csv_table import Table
from hrpose.sides import sided_pairs

NAMES = ["nose", "leftear", "rightear", "tail"]


def table(points: np.ndarray, scores: np.ndarray | None = None, animals: int = 1) -> Table:
    count = len(points)
    points = points.reshape(count, animals, 4, 2).astype(float)
    scores = np.full(points.shape[:3], 0.9) if scores is None else scores
    names = ["animal"] if animals == 1 else ["Ann", "Ben"]
    return Table("s", names, NAMES, [str(row) for row in range(count)], points, scores)


def runner(count: int = 60) -> np.ndarray:
    """An animal that runs to the right at 20 px a frame."""
    body = np.array([[30, 0], [20, -8], [20, 8], [-30, 0]])
    return body + np.arange(count)[:, None, None] * np.array([20, 0]) + 100


def rows_of(found, kind: str) -> list[int]:
    [sign] = [sign for sign in found if sign.kind == kind]
    return np.flatnonzero(sign.severity).tolist()


def test_a_fast_animal_without_a_fault_shows_no_sign():
    for sign in signs(table(runner()), [], [(1, 2)]):
        assert not sign.severity.any(), sign.kind


def test_the_frame_that_is_off_the_path_is_the_one_that_jumps():
    points = runner()
    points[30, 3] += [0, 50]
    found = signs(table(points), [], [])
    assert rows_of(found, "jump") == [30]  # not 31, in which the tail is back
    # from (570, 100+50) to (590, 100): the step is 53.9 px
    assert next(s for s in found if s.kind == "jump").says(30) == "tail jumps by 54 px a frame"


def test_a_swap_is_found_from_its_first_row_to_its_last():
    points = runner()
    points[20:27, 1:3] = points[20:27, 2:0:-1]
    found = signs(table(points), [], [(1, 2)])
    assert rows_of(found, "swap") == list(range(20, 27))
    says = next(s for s in found if s.kind == "swap").says(23)
    assert says == "leftear and rightear change places"


def test_of_a_swap_that_does_not_end_the_first_row_is_found():
    points = runner(200)
    points[100:, 1:3] = points[100:, 2:0:-1]
    assert rows_of(signs(table(points), [], [(1, 2)]), "swap") == [100]


def test_a_limb_that_is_too_long_is_found_in_its_animal():
    points = np.stack([runner(), runner() + 300], axis=1)
    points[40:43, 1, 3] -= [35, 0]
    found = signs(table(points, animals=2), [(0, 3)], [])
    assert rows_of(found, "limb") == [40, 41, 42]
    says = next(s for s in found if s.kind == "limb").says(41)
    assert says == "Ben's nose to tail 95 px, usually 60"


def test_a_low_likelihood_is_one_far_below_the_usual_of_its_point():
    scores = np.full((60, 1, 4), 0.9)
    scores[:, 0, 3] = 0.4  # a tail that is never sure
    scores[10, 0, 0], scores[11, 0, 0] = 0.6, 0.7  # 0.3 and 0.2 below, in MADs of at least 0.05
    found = signs(table(runner(), scores), [], [])
    assert rows_of(found, "likelihood") == [10]
    assert found[0].severity[10] == pytest.approx(6)
    assert found[0].says(10) == "likelihood of nose 0.60, usually 0.90"


def test_limbs_without_a_skeleton_are_the_steady_pairs():
    points = runner().astype(float)
    points[:, 3, 1] += np.linspace(0, 300, 60)  # the tail goes its own way
    assert steady_pairs(table(points)) == [(0, 1), (0, 2), (1, 2)]


def test_robust_numbers_by_hand():
    values = np.array([1.0, 2, 3, 4, 100, np.nan])
    assert spread(values) == pytest.approx(1.4826)  # deviations 2 1 0 1 97
    assert deviations(values, 0)[4] == pytest.approx(97 / 1.4826)
    assert deviations(np.array([2.0, 2, 2, 7]), 0.5)[3] == 10
    np.testing.assert_array_equal(rolling_median(np.array([1.0, 9, 2, 3]), 3), [5, 2, 3, 2.5])
    long = np.random.default_rng(0).normal(size=(9000, 2))
    np.testing.assert_array_equal(
        rolling_median(long, 5)[4090:4100],
        [np.median(long[i - 2 : i + 3], 0) for i in range(4090, 4100)],
    )


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["snout", "leftear", "rightear"], [("leftear", "rightear")]),
        (["r_eye", "l_eye", "tail"], [("l_eye", "r_eye")]),
        (["Nearfoot", "Offfoot"], [("Nearfoot", "Offfoot")]),
        (["NearFoot", "OffFoot"], [("NearFoot", "OffFoot")]),
        (["earL", "earR", "Left_Hip", "Right_Hip"], [("earL", "earR"), ("Left_Hip", "Right_Hip")]),
        (["paw1LH_top", "paw1RH_top", "upright"], [("paw1LH_top", "paw1RH_top")]),
        (["eyeleft", "eyeright"], [("eyeleft", "eyeright")]),
        (["left_ear", "right_eye", "L4", "R4"], [("L4", "R4")]),
    ],
)
def test_sides_are_read_from_names(names, pairs):
    assert sided_pairs(names) == pairs


def picture(number: int, level: float, weight: float, seconds: float | None) -> Picture:
    candidate = Candidate(number, number, "", weight)
    return Picture(candidate, seconds, np.full(4, level), (8, 8), Path("x"))


def test_the_choice_takes_faults_first_then_what_looks_different():
    found = [
        picture(0, 0, 1.0, 0.0),
        picture(60, 1, 0.9, 2.0),
        picture(120, 50, 0.5, 4.0),
        picture(180, 255, 0, 6.0),
    ]
    assert [p.candidate.number for p in choose_pictures(found, 2)] == [0, 120]
    assert [p.candidate.number for p in choose_pictures(found, 3)] == [0, 60, 120]
    assert [p.candidate.number for p in choose_pictures(found, 4)] == [0, 60, 120, 180]


def test_the_choice_goes_by_the_times_of_the_frames():
    slow = [picture(n, n, 1, n / 10) for n in range(0, 40, 5)]  # half a second apart
    assert np.diff([p.candidate.number for p in choose_pictures(slow, 3)]).min() >= 10
    timeless = [picture(n, n, 1, None) for n in range(0, 100, 20)]
    assert [p.candidate.number for p in choose_pictures(timeless, 2)] == [0, 80]
    with pytest.raises(DataError, match="only 3 frames can be chosen"):
        choose_pictures(timeless, 4)


def test_candidates_take_the_worst_of_each_kind_in_turn():
    points, scores = runner(), np.full((60, 1, 4), 0.9)
    scores[[5, 15, 25], 0, 0] = 0.1, 0.2, 0.3
    points[45, 3] += [0, 50]
    made = table(points, scores)
    found = candidate_frames(signs(made, [(0, 1)], []), made.scores, np.arange(60), (), 5, 3)
    assert [candidate.row for candidate in found] == [5, 45, 15]
    found = candidate_frames(signs(made, [(0, 1)], []), made.scores, np.arange(60), {5}, 5, 6)
    assert [candidate.row for candidate in found][:3] == [15, 45, 25]
    assert found[3].weight == 0 and "no sign of a fault" in found[3].why


HEAD = "scorer,s,s,s,s,s,s\nbodyparts,a,a,a,b,b,b\ncoords,x,y,likelihood,x,y,likelihood\n"


def test_what_is_missing_is_nan_with_score_0(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(HEAD + "0,1,2,0.5,-1,-1,-1\n1,,,0,-1,3,0.5\n")
    read = read_predictions(path)
    nan = np.nan
    np.testing.assert_array_equal(
        read.keypoints[:, 0], [[[1, 2], [nan, nan]], [[nan, nan], [-1, 3]]]
    )
    np.testing.assert_array_equal(read.scores[:, 0], [[0.5, 0], [0, 0.5]])


@pytest.mark.parametrize("individuals", [False, True])
def test_h5_and_csv_of_pandas_are_the_same_table(tmp_path, individuals):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    levels = [["DLC_x"], *([["i1", "i2"]] if individuals else []), ["a", "b"]]
    columns = pandas.MultiIndex.from_product(
        [*levels, ["x", "y", "likelihood"]],
        names=["scorer", *(["individuals"] if individuals else []), "bodyparts", "coords"],
    )
    values = np.random.default_rng(0).uniform(0, 1, (3, len(columns)))
    values[1, 3:6] = -1
    frame = pandas.DataFrame(values, columns=columns)
    frame.to_hdf(tmp_path / "t.h5", key="df_with_missing", format="table")
    frame.to_csv(tmp_path / "t.csv")
    first, second = read_predictions(tmp_path / "t.h5"), read_predictions(tmp_path / "t.csv")
    assert first.keypoints.shape == (3, 2 if individuals else 1, 2, 2)
    np.testing.assert_array_equal(first.keypoints, second.keypoints)
    np.testing.assert_array_equal(first.scores, second.scores)
    assert (first.labels, first.individuals) == (second.labels, second.individuals)
    assert np.isnan(first.keypoints[1, 0, 1]).all() and first.scores[1, 0, 1] == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x,y\n1,2\n", "no table of predictions: expected rows scorer, bodyparts and coords"),
        (HEAD + "0,1,2,0.5,1,2\n", "line 4 has 6 cells, expected 7"),
        (HEAD + "0,1,2,0.5,1,2,high\n", "line 4: could not convert string to float: 'high'"),
        (HEAD + "img/1.png,1,2,0.5,1,2,1\n", "expected the number of a frame of a video"),
        (HEAD + "1,1,2,0.5,1,2,1\n1,1,2,0.5,1,2,1\n", "row 1 after row 1"),
        (HEAD.replace("b,b,b", "a,a,a") + "0,1,2,0.5,1,2,1\n", "expected x, y, likelihood of"),
        (HEAD.replace("likelihood", "z") + "0,1,2,0.5,1,2,1\n", "expected x, y, likelihood of"),
    ],
)
def test_what_is_no_table_is_refused_by_its_place(tmp_path, text, says):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"t\.csv") as error:
        read_predictions(path)
    assert says in str(error.value)


def test_other_files_are_refused(tmp_path):
    for name, says in (("t.txt", "expected a table"), ("t.h5", "cannot be read as a table")):
        (tmp_path / name).write_text("nothing")
        if name.endswith("h5"):
            pytest.importorskip("tables")
        with pytest.raises(DataError, match=says):
            read_predictions(tmp_path / name)
    with pytest.raises(DataError, match="no such file"):
        read_predictions(tmp_path / "none.csv")
