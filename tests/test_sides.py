"""Left and right by names."""

import pytest

from hrpose.sides import normalised, sided_pairs, sides_of


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["left_eye", "right_eye", "tail"], [("left_eye", "right_eye")]),
        (["R_Eye", "L_Eye"], [("L_Eye", "R_Eye")]),
        (["LeftEar", "RightEar", "earL", "earR"], [("LeftEar", "RightEar"), ("earL", "earR")]),
        (["hip_left", "hip_right"], [("hip_left", "hip_right")]),
        (["NearFoot", "OffFoot", "FarHand", "NearHand"],
         [("NearFoot", "OffFoot"), ("NearHand", "FarHand")]),
        (["Nearknee", "Offknee"], [("Nearknee", "Offknee")]),
        (["Lpaw", "Rpaw", "rump"], [("Lpaw", "Rpaw")]),
        (["paw1LH", "paw2LF", "paw3RF", "paw4RH"], [("paw1LH", "paw4RH"), ("paw2LF", "paw3RF")]),
        (["LF_1", "RF_1", "LF_2", "RF_2"], [("LF_1", "RF_1"), ("LF_2", "RF_2")]),
        (["fl_hoof", "fr_hoof", "hl_hoof", "hr_hoof"],
         [("fl_hoof", "fr_hoof"), ("hl_hoof", "hr_hoof")]),
        (["L1", "R1", "R2", "L2"], [("L1", "R1"), ("L2", "R2")]),
        (["paw1L", "paw2L", "paw3R", "paw4R"], []),  # which of them belong together?
        (["offset", "bottom", "upright", "nose"], []),
    ],
)  # fmt: skip
def test_pairs(names, pairs):
    assert sided_pairs(names) == pairs


def test_a_side_without_its_other_is_named():
    sides = sides_of(["left_ear", "right_ear", "left_hip", "R_eye", "far_corner", "tail"])
    assert sides.lonely == ["left_hip", "R_eye"]
    assert (sides.pairs, sides.near) == ([("left_ear", "right_ear")], [])
    assert sides_of(["near_hock", "off_hock"]).near == [("near_hock", "off_hock")]


def test_names_that_mean_the_same_keypoint():
    assert len({normalised(name) for name in ("Left_Ear", "earL", "left-ear", "leftear")}) == 1
    others = ["earR", "left_ear_tip", "ear", "hear", "鼻", "耳", "L1", "L2"]
    assert len({normalised(name) for name in others}) == len(others)
