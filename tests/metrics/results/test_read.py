import json

import numpy as np
import pytest
from scoring_cases import META, entry, write

from hrpose.errors import DataError
from hrpose.metrics.results.read import read_answers


def test_columns_by_hand(tmp_path):
    rows = [
        entry(10, 1, category_id=1, area=400.0),
        entry(11, keypoints=[[1.5, 2, 0.5], [3, 4, 0.25]], scale=[0.5, 0.25]),
        entry(12, bbox=[1, 2, 30, 40]),
        {key: value for key, value in entry(12).items() if key != "score"},
    ]
    answers = read_answers(write(tmp_path / "a.json", rows), META)
    assert len(answers) == 4
    assert answers.keypoints[1].tolist() == [[1.5, 2], [3, 4]]
    assert answers.scores.tolist() == [[0.5, 0.25]] * 4
    assert answers.image_ids.tolist() == [10, 11, 12, 12]
    assert answers.annotation_ids.tolist() == [1, -1, -1, -1]
    assert answers.category_ids.tolist() == [1, -1, -1, -1]
    assert answers.areas.tolist() == [400, 100 * 50, 1200, 4]  # given, scale, box, pose
    assert answers.instance_scores[:3].tolist() == [0.5] * 3
    assert np.isnan(answers.instance_scores[3])
    later = answers.take(np.array([2]))
    assert later.entry(0) == f"{tmp_path / 'a.json'}: entry 2 (image_id 12)"


def test_nobody(tmp_path):
    answers = read_answers(write(tmp_path / "a.json", []), META)
    assert answers.keypoints.shape == (0, 2, 2) and len(answers.digest) == 64


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (entry(11, keypoints=[1, 2, 3]), r"entry 1 \(image_id 11\): has 3 keypoint numbers, exp"),
        (entry(11, keypoints=None), "entry 1 .* keypoint numbers, expected 3 . 2"),
        (entry(11, keypoints="x"), "entry 1 .* keypoints must be numbers, got 'x'"),
        (entry(11, keypoints=["1", "2", 3, 4, 5, 6]), "entry 1 .* keypoints must be numbers"),
        (entry(11, keypoints=[True] * 6), "entry 1 .* keypoints must be numbers"),
        (entry(11, scale=["1", "2"]), "entry 1 .* scale must be numbers"),
        (entry(11, keypoints=[[1, 2, 3], [4]]), "entry 1 .* keypoints must be numbers"),
        (entry(11, keypoints=[1, 2, 3, float("nan"), 5, 6]), "entry 1 .* keypoint 'eye' has a num"),
        (entry(11, keypoints=[None, 2, 3, 4, 5, 6]), "entry 1 .* keypoint 'nose' has a number tha"),
        (entry(11, keypoints=[1, 2, 3, 4, 5, float("inf")]), "entry 1 .* keypoint 'eye'"),
        (entry(11, score=float("nan")), "entry 1 .* score is nan, expected a finite number"),
        (entry(11, score=None), "entry 1 .* score is None"),
        (entry("11"), "entry 1 .* image_id is '11', expected a whole number"),
        ({"keypoints": [0] * 6}, "entry 1 .* image_id is None"),
        (entry(11, -3), "entry 1 .* annotation_id is -3"),
        (entry(11, 2.5), "entry 1 .* annotation_id is 2.5"),
        (entry(11, scale=[1]), "entry 1 .* cannot be used"),
        (7, "entry 1: expected a COCO results list"),
        # beyond what float32 and int64 hold
        (
            entry(11, keypoints=[1, 2, 3, -1e39, 5, 6]),
            "entry 1 .* keypoint 'eye' has the number -",
        ),
        (
            entry(11, keypoints=[1, 2, 4e38, 4, 5, 6]),
            "entry 1 .* keypoint 'nose' has the number 4",
        ),
        (entry(11, keypoints=[10**400, 2, 3, 4, 5, 6]), "entry 1 .* keypoints must be numbers"),
        (entry(11, score=10**400), "entry 1 .* score is 1000.*, expected a finite number"),
        (entry(11, score=True), "entry 1 .* score is True, expected a finite number"),
        (entry(11, area=1e39), "entry 1 .* cannot be used"),
        (entry(11, area=10**400), "entry 1 .* area must be numbers"),
        (entry(11, scale=[1e20, 1e20]), "entry 1 .* cannot be used"),
        (entry(11, area=-4), "entry 1 .* cannot be used"),
        (entry(11, scale=[-1, -1]), "entry 1 .* cannot be used"),
        (entry(11, bbox=[0, 0, -3, -3]), "entry 1 .* cannot be used"),
        (entry(10**400), "entry 1 .* image_id is 1000.*, expected a whole number"),
        (entry(2**63), "entry 1 .* image_id is 9223372036854775808, expected a whole number"),
        (entry(11, 10**400), "entry 1 .* annotation_id is 1000"),
    ],
)
def test_errors_name_the_entry(tmp_path, bad, message):
    with pytest.raises(DataError, match=message):
        read_answers(write(tmp_path / "a.json", [entry(10), bad]), META)


def test_files_that_are_something_else(tmp_path):
    with pytest.raises(DataError, match=r"expected a COCO results list .* got dict"):
        read_answers(write(tmp_path / "a.json", {"annotations": []}), META)
    with pytest.raises(DataError, match=r"predictions .*b.json does not exist.* holds: a.json"):
        read_answers(tmp_path / "b.json", META)
    (tmp_path / "c.json").write_text("[{")
    with pytest.raises(DataError, match="not valid JSON"):
        read_answers(tmp_path / "c.json", META)


@pytest.mark.parametrize(("name", "keypoints"), [("horse10", 22), ("macaque", 17), ("atrw", 15)])
def test_what_mmpose_writes(golden, name, keypoints):
    """Both forms of result_keypoints.json, as v0.29 wrote them."""
    from hrpose.keypoints import KeypointMeta

    path = golden / "formats" / f"result_keypoints_{name}.json"
    rows = json.loads(path.read_text())
    meta = KeypointMeta(name, [f"k{number}" for number in range(keypoints)])
    answers = read_answers(path, meta)
    flat = np.array(rows[-1]["keypoints"], np.float32).reshape(-1, 3)
    np.testing.assert_array_equal(answers.keypoints[-1], flat[:, :2])
    np.testing.assert_array_equal(answers.scores[-1], flat[:, 2])
    assert answers.image_ids.tolist() == [row["image_id"] for row in rows]
    assert answers.instance_scores.tolist() == [row["score"] for row in rows]
    np.testing.assert_allclose(answers.areas, [np.prod(row["scale"]) * 4e4 for row in rows])
