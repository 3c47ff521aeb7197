"""Keypoints of the published data sets, as the pages and the published models have them.

Orders and limbs are those of configs/_base_/keypoints, and of MMPose where there is no page yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from hrpose.convert.label_set import Category

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Keypoints:
    """Names in their order, pairs that a mirror exchanges, and limbs."""

    names: tuple[str, ...]
    pairs: Pairs
    limbs: Pairs

    def category(self, name: str) -> Category:
        """The animals called `name`, with these keypoints."""
        return Category(name, self.names, self.limbs, self.pairs)


def _keypoints(names: str, limbs: str, left: str = "", right: str = "") -> Keypoints:
    """Of names in a text, and limbs as `a-b`; names with `left` in them pair with `right`."""
    every = tuple(names.split())
    pairs = [(n, n.replace(left, right)) for n in every if left and left in n]
    ends = [tuple(limb.split("-")) for limb in limbs.split()]
    return Keypoints(every, tuple(pairs), tuple((start, end) for start, end in ends))


HORSE10 = _keypoints(
    "Nose Eye Nearknee Nearfrontfetlock Nearfrontfoot Offknee Offfrontfetlock Offfrontfoot "
    "Shoulder Midshoulder Elbow Girth Wither Nearhindhock Nearhindfetlock Nearhindfoot Hip Stifle "
    "Offhindhock Offhindfetlock Offhindfoot Ischium",
    "Nose-Eye Eye-Wither Wither-Hip Hip-Ischium Ischium-Stifle Stifle-Girth Girth-Elbow "
    "Elbow-Shoulder Shoulder-Midshoulder Midshoulder-Wither Nearknee-Nearfrontfetlock "
    "Nearfrontfetlock-Nearfrontfoot Offknee-Offfrontfetlock Offfrontfetlock-Offfrontfoot "
    "Nearhindhock-Nearhindfetlock Nearhindfetlock-Nearhindfoot Offhindhock-Offhindfetlock "
    "Offhindfetlock-Offhindfoot",
)  # all horses are seen from one side: nothing changes places in a mirror
MACAQUE = _keypoints(
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle",
    "left_ankle-left_knee left_knee-left_hip right_ankle-right_knee right_knee-right_hip "
    "left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip "
    "left_shoulder-right_shoulder left_shoulder-left_elbow right_shoulder-right_elbow "
    "left_elbow-left_wrist right_elbow-right_wrist left_eye-right_eye nose-left_eye "
    "nose-right_eye left_eye-left_ear right_eye-right_ear left_ear-left_shoulder "
    "right_ear-right_shoulder",
    "left_",
    "right_",
)
ATRW = _keypoints(
    "left_ear right_ear nose right_shoulder right_front_paw left_shoulder left_front_paw right_hip "
    "right_knee right_back_paw left_hip left_knee left_back_paw tail center",
    "left_ear-nose right_ear-nose nose-center left_shoulder-left_front_paw left_shoulder-center "
    "right_shoulder-right_front_paw right_shoulder-center tail-center right_back_paw-right_knee "
    "right_knee-right_hip right_hip-tail left_back_paw-left_knee left_knee-left_hip left_hip-tail",
    "left_",
    "right_",
)
_TAIL_ROOT = "Root of tail"
_AP10K = _keypoints(
    "L_Eye R_Eye Nose Neck Root_of_tail L_Shoulder L_Elbow L_F_Paw R_Shoulder R_Elbow R_F_Paw "
    "L_Hip L_Knee L_B_Paw R_Hip R_Knee R_B_Paw",
    "L_Eye-R_Eye L_Eye-Nose R_Eye-Nose Nose-Neck Neck-Root_of_tail Neck-L_Shoulder "
    "L_Shoulder-L_Elbow L_Elbow-L_F_Paw Neck-R_Shoulder R_Shoulder-R_Elbow R_Elbow-R_F_Paw "
    "Root_of_tail-L_Hip L_Hip-L_Knee L_Knee-L_B_Paw Root_of_tail-R_Hip R_Hip-R_Knee "
    "R_Knee-R_B_Paw",
    "L_",
    "R_",
)
AP10K = Keypoints(
    tuple(_TAIL_ROOT if name == "Root_of_tail" else name for name in _AP10K.names),
    _AP10K.pairs,
    tuple(
        (start.replace("Root_of_tail", _TAIL_ROOT), end.replace("Root_of_tail", _TAIL_ROOT))
        for start, end in _AP10K.limbs
    ),
)
ANIMALPOSE = _keypoints(
    "L_Eye R_Eye L_EarBase R_EarBase Nose Throat TailBase Withers L_F_Elbow R_F_Elbow L_B_Elbow "
    "R_B_Elbow L_F_Knee R_F_Knee L_B_Knee R_B_Knee L_F_Paw R_F_Paw L_B_Paw R_B_Paw",
    "L_Eye-R_Eye L_Eye-L_EarBase R_Eye-R_EarBase L_Eye-Nose R_Eye-Nose Nose-Throat Throat-Withers "
    "TailBase-Withers Throat-L_F_Elbow L_F_Elbow-L_F_Knee L_F_Knee-L_F_Paw Throat-R_F_Elbow "
    "R_F_Elbow-R_F_Knee R_F_Knee-R_F_Paw TailBase-L_B_Elbow L_B_Elbow-L_B_Knee L_B_Knee-L_B_Paw "
    "TailBase-R_B_Elbow R_B_Elbow-R_B_Knee R_B_Knee-R_B_Paw",
    "L_",
    "R_",
)
ANIMAL_KINGDOM = _keypoints(
    "Head_Mid_Top Eye_Left Eye_Right Mouth_Front_Top Mouth_Back_Left Mouth_Back_Right "
    "Mouth_Front_Bottom Shoulder_Left Shoulder_Right Elbow_Left Elbow_Right Wrist_Left Wrist_Right "
    "Torso_Mid_Back Hip_Left Hip_Right Knee_Left Knee_Right Ankle_Left Ankle_Right Tail_Top_Back "
    "Tail_Mid_Back Tail_End_Back",
    "Eye_Left-Head_Mid_Top Eye_Right-Head_Mid_Top Mouth_Front_Top-Mouth_Back_Left "
    "Mouth_Front_Top-Mouth_Back_Right Mouth_Front_Bottom-Mouth_Back_Left "
    "Mouth_Front_Bottom-Mouth_Back_Right Head_Mid_Top-Torso_Mid_Back Torso_Mid_Back-Tail_Top_Back "
    "Tail_Top_Back-Tail_Mid_Back Tail_Mid_Back-Tail_End_Back Head_Mid_Top-Shoulder_Left "
    "Head_Mid_Top-Shoulder_Right Shoulder_Left-Elbow_Left Shoulder_Right-Elbow_Right "
    "Elbow_Left-Wrist_Left Elbow_Right-Wrist_Right Tail_Top_Back-Hip_Left Tail_Top_Back-Hip_Right "
    "Hip_Left-Knee_Left Hip_Right-Knee_Right Knee_Left-Ankle_Left Knee_Right-Ankle_Right",
    "_Left",
    "_Right",
)
