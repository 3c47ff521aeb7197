import subprocess
import sys

import cv2
import numpy as np
import pytest

from hrpose.keypoints import KeypointMeta
from hrpose.visualize import FAR, MIDDLE, NEAR, draw_pose, prediction_grid, side_colours

META = KeypointMeta(
    "three",
    ["Nearfoot", "Offfoot", "Wither"],
    skeleton=[["Nearfoot", "Wither"], ["Offfoot", "Wither"]],
)
POINTS = np.array([[20.0, 80.0], [80.0, 80.0], [50.0, 20.0]])
GREY = np.full((100, 100, 3), 128, np.uint8)


def test_sides_have_their_colours():
    assert side_colours(META) == [NEAR, FAR, MIDDLE]


def test_flip_pairs_tell_sides_apart_where_names_do_not():
    meta = KeypointMeta("pair", ["a", "b", "c"], flip_pairs=[["a", "b"]])
    assert side_colours(meta) == [NEAR, FAR, MIDDLE]


def test_later_points_of_a_side_are_paler():
    meta = KeypointMeta("two", ["left_eye", "left_ear"])
    first, second = side_colours(meta)
    assert first == NEAR
    assert sum(second) > sum(first)


def test_points_and_limbs_are_drawn_on_a_copy():
    drawn = draw_pose(GREY, POINTS, np.ones(3), META)
    assert (GREY == 128).all()
    for k, colour in enumerate((NEAR, FAR, MIDDLE)):
        x, y = POINTS[k].astype(int)
        np.testing.assert_array_equal(drawn[y, x], colour)
    assert (drawn[50, 35] != 128).any()
    assert (drawn[50, 65] != 128).any()
    assert (drawn[90] == 128).all()


def test_one_colour():
    drawn = draw_pose(GREY, POINTS, np.ones(3), META, colour=(1, 200, 3))
    np.testing.assert_array_equal(drawn[80, 20], (1, 200, 3))


def test_hidden_points_and_their_limbs_are_left_out():
    drawn = draw_pose(GREY, POINTS, np.array([True, False, True]), META)
    assert (drawn[80, 80] == 128).all()
    assert (drawn[50, 65] == 128).all()
    np.testing.assert_array_equal(drawn[80, 20], NEAR)


def test_scores_and_threshold():
    drawn = draw_pose(GREY, POINTS, np.array([0.9, 0.3, 0.31]), META, threshold=0.3)
    assert (drawn[80, 80] == 128).all()
    np.testing.assert_array_equal(drawn[20, 50], MIDDLE)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30, -1e9])
def test_points_from_nowhere_do_not_break_the_picture(bad):
    points = POINTS.copy()
    points[0] = bad
    drawn = draw_pose(GREY, points, np.ones(3), META)
    assert (drawn[80, 20] == 128).all()
    np.testing.assert_array_equal(drawn[20, 50], MIDDLE)


def test_lines_grow_with_the_image():
    share = []
    for scale in (4, 8):
        blank = np.full((100 * scale, 100 * scale, 3), 128, np.uint8)
        drawn = draw_pose(blank, POINTS * scale, np.ones(3), META)
        share.append((drawn != 128).any(axis=2).mean())
    assert share[1] == pytest.approx(share[0], rel=0.2)


def grid(path, count=5, size=96, noise=0.0, **more):
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (count, size, size, 3), np.uint8) if noise else [GREY] * count
    truth = np.tile(POINTS, (count, 1, 1))
    return prediction_grid(
        crops, truth, np.ones((count, 3)), truth + 6, np.full((count, 3), 0.8), META, path, **more
    )


def test_grid_shows_truth_and_prediction(tmp_path):
    path = grid(tmp_path / "new" / "predictions.png", columns=2, captions=list("abcde"))
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    height, width, _ = image.shape
    assert height > 3 * 200
    assert width >= 900
    for colour in (NEAR, FAR, MIDDLE):
        assert (image == colour).all(axis=2).sum() > 5 * 20
    assert (image > 225).all(axis=2).sum() > 200
    assert path.stat().st_size < 1_500_000


def test_grid_tells_a_wrong_prediction_from_a_right_one(tmp_path):
    arguments = ([GREY], POINTS[None], np.ones((1, 3)))
    pictures = []
    for shift in (0, 15):
        path = tmp_path / f"{shift}.png"
        prediction_grid(*arguments, POINTS[None] + shift, np.ones((1, 3)), META, path)
        pictures.append(cv2.imread(str(path)).astype(int))
    differs = (pictures[0] != pictures[1]).any(axis=(0, 2))
    columns = np.flatnonzero(differs)
    assert columns[0] > 216
    assert differs.sum() > 50


def test_grid_of_noise_is_shrunk_to_fit(tmp_path):
    path = grid(tmp_path / "noise.png", count=24, size=216, noise=1.0, columns=4)
    assert path.stat().st_size < 1_500_000
    assert cv2.imread(str(path)) is not None


def test_grid_needs_an_animal(tmp_path):
    with pytest.raises(ValueError, match="no crops"):
        grid(tmp_path / "none.png", count=0)


def test_no_torch():
    code = "import sys, hrpose.visualize; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
