"""The part of a photograph that is shown, by numbers worked out by hand."""

import numpy as np
import pytest

from hrpose.visualize.window import Window, around

NONE = np.empty((0, 2))


def test_points_go_where_their_pixels_go():
    """Pixel (10, 20) of a window that starts there and is shown twice as large is 2 x 2 px, with
    its centre at .5."""
    window = Window(10, 20, 30, 40, 2.0)
    np.testing.assert_allclose(
        window.shown(np.array([[10.0, 20.0], [11, 20]])), [[0.5, 0.5], [2.5, 0.5]]
    )
    np.testing.assert_allclose(
        window.shown_boxes(np.array([[10.0, 20, 5, 6]])), [[0.5, 0.5, 10, 12]]
    )
    image = np.zeros((100, 100, 3), np.uint8)
    image[25, 14] = 200
    shown = window.picture(image)
    assert shown.shape == (80, 60, 3)
    peak = np.unravel_index(shown[..., 0].argmax(), shown.shape[:2])
    assert peak[::-1] == pytest.approx(window.shown(np.array([14.0, 25.0])), abs=1)


def test_a_box_has_a_margin_and_no_odd_shape():
    """100 x 100 at (200, 200): .12 of 100 px on each side; 300 x 30: 372 wide, 248 high."""
    box = np.array([[200.0, 200, 100, 100]])
    assert around(box, NONE, (1000, 1000), 62) == Window(188, 188, 124, 124, 0.5)
    window = around(np.array([[200.0, 200, 300, 30]]), NONE, (1000, 1000), 248)
    assert (window.left, window.width, window.height) == (164, 372, 248)
    assert window.top == 91


def test_it_stays_inside_the_photograph_where_it_can():
    window = around(np.array([[0.0, 0, 100, 100]]), NONE, (1000, 110), 100)
    assert (window.left, window.top, window.width, window.height) == (0, 0, 124, 110)


def test_a_label_outside_is_shown_outside_and_a_mad_one_does_not_make_all_tiny():
    points = np.array([[-20.0, 50], [50, 50]])
    window = around(np.empty((0, 4)), points, (100, 100), 100)
    assert window.left < -20 and window.left + window.width > 50
    mad = np.array([[-1e9, 50], [50, 1e12]])
    window = around(np.empty((0, 4)), mad, (100, 100), 100)
    assert window.width < 300 and window.height < 300
    assert (window.picture(np.zeros((100, 100, 3), np.uint8)) > 50).any()  # grey beyond it


def test_nothing_labelled_is_the_whole_photograph():
    assert around(np.empty((0, 4)), NONE, (120, 100), 200) == Window(0, 0, 120, 100, 2.0)
