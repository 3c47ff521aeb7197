import csv

import numpy as np
import pytest
from metric_cases import META, coco_of, instances, labels

from hrpose.errors import DataError
from hrpose.metrics.normaliser import HUGE, Normaliser, horse10_scale

# nose and eye: both labelled 5 px apart; both, on one spot; eye only; neither
TRUTH = instances(
    [[[3, 4], [0, 8], [9, 9]], [[7, 7], [7, 7], [9, 9]], [[0, 0], [6, 8], [9, 9]], [[0, 0]] * 3],
    [[1, 1, 1], [1, 1, 1], [0, 1, 1], [0, 0, 0]],
    [[0, 0, 30, 10], [5, 5, 10, 40], [0, 0, 0, 0], [0, 0, 1, 2]],
)
ROWS = np.arange(4)


def lengths(norm, missing="leave-out", rows=ROWS, coco=None):
    return Normaliser(norm, missing).lengths(rows, labels(TRUTH, coco))


def test_box_is_its_longest_side_and_an_empty_one_is_left_out():
    values, notes = lengths("box")
    np.testing.assert_array_equal(values, [30, 40, np.nan, 2])
    assert notes == [
        "normalised by the longest side of the box",
        "1 of 4 instances have no usable longest side of the box and are left out",
    ]


@pytest.mark.parametrize("missing", [(), ("leave-out",)])  # unless a page asks for something else
def test_pair_left_out_unless_both_are_labelled_and_apart(missing):
    pair = Normaliser(("nose", "eye"), *missing)
    values, notes = pair.lengths(ROWS, labels(TRUTH, None))
    np.testing.assert_array_equal(values, [5, np.nan, np.nan, np.nan])
    assert notes[1:] == ["3 of 4 instances have no usable distance nose-eye and are left out"]


def test_pair_as_in_2021():
    values, notes = lengths(["nose", "eye"], "mmpose-2021")
    np.testing.assert_array_equal(values, [5, HUGE, 10, HUGE])  # 10: eye to the image corner
    assert "1 of 4 instances have only one of nose and eye labelled" in notes[1]
    assert "2 of 4 instances have no usable distance nose-eye; all their points" in notes[2]


def test_rows_are_followed():
    assert lengths("box", rows=np.array([1, 0]))[0].tolist() == [40, 30]


def test_head_sizes_come_from_the_annotations():
    coco = coco_of(TRUTH)
    coco["annotations"][0]["head_size"] = 12.5
    coco["annotations"][1]["head_box"] = [1, 1, 30, 40]
    values, notes = lengths("head", coco=coco)
    np.testing.assert_array_equal(values, [12.5, 0.6 * 50, np.nan, np.nan])
    assert "2 of 4 instances have no usable head size" in notes[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"head_size": "12"},
        {"head_size": float("inf")},
        {"head_size": float("nan")},
        {"head_size": 10**400},
        {"head_size": -1},
        {"head_size": True},
        {"head_box": 7},
        {"head_box": [1, 2, 3]},
        {"head_box": [1, 2, 3, float("inf")]},
        {"head_box": [1, 2, -3, 4]},
        {"head_box": [1, 2, "3", 4]},
    ],
)
def test_a_head_that_is_no_length_is_an_error(wrong):
    coco = coco_of(TRUTH)
    coco["annotations"][1] |= wrong
    (key,) = wrong
    with pytest.raises(DataError, match=f"annotation 1: '{key}' is .*, expected"):
        lengths("head", coco=coco)


def test_a_head_of_size_0_is_left_out():
    coco = coco_of(TRUTH)
    for annotation, size in zip(coco["annotations"], (12, 0, 3, 4), strict=True):
        annotation["head_size"] = size
    values, notes = lengths("head", coco=coco)
    np.testing.assert_array_equal(values, [12, np.nan, 3, 4])
    assert "1 of 4 instances have no usable head size and are left out" in notes


def test_head_without_any_size_is_an_error():
    with pytest.raises(DataError, match="no annotation has 'head_size'"):
        lengths("head", coco=coco_of(TRUTH))


@pytest.mark.parametrize(
    ("norm", "missing", "message"),
    [
        ("boxx", "leave-out", "norm 'boxx'.*did you mean 'box'"),
        (("nose", "nose"), "leave-out", "two different keypoint names"),
        (("nose",), "leave-out", "two different keypoint names"),
        ("box", "skip", "missing 'skip': expected 'mmpose-2021' or 'leave-out'"),
    ],
)
def test_bad_arguments(norm, missing, message):
    with pytest.raises(ValueError, match=message):
        Normaliser(norm, missing)


def test_check_names_the_unknown_keypoint():
    (problem,) = Normaliser(("nose", "eyes")).check(META)
    assert problem == "norm ('nose', 'eyes'): 'eyes' is no keypoint of 'pet'; did you mean 'eye'?"
    assert Normaliser(("nose", "eye")).check(META) == []
    assert Normaliser("box").check(META) == []


def test_horse10_is_one_length_a_video():
    paths = ["labeled-data/Sample6/0012.png", "x/Sample6/1.png", "Sample6.png", "a/Sample99/1.png"]
    coco = {
        "images": [{"id": place, "file_name": path} for place, path in enumerate(paths)],
        "annotations": [],
    }
    values, notes = lengths("horse10", coco=coco)
    np.testing.assert_allclose(values, [12.3, 12.3, np.nan, np.nan])
    assert notes == [
        "normalised by the benchmark nose-eye distance of the horse",
        "2 of 4 instances have no usable benchmark nose-eye distance of the horse and are left out",
    ]
    unnamed = {"images": [{"id": 0}], "annotations": []}
    assert np.isnan(lengths("horse10", coco=unnamed)[0]).all()


def test_the_scale_has_every_video_of_the_benchmark(data_dir):
    scale = horse10_scale()
    assert len(scale) == 30
    assert (min(scale.values()), max(scale.values())) == pytest.approx((10.04398, 35.55348))
    for split in (1, 2, 3):
        file = data_dir / "horse10-splits" / f"TrainTestInfo_shuffle{split}.csv"
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        videos = {
            column: {row[column].split("/")[1] for row in rows if row[column]}
            for column in ("trainIndices", "testIndices_withinDomain", "testIndices_acrossDomain")
        }
        within, across = videos["testIndices_withinDomain"], videos["testIndices_acrossDomain"]
        assert videos["trainIndices"] == within and len(within) == 10
        assert within | across == set(scale) and not within & across
