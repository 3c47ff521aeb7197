import numpy as np
import pytest

from hrpose.config.registry import build
from hrpose.errors import ConfigError
from hrpose.keypoints import KeypointMeta

EARS = ["left_ear", "right_ear"]
CAT = {
    "dataset": "cat",
    "names": ["nose", "left_ear", "right_ear", "tail"],
    "flip_pairs": [["left_ear", "right_ear"]],
    "upper_body": ["nose", "left_ear", "right_ear"],
    "lower_body": ["tail"],
    "sigmas": [0.02, 0.03, 0.03, 0.1],
    "skeleton": [["nose", "tail"], ["left_ear", "nose"]],
}


def problems_of(**changes):
    with pytest.raises(ValueError) as caught:
        KeypointMeta(**{**CAT, **changes})
    return str(caught.value)


def test_ids_follow_names():
    meta = KeypointMeta(**CAT)
    assert len(meta) == meta.num_keypoints == 4
    assert meta.flip_index == [0, 2, 1, 3]
    assert (meta.upper_ids, meta.lower_ids) == ([0, 1, 2], [3])
    assert meta.skeleton_ids == [(0, 3), (1, 0)]
    assert meta.index("tail") == 3


def test_flipping_twice_changes_nothing():
    index = np.array(KeypointMeta(**CAT).flip_index)
    assert index[index].tolist() == [0, 1, 2, 3]


def test_only_names_are_needed():
    meta = KeypointMeta("dot", ["spot"])
    assert (meta.flip_index, meta.upper_ids, meta.skeleton_ids, meta.sigmas) == ([0], [], [], None)


def test_arguments_are_copied_and_compare_equal():
    names = ["a", "b"]
    meta = KeypointMeta("x", names)
    names.append("c")
    assert meta.names == ("a", "b")
    assert meta == KeypointMeta("x", ("a", "b")) and hash(meta) == hash(
        KeypointMeta("x", ["a", "b"])
    )


def test_index_proposes():
    with pytest.raises(ValueError, match=r"no keypoint is called 'tial'; did you mean 'tail'\?"):
        KeypointMeta(**CAT).index("tial")
    with pytest.raises(ValueError, match=r"no keypoint is called 'hoof'$"):
        KeypointMeta(**CAT).index("hoof")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"names": []}, "names: empty"),
        ({"names": "nose"}, "names: expected a list of names, got the string 'nose'"),
        ({"names": ["nose", "nose", "left_ear", "right_ear", "tail"]}, "'nose' is listed twice"),
        ({"names": ["nose", "left_ear", "right_ear", "tail", ""]}, "'' must be a string"),
        ({"flip_pairs": [["left_ear", "right_eer"]]}, "'right_eer'; did you mean 'right_ear'?"),
        ({"flip_pairs": [["nose", "nose"]]}, "flip_pairs: 'nose' is paired with itself"),
        ({"flip_pairs": [["nose"]]}, "flip_pairs: ['nose'] must be a pair of two names"),
        ({"flip_pairs": ["ab"]}, "flip_pairs: 'ab' must be a pair of two names"),
        (
            {"flip_pairs": [EARS, ["tail", "left_ear"]]},
            "'left_ear' is paired with 'right_ear' and with 'tail'",
        ),
        (
            {"flip_pairs": [EARS, EARS[::-1]]},
            "'right_ear' is paired with 'left_ear' and with 'left_ear'",
        ),
        ({"upper_body": ["nos"]}, "upper_body: no keypoint is called 'nos'; did you mean 'nose'?"),
        ({"lower_body": "tail"}, "lower_body: expected a list of names"),
        ({"lower_body": ["tail", "tail"]}, "lower_body: 'tail' is listed twice"),
        ({"lower_body": ["tail", "nose"]}, "upper_body and lower_body: 'nose' is in both"),
        ({"sigmas": [0.1, 0.1]}, "2 sigmas for 4 names, expected one each; none for 'right_ear'"),
        ({"sigmas": [0.1] * 5}, "5 sigmas for 4 names"),
        ({"sigmas": [0.1, 0.0, 0.1, 0.1]}, "0.0 of 'left_ear' must be a number above 0"),
        ({"sigmas": [0.1, 0.1, 0.1, float("nan")]}, "nan of 'tail'"),
        ({"sigmas": [0.1, 0.1, True, 0.1]}, "True of 'right_ear'"),
        (
            {"skeleton": [["nose", "tale"]]},
            "skeleton: no keypoint is called 'tale'; did you mean 'tail'?",
        ),
    ],
)
def test_each_contradiction_is_named(changes, sentence):
    assert sentence in problems_of(**changes)


def test_all_contradictions_come_at_once():
    text = problems_of(
        flip_pairs=[["left_eer", "right_ear"]], lower_body=["tial"], sigmas=[1], skeleton=[["a"]]
    )
    assert text.startswith("keypoints of 'cat': ")
    for field in ("flip_pairs: ", "lower_body: ", "sigmas: ", "skeleton: "):
        assert field in text


def test_a_page_gets_the_sentence_with_its_path():
    page = dict(type="KeypointMeta", **{**CAT, "lower_body": ["tial"]})
    with pytest.raises(ConfigError, match=r"keypoints.*did you mean 'tail'"):
        build(page, "keypoints")
    assert build(dict(type="KeypointMeta", **CAT), "keypoints") == KeypointMeta(**CAT)
