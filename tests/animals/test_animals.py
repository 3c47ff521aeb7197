import cv2
import numpy as np
import pytest

from hrpose.animals import scene as scenes
from hrpose.animals.body import KEYPOINTS, grow, smooth
from hrpose.animals.build import BUILDS
from hrpose.animals.coat import FAR, NEAR, Light, paint
from hrpose.animals.texture import fill, over


def scene(index: int, size: tuple[int, int] = (120, 100)) -> scenes.Scene:
    return scenes.make_scene(size, np.random.default_rng((8, index)))


def test_names_are_those_of_horse10():
    assert len(KEYPOINTS) == 22
    assert KEYPOINTS[0] == "Nose"
    assert KEYPOINTS[12:14] == ("Wither", "Nearhindhock")
    assert KEYPOINTS[21] == "Ischium"


def test_kinds_that_are_drawn_are_those_that_are_built():
    assert set(scenes.KINDS) == set(BUILDS)
    assert sum(scenes.KINDS.values()) == pytest.approx(1)


def test_smooth_passes_through_its_knots_and_keeps_a_straight_edge():
    square = np.array([[0.0, 0.0], [4.0, 0.0], [8.0, 0.0], [12.0, 0.0], [6.0, 9.0]])
    curve = smooth(square)
    assert curve.shape == (25, 2)
    np.testing.assert_allclose(curve[::5], square, atol=1e-12)
    np.testing.assert_allclose(curve[5:10, 0], [4, 4.8, 5.6, 6.4, 7.2])
    np.testing.assert_allclose(curve[5:10, 1], 0, atol=1e-12)


@pytest.mark.parametrize("kind", list(BUILDS))
def test_anatomy(kind):
    """In the body frame the head is in front, the feet at the ground, joints in their order."""
    for seed in range(20):
        _, at = grow(kind, np.random.default_rng(seed))
        assert set(KEYPOINTS) <= set(at)
        assert at["Nose"][0] > at["Eye"][0] > at["Hip"][0] > at["Ischium"][0]
        assert at["Wither"][1] > at["Midshoulder"][1] > at["Shoulder"][1] > at["Girth"][1]
        feet = [at[f"{side}{end}foot"][1] for side in ("Near", "Off") for end in ("front", "hind")]
        assert min(feet) == pytest.approx(0.03, abs=0.01)
        assert max(feet) < 0.45
        assert at["Nose"][1] > 0


def test_every_outline_is_finite_and_every_far_leg_has_a_near_one():
    parts, _ = grow("horse", np.random.default_rng(0))
    assert {"nearfore", "offfore", "nearhind", "offhind", "trunk", "mane"} <= set(parts)
    assert all(np.isfinite(outline).all() and outline.shape[1] == 2 for outline in parts.values())


def test_visibility(monkeypatch):
    """Outside the image 0; behind an occluder 1; near joints with nothing in front 2."""
    monkeypatch.setattr(scenes, "CUTTING", 0.5)
    counts = np.zeros(3, int)
    near = [k for k, name in enumerate(KEYPOINTS) if not name.startswith("Off")]
    for index in range(60):
        seen = scene(index)
        inside = ((seen.keypoints >= 0) & (seen.keypoints <= [119, 99])).all(axis=1)
        np.testing.assert_array_equal(seen.visibility > 0, inside)
        for k in near:
            behind = any(
                cv2.pointPolygonTest(thing.outline, tuple(map(float, seen.keypoints[k])), False)
                >= 0
                for thing in seen.occluders
            )
            assert seen.visibility[k] == (0 if not inside[k] else 1 if behind else 2)
        counts += np.bincount(seen.visibility, minlength=3)
    assert (counts > 20).all()


def test_far_joint_behind_a_near_leg_is_hidden():
    hidden = [scene(index).visibility[5] for index in range(40)]
    assert {1, 2} <= set(hidden)


def test_occlusion_is_mild():
    touched = 0
    for index in range(300):
        seen = scene(index)
        near = [k for k, name in enumerate(KEYPOINTS) if not name.startswith("Off")]
        touched += bool(seen.occluders) and (seen.visibility[near] == 1).any()
    assert 0.04 < touched / 300 < 0.2


def test_box_holds_the_animal_and_lies_in_the_image(monkeypatch):
    for name in ("HIDING", "CUTTING"):
        monkeypatch.setattr(scenes, name, 0.0)
    for index in range(40):
        seen = scene(index)
        low, high = seen.box[:2], seen.box[:2] + seen.box[2:]
        assert (low >= 0).all()
        assert (high <= [119, 99]).all()
        assert (seen.keypoints >= low).all()
        assert (seen.keypoints <= high).all()
        assert (seen.visibility > 0).all()


def test_animals_face_both_ways():
    right = [scene(i).keypoints[0, 0] > scene(i).keypoints[21, 0] for i in range(60)]
    assert 15 < sum(right) < 45


def test_paint_stays_within_the_outlines_and_the_shadow_on_the_ground():
    for index in range(12):
        seen = scene(index)
        mask = np.zeros((100, 120), np.uint8)
        for part in (*FAR, *NEAR):
            for name in (part, f"{part}_hoof"):
                if name in seen.outlines:
                    fill(mask, seen.outlines[name], (255,))
        image = np.full((100, 120, 3), (0, 255, 0), np.uint8)
        rng = np.random.default_rng(index)
        paint(image, seen, Light.draw(rng), rng)
        changed = (image != (0, 255, 0)).any(axis=2)
        assert changed[mask == 255].all()
        above = np.arange(100)[:, None] < seen.ground - 0.45 * seen.unit
        assert not (changed & above & (mask == 0)).any()


def test_far_legs_are_darker():
    near, far = [], []
    for index in range(30):
        seen = scene(index)
        masks = {part: np.zeros((100, 120), np.uint8) for part in ("nearfore", "offfore", "rest")}
        for part in ("nearfore", "offfore"):
            fill(masks[part], seen.outlines[part], (255,))
        for part in ("trunk", "neck", "head", "nearhind", "tail", "mane"):
            if part in seen.outlines:
                fill(masks["rest"], seen.outlines[part], (255,))
        image = np.zeros((100, 120, 3), np.uint8)
        rng = np.random.default_rng(index)
        paint(image, seen, Light.draw(rng), rng)
        clear = masks["rest"] == 0
        near.append(image[clear & (masks["nearfore"] == 255)].mean())
        far.append(image[clear & (masks["nearfore"] == 0) & (masks["offfore"] == 255)].mean())
    assert np.nanmean(far) < 0.8 * np.nanmean(near)


def test_over_blends_by_the_mask():
    below = np.full((1, 3, 3), 200, np.uint8)
    above = np.full((1, 3, 3), 100, np.uint8)
    mask = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_array_equal(over(below, above, mask)[0, :, 0], [200, 180, 100])
