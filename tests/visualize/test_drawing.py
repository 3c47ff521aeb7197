"""Animals drawn on images, looked at as a user would: by colours and places."""

import subprocess
import sys

import numpy as np
import pytest

from hrpose.keypoints import KeypointMeta
from hrpose.visualize.colours import (
    INDIVIDUALS,
    LEFT,
    MIDDLE,
    RIGHT,
    limb_colours,
    side_colours,
)
from hrpose.visualize.drawing import draw_animals

META = KeypointMeta(
    "three",
    ["Nearfoot", "Offfoot", "Wither"],
    skeleton=[["Nearfoot", "Wither"], ["Offfoot", "Wither"]],
)
POINTS = np.array([[20.0, 80.0], [80.0, 80.0], [50.0, 20.0]])
GREY = np.full((100, 100, 3), 128, np.uint8)
FIELD = np.full((300, 400, 3), 128, np.uint8)


def draw(points=POINTS, scores=(1, 1, 1), image=GREY, **more):
    """One animal."""
    return draw_animals(image, np.array(points)[None], np.array(scores)[None], META, **more)


def near_colour(image, colour, within=12):
    """Where an image has about a colour."""
    return (np.abs(image.astype(int) - colour) <= within).all(axis=2)


def test_sides_have_their_colours():
    assert side_colours(META) == [LEFT, RIGHT, MIDDLE]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_eye", "right_eye"),
        ("L_Eye", "R_Eye"),
        ("leftear", "rightear"),
        ("EarLeft", "EarRight"),
        ("paw_L", "paw_R"),
        ("Near_Fore", "Off_Fore"),
        ("l.paw", "r.paw"),
    ],
)
def test_sides_are_read_from_names(left, right):
    meta = KeypointMeta("names", [right, left, "lumbar", "rump"])
    right_colour, left_colour, *others = side_colours(meta)
    assert (left_colour, right_colour) == (LEFT, RIGHT)
    assert others[0] == MIDDLE


def test_flip_pairs_tell_sides_apart_where_names_do_not():
    meta = KeypointMeta("pair", ["a", "b", "c"], flip_pairs=[["a", "b"]])
    assert side_colours(meta) == [LEFT, RIGHT, MIDDLE]


def test_later_points_of_a_side_are_paler():
    meta = KeypointMeta("two", ["left_eye", "left_ear"])
    first, second = side_colours(meta)
    assert first == LEFT
    assert sum(second) > sum(first)


def test_limbs_have_the_colour_of_their_sided_end():
    assert limb_colours(META) == [LEFT, RIGHT]
    across = KeypointMeta("across", ["left_eye", "right_eye"], skeleton=[["left_eye", "right_eye"]])
    assert limb_colours(across) == [MIDDLE]


def test_colours_of_sides_and_individuals_stay_apart_without_red_or_green():
    """Protanopia and deuteranopia, by the matrices of Machado et al., 2009, at full strength."""
    blind = {
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    }
    for name, matrix in blind.items():
        for group in ((LEFT, RIGHT, MIDDLE), INDIVIDUALS):
            linear = (np.array(group) / 255) ** 2.2
            seen = (linear @ np.array(matrix).T).clip(0, 1) ** (1 / 2.2) * 255
            apart = np.abs(seen[:, None] - seen).max(axis=2) + 999 * np.eye(len(group))
            assert apart.min() > 40, name


def test_points_and_limbs_are_drawn_on_a_copy():
    before = GREY.copy()
    drawn = draw()
    np.testing.assert_array_equal(GREY, before)
    assert drawn.dtype == np.uint8 and drawn.shape == GREY.shape
    for k, colour in enumerate((LEFT, RIGHT, MIDDLE)):
        x, y = POINTS[k].astype(int)
        np.testing.assert_array_equal(drawn[y, x], colour)
    assert (drawn[50, 35] != 128).any()
    assert (drawn[50, 65] != 128).any()
    assert (drawn[90] == 128).all()


def test_images_that_may_not_be_written_to_or_lie_backwards_in_memory():
    image = np.flip(FIELD[:, :, ::-1])
    image.flags.writeable = False
    np.testing.assert_array_equal(draw(image=image), draw(image=FIELD))


def test_hidden_points_and_their_limbs_are_left_out():
    drawn = draw(scores=(True, False, True))
    assert (drawn[80, 80] == 128).all()
    assert (drawn[50, 65] == 128).all()
    np.testing.assert_array_equal(drawn[80, 20], LEFT)


def test_points_at_the_threshold_are_left_out():
    drawn = draw(scores=(0.9, 0.3, 0.31), threshold=0.3)
    assert (drawn[80, 80] == 128).all()
    assert (drawn[20, 50] != 128).any()


def test_the_lower_a_score_the_fainter_its_point_and_its_limb():
    strength = []
    for score in (0.05, 0.3, 0.45, 0.6, 1.0):
        drawn = draw(scores=(score, 1, 1)).astype(int)
        strength.append((np.abs(drawn[80, 20] - 128).sum(), np.abs(drawn[50, 32:39] - 128).sum()))
    points, limbs = zip(*strength, strict=True)
    assert points[0] < points[1] < points[2] < points[3] == points[4]
    assert limbs[0] < limbs[1] < limbs[2] < limbs[3] == limbs[4]
    assert points[0] > 20, "faint, but seen"


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30, -1e9])
def test_points_from_nowhere_do_not_break_the_picture(bad):
    points = POINTS.copy()
    points[0] = bad
    drawn = draw(points)
    assert (drawn[80, 20] == 128).all()
    assert (drawn[50, 35] == 128).all()
    np.testing.assert_array_equal(drawn[20, 50], MIDDLE)


def test_nothing_but_nan_draws_nothing():
    nothing = np.full((3, 2), np.nan)
    drawn = draw(nothing, (np.nan,) * 3, boxes=np.full((1, 4), np.nan), ids=["a"], show_scores=True)
    np.testing.assert_array_equal(drawn, GREY)
    np.testing.assert_array_equal(
        draw_animals(GREY, np.empty((0, 3, 2)), np.empty((0, 3)), META), GREY
    )


def test_points_outside_of_the_image_and_the_limbs_to_them():
    points = POINTS.copy()
    points[0] = -30, 80
    drawn = draw(points, boxes=np.array([[-40.0, 10, 100, 200]]), ids=["x"])
    left_limb = drawn[33:43, 20:40]
    assert near_colour(left_limb, LEFT, 60).any(), "the part that is inside is seen"
    assert (drawn[80, 5] == 128).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (17, 9), (480, 640), (2160, 3840)])
def test_any_size_of_image(size):
    image = np.full((*size, 3), 128, np.uint8)
    points = POINTS / 100 * [size[1], size[0]]
    box = np.array([[0, 0, size[1], size[0]]])
    drawn = draw(points, image=image, boxes=box, ids=["animal"], show_scores=True, names=True)
    assert drawn.shape == image.shape
    assert (drawn != 128).any()


def test_lines_grow_with_the_image():
    share = []
    for scale in (4, 8):
        blank = np.full((100 * scale, 100 * scale, 3), 128, np.uint8)
        drawn = draw(POINTS * scale, image=blank)
        share.append((drawn != 128).any(axis=2).mean())
    assert share[1] == pytest.approx(share[0], rel=0.2)


def test_lines_grow_with_the_animal_on_images_of_one_size():
    blank = np.full((1000, 1000, 3), 128, np.uint8)
    drawn = [draw(POINTS * scale, image=blank) for scale in (4, 9)]
    dots = [near_colour(picture, RIGHT, 0).sum() for picture in drawn]
    assert dots[1] > 2 * dots[0]


def test_a_box_is_drawn_on_its_edge():
    drawn = draw(image=FIELD, boxes=np.array([[10.0, 8, 100, 90]]))
    np.testing.assert_array_equal(drawn[50, 10], (255, 255, 255))
    np.testing.assert_array_equal(drawn[50, 109], (255, 255, 255))  # its last column
    assert (drawn[50, 150] == 128).all()
    assert (drawn[30, 20] == 128).all()


def test_several_animals_have_outlines_and_labels_of_their_own():
    points = np.stack([POINTS, POINTS + np.array([150, 60])])
    boxes = np.array([[5.0, 40, 90, 70], [155, 100, 90, 70]])
    drawn = draw_animals(FIELD, points, np.ones((2, 3)), META, boxes=boxes, ids=["a", "b"])
    for n, (x, y, _, _) in enumerate(boxes.astype(int)):
        np.testing.assert_array_equal(drawn[y + 30, x], INDIVIDUALS[n])
        label = drawn[y - 12 : y - 2, x : x + 10]
        assert near_colour(label, INDIVIDUALS[n], 60).mean() > 0.3
    sides = [near_colour(drawn[:, part], LEFT, 0).any() for part in (slice(100), slice(150, 400))]
    assert sides == [True, True], "left and right are told apart in each of them"


def test_labels_do_not_hide_one_another():
    """Ten animals in one place: the paper of each label is seen whole."""
    points = np.tile(POINTS + np.array([150, 90]), (10, 1, 1))
    plain = draw_animals(FIELD, points, np.ones((10, 3)), META)
    drawn = draw_animals(FIELD, points, np.ones((10, 3)), META, ids=range(10), show_scores=True)
    one = draw_animals(FIELD, points[:1], np.ones((1, 3)), META, ids=[0], show_scores=True)
    alone = draw_animals(FIELD, points[:1], np.ones((1, 3)), META)
    area = (one != alone).any(axis=2).sum()
    assert (drawn != plain).any(axis=2).sum() > 9 * area


def test_the_label_has_id_and_mean_score_and_other_letters_than_latin_do_no_harm():
    def text(**more):
        return draw(POINTS + 100, (0.9, 0.5, 0), FIELD, **more)

    assert (text(ids=["7"]) != text()).any()
    assert (text(ids=["7"]) != text(ids=["8"])).any()
    assert (text(ids=["7"], show_scores=True) != text(ids=["7"])).any()
    np.testing.assert_array_equal(text(ids=["馬"]), text(ids=["?"]))


def test_names_stand_beside_their_points():
    drawn = draw(POINTS * 2 + 60, image=FIELD, names=True)
    plain = draw(POINTS * 2 + 60, image=FIELD)
    rows, columns = np.nonzero((drawn != plain).any(axis=2))
    for x, y in POINTS * 2 + 60:
        away = np.abs(columns - x) + np.abs(rows - y)
        assert away.min() < 20


def test_other_shapes_than_the_keypoints_are_refused():
    with pytest.raises(ValueError, match=r"expected \(N, 3, 2\) and \(N, 3\)"):
        draw_animals(GREY, POINTS, np.ones(3), META)


def test_no_torch():
    code = "import sys, hrpose.visualize.grid; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
