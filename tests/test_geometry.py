import numpy as np
import pytest
from hypothesis import given, settings
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

UNIT = 200.0  # MMPose's unit of scale in px


@pytest.fixture(scope="module")
def affine(golden):
    with np.load(golden / "funcs" / "affine.npz") as arrays:
        return dict(arrays)


def cases(affine):
    for row in affine["inputs"]:
        size = row[2:4].astype(np.float32) * np.float32(UNIT)
        yield row[:2], size, row[4], (int(row[5]), int(row[6]))


# by hand


def test_square_box_is_padded():
    center, size = box_to_center_size([10, 20, 100, 100], aspect=1.0, padding=1.25)
    assert center.tolist() == [60, 70] and size.tolist() == [125, 125]
    assert center.dtype == size.dtype == np.float32


@pytest.mark.parametrize(
    ("box", "size"), [((0, 0, 150, 100), (150, 200)), ((0, 0, 30, 100), (75, 100))]
)
def test_the_short_side_grows_to_the_aspect(box, size):
    assert box_to_center_size(box, aspect=0.75, padding=1.0)[1].tolist() == list(size)


def test_a_flat_box_still_has_a_size():
    assert box_to_center_size([5, 5, 0, 80], aspect=0.75, padding=1.0)[1].tolist() == pytest.approx(
        [60, 80]
    )


def test_affine_by_hand():
    matrix = affine_matrix(np.array([50, 60]), np.array([100, 100]), 0.0, (256, 256))
    np.testing.assert_allclose(matrix, [[2.56, 0, 0], [0, 2.56, 128 - 60 * 2.56]], atol=1e-12)
    assert matrix.dtype == np.float64


def test_affine_turns_the_view_clockwise_and_udp_the_animal():
    # at 90 degrees what lies right of the centre in the image comes to lie above it; UDP: below
    matrix = affine_matrix(np.array([0, 0]), np.array([100, 100]), 90.0, (100, 100))
    np.testing.assert_allclose(apply_affine(np.array([30.0, 0.0]), matrix), [50, 20], atol=1e-4)
    udp = udp_matrix(np.array([0, 0]), np.array([100, 100]), 90.0, (101, 101))
    np.testing.assert_allclose(apply_affine(np.array([30.0, 0.0]), udp), [50, 80], atol=1e-4)


def test_affine_scales_both_axes_by_the_width():
    matrix = affine_matrix(np.array([0, 0]), np.array([50, 400]), 0.0, (100, 200))
    np.testing.assert_allclose(matrix, [[2, 0, 50], [0, 2, 100]], atol=1e-12)


def test_udp_spans_first_to_last_pixel_centre():
    matrix = udp_matrix(np.array([100, 50]), np.array([40, 80]), 0.0, (192, 256))
    corners = apply_affine(np.array([[80.0, 10.0], [120.0, 90.0]]), matrix)
    np.testing.assert_allclose(corners, [[0, 0], [191, 255]], atol=1e-10)


@pytest.mark.parametrize("size", [(0, 0), (-3, 4), (float("nan"), 4), (5, 0)])
@pytest.mark.parametrize("make", [affine_matrix, udp_matrix])
def test_a_box_without_area_has_no_matrix(make, size):
    with pytest.raises(ValueError, match="width and height must be above 0"):
        make(np.zeros(2), np.array(size), 0.0, (64, 64))


def test_mirror_maps_first_pixel_to_last():
    points = np.array([[0.0, 3.0], [511.0, 4.0]])
    np.testing.assert_array_equal(apply_affine(points, mirror_matrix(512)), [[511, 3], [0, 4]])


def test_compose_goes_from_right_to_left():
    first, second = mirror_matrix(11), np.array([[2.0, 0, 1], [0, 3, 0]])
    np.testing.assert_array_equal(
        apply_affine(np.array([4.0, 5.0]), compose(second, first)), [13, 15]
    )


def test_one_matrix_an_instance():
    matrices = np.stack([mirror_matrix(10), mirror_matrix(20)])
    points = np.zeros((2, 3, 2))
    moved = apply_affine(points, matrices[:, None])
    assert moved[:, :, 0].tolist() == [[9] * 3, [19] * 3]
    back = apply_affine(moved, invert_affine(matrices)[:, None])
    np.testing.assert_array_equal(back, points)
    np.testing.assert_array_equal(compose(matrices, matrices)[:, :, :2], np.stack([np.eye(2)] * 2))


def test_a_singular_matrix_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        invert_affine(np.zeros((2, 3)))


number = st.floats(-500, 500)
positive = st.floats(1, 900)


@settings(max_examples=60, deadline=None)
@given(number, number, positive, positive, st.floats(-180, 180), number, number)
def test_inverse_undoes(cx, cy, width, height, degrees, x, y):
    point = np.array([x, y])
    for make in (affine_matrix, udp_matrix):
        matrix = make(np.array([cx, cy]), np.array([width, height]), degrees, (192, 256))
        back = apply_affine(apply_affine(point, matrix), invert_affine(matrix))
        np.testing.assert_allclose(back, point, atol=1e-6)
        np.testing.assert_allclose(
            compose(invert_affine(matrix), matrix), [[1, 0, 0], [0, 1, 0]], atol=1e-6
        )


# MMPose's numbers


def test_affine_is_the_reference_bit_for_bit(affine):
    for i, case in enumerate(cases(affine)):
        np.testing.assert_array_equal(affine_matrix(*case), affine["forward"][i])
    assert i == 119


def test_inverse_is_the_reference(affine):
    for i, case in enumerate(cases(affine)):
        inverse = invert_affine(affine_matrix(*case))
        np.testing.assert_allclose(inverse, affine["inverse"][i], rtol=1e-9, atol=1e-9)


def test_udp_is_the_reference(affine):
    for i, case in enumerate(cases(affine)):
        expected = affine["udp"][i]
        np.testing.assert_allclose(udp_matrix(*case), expected, atol=1e-6 * abs(expected).max())


def test_points_are_the_reference(affine):
    for i, case in enumerate(cases(affine)):
        moved = apply_affine(affine["points"], affine_matrix(*case))
        np.testing.assert_allclose(moved, affine["moved"][i], rtol=1e-9, atol=1e-9)


def test_boxes_are_the_reference(golden):
    with np.load(golden / "funcs" / "bbox_cs.npz") as arrays:
        rows = arrays["rows"]
    for aspect, padding, x, y, w, h, *expected in rows:
        center, size = box_to_center_size((x, y, w, h), aspect, padding)
        np.testing.assert_allclose(np.concatenate([center, size / UNIT]), expected, rtol=3e-7)
    assert len(rows) == 150


@pytest.mark.parametrize("name", ["horse10", "macaque", "atrw"])
def test_way_back_from_cells_is_the_reference(golden, name):
    """Cells -> input px -> image px gives what MMPose gets from cells in one step."""
    with np.load(golden / "funcs" / "flip_joints.npz") as arrays:
        part = {key.removeprefix(f"{name}_tp_"): arrays[key] for key in arrays if name in key}
    cells, center, size = part["in"], part["center"], part["scale"] * np.float32(UNIT)
    maps = part["size"]
    # MMPose scales each axis by itself here; the two agree where the box has the maps' aspect,
    # so only x is compared for the boxes of another aspect in this file
    matrix = invert_affine(affine_matrix(center, size, 0.0, tuple(maps * 4)))
    axes = [0, 1] if np.isclose(size[0] / size[1], maps[0] / maps[1]) else [0]
    moved = apply_affine(cells * 4, matrix)
    np.testing.assert_allclose(moved[:, axes], part["out"][:, axes], rtol=1e-5, atol=1e-4)
    step = (maps * 4 - 1) / (maps - 1)
    matrix = invert_affine(udp_matrix(center, size, 0.0, tuple(maps * 4)))
    np.testing.assert_allclose(
        apply_affine(cells * step, matrix), part["out_udp"], rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("name", ["horse10", "macaque", "atrw"])
def test_mirrored_points_are_the_reference(golden, name):
    pairs = {
        "horse10": [],
        "macaque": [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)],
        "atrw": [(0, 1), (3, 5), (4, 6), (7, 10), (8, 11), (9, 12)],
    }[name]
    with np.load(golden / "funcs" / "flip_joints.npz") as arrays:
        points, visible = arrays[f"{name}_joints"][:, :2], arrays[f"{name}_vis"][:, 0]
        expected, seen = (arrays[f"{name}_flip_{key}"] for key in ("joints_w512", "vis"))
    swap = np.arange(len(points))
    for left, right in pairs:
        swap[[left, right]] = right, left
    np.testing.assert_array_equal(visible[swap], seen[:, 0])
    moved = apply_affine(points, mirror_matrix(512))[swap] * seen[:, :1]  # unseen become (0, 0)
    np.testing.assert_allclose(moved, expected[:, :2], atol=1e-4)
