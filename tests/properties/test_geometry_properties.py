"""Maps between image and crop: what is done is undone, lengths keep their ratios."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hrpose.geometry import (
    affine_matrix,
    apply_affine,
    box_to_center_size,
    compose,
    invert_affine,
    mirror_matrix,
    udp_matrix,
)

OUTPUT = (192, 256)
coordinate = st.floats(-3000, 3000)
side = st.floats(8, 3000)
points = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=9).map(np.array)
boxes = st.tuples(coordinate, coordinate, side, side)


@st.composite
def matrices(draw):
    center, size = box_to_center_size(draw(boxes), OUTPUT[0] / OUTPUT[1], 1.25)
    make = draw(st.sampled_from([affine_matrix, udp_matrix]))
    matrix = make(center, size, draw(st.floats(-180, 180)), OUTPUT)
    return compose(matrix, mirror_matrix(640)) if draw(st.booleans()) else matrix


@given(matrices(), points)
def test_there_and_back(matrix, where):
    there = apply_affine(where, matrix)
    np.testing.assert_allclose(apply_affine(there, invert_affine(matrix)), where, atol=1e-5)
    np.testing.assert_allclose(invert_affine(invert_affine(matrix)), matrix, rtol=1e-6, atol=1e-5)


@given(matrices(), matrices(), points)
def test_composed_is_one_after_the_other(first, second, where):
    at_once = apply_affine(where, compose(second, first))
    in_turn = apply_affine(apply_affine(where, first), second)
    np.testing.assert_allclose(at_once, in_turn, rtol=1e-9, atol=1e-5)


@given(matrices(), matrices(), points)
def test_a_stack_of_matrices_is_each_by_itself(first, second, where):
    stacked = apply_affine(np.stack([where, where]), np.stack([first, second])[:, None])
    alone = [apply_affine(where, first), apply_affine(where, second)]
    np.testing.assert_allclose(stacked, alone, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(
        invert_affine(np.stack([first, second])), [invert_affine(first), invert_affine(second)]
    )


@given(st.integers(1, 5000), points)
def test_a_mirror_twice_is_the_image(width, where):
    mirror = mirror_matrix(width)
    np.testing.assert_array_equal(compose(mirror, mirror), [[1, 0, 0], [0, 1, 0]])
    once = apply_affine(where, mirror)
    np.testing.assert_allclose(once[:, 0] + where[:, 0], width - 1, atol=1e-9)
    np.testing.assert_array_equal(once[:, 1], where[:, 1])


@given(boxes, st.floats(-180, 180), points)
def test_shapes_are_kept_and_the_centre_stays_the_centre(box, degrees, where):
    center, size = box_to_center_size(box, OUTPUT[0] / OUTPUT[1], 1.25)
    matrix = affine_matrix(center, size, degrees, OUTPUT)
    np.testing.assert_allclose(apply_affine(center.astype(float), matrix), (96, 128), atol=1e-3)
    steps, images = np.diff(where, axis=0), np.diff(apply_affine(where, matrix), axis=0)
    scale = OUTPUT[0] / float(size[0])
    expected = scale * np.linalg.norm(steps, axis=1)
    # the three points that fix the map are float32, see `geometry._corner`
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), expected, rtol=5e-3, atol=1e-3)
    assert np.linalg.det(matrix[:, :2]) > 0


@given(boxes, st.floats(0.3, 3), st.floats(1, 2))
def test_the_crop_holds_the_box(box, aspect, padding):
    center, size = box_to_center_size(box, aspect, padding)
    np.testing.assert_allclose(size[0] / size[1], aspect, rtol=1e-5)
    corner = np.array(box[:2])
    assert (center - size / 2 <= corner + 1e-2).all()
    assert (center + size / 2 >= corner + box[2:] - 1e-2).all()
