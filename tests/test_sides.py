"""Left and right by names."""

import pytest

from hrpose.keypoints import KeypointMeta
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
        (["左耳", "右耳", "鼻"], [("左耳", "右耳")]),
        (["右前足1", "左前足1", "右前足2", "左前足2"],
         [("左前足1", "右前足1"), ("左前足2", "右前足2")]),
        (["耳_左", "耳_右", "L耳", "Ｒ耳"], [("耳_左", "耳_右"), ("L耳", "Ｒ耳")]),
        (["왼쪽 귀", "오른쪽 귀", "왼눈", "오른눈"],
         [("왼쪽 귀", "오른쪽 귀"), ("왼눈", "오른눈")]),
        (["левое_ухо", "правое_ухо", "ПраваяЛапа", "ЛеваяЛапа"],
         [("левое_ухо", "правое_ухо"), ("ЛеваяЛапа", "ПраваяЛапа")]),
        (["oreja_derecha", "oreja_izquierda"], [("oreja_izquierda", "oreja_derecha")]),
        (["Ohr_links", "Ohr_rechts", "linkesAuge", "rechtesAuge", "Flügel"],
         [("Ohr_links", "Ohr_rechts"), ("linkesAuge", "rechtesAuge")]),
        (["œil_gauche", "œil_droit"], [("œil_gauche", "œil_droit")]),
        (["orelha esquerda", "orelha direita"], [("orelha esquerda", "orelha direita")]),
        (["orecchio_sinistro", "orecchio_destro"], [("orecchio_sinistro", "orecchio_destro")]),
        (["左右中点", "鼻", "лев", "прав"], []),  # the middle of both; a lion
    ],
)  # fmt: skip
def test_pairs(names, pairs):
    assert sided_pairs(names) == pairs


def test_a_side_without_its_other_is_named():
    sides = sides_of(["left_ear", "right_ear", "left_hip", "R_eye", "far_corner", "tail"])
    assert sides.lonely == ["left_hip", "R_eye"]
    assert (sides.pairs, sides.near) == ([("left_ear", "right_ear")], [])
    assert sides_of(["near_hock", "off_hock"]).near == [("near_hock", "off_hock")]
    others = ["左耳", "правое_ухо", "oreja_izquierda", "Ohr_links", "oreille_droite"]
    assert sides_of([*others, "左右中点", "Flügel", "鼻"]).lonely == others


def test_sides_in_another_language_need_their_pair_where_pictures_are_mirrored():
    """What RandomFlip and flip_test refuse."""
    assert KeypointMeta("mouse", ["左耳", "右耳", "鼻"]).unpaired() == ["左耳", "右耳"]
    assert KeypointMeta("mouse", ["左耳", "右耳"], flip_pairs=[("左耳", "右耳")]).unpaired() == []


def test_names_that_mean_the_same_keypoint():
    assert len({normalised(name) for name in ("Left_Ear", "earL", "left-ear", "leftear")}) == 1
    others = ["earR", "left_ear_tip", "ear", "hear", "鼻", "耳", "L1", "L2"]
    assert len({normalised(name) for name in others}) == len(others)
