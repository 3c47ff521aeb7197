import json

import numpy as np
import pytest
from metric_cases import META, coco_of, golden_case, instances, labels, predictions, read_json

from hrpose.config.registry import build
from hrpose.errors import ConfigError
from hrpose.metrics import NME, PCK
from hrpose.structures import Labels, Predictions

PAIR = ("Nose", "Eye")


@pytest.fixture(scope="module")
def horses(golden):
    return golden_case(golden / "metrics", "horse10")


@pytest.fixture(scope="module")
def measured(golden):
    return read_json(golden / "metrics" / "results.json.gz")


def test_perfect():
    truth = instances(np.arange(12).reshape(2, 3, 2))
    answers = predictions(truth.keypoints)
    assert PCK().compute(answers, Labels(truth, {}, META)).values == {"PCK@0.3": 1.0}
    assert NME().compute(answers, Labels(truth, {}, META)).values == {"NME": 0.0}


def test_by_hand():
    # box 100 px; errors nose 10 and 50, eye 30 (not below 0.3) and unlabelled, paw never labelled
    truth = instances(
        np.zeros((2, 3, 2)), [[1, 1, 0], [1, 0, 0]], [[0, 0, 100, 50], [0, 0, 60, 100]]
    )
    answers = predictions([[[6, 8], [30, 0], [1, 1]], [[0, 50], [9, 9], [1, 1]]])
    scores = PCK(thr=0.3).compute(answers, Labels(truth, {}, META))
    assert scores.values == {"PCK@0.3": 0.25}
    assert scores.per_keypoint == {"PCK@0.3": {"nose": 0.5, "eye": 0.0, "paw": None}}
    assert scores.notes == [
        "PCK@0.3: normalised by the longest side of the box",
        "PCK@0.3: no labelled point counts for paw",
    ]
    scores = NME().compute(answers, Labels(truth, {}, META))
    assert scores.values["NME"] == pytest.approx((0.1 + 0.5 + 0.3) / 3)
    assert scores.per_keypoint["NME"] == {
        "nose": pytest.approx(0.3),
        "eye": pytest.approx(0.3),
        "paw": None,
    }


@pytest.mark.parametrize("metric", [PCK(), NME(), PCK(norm=("nose", "eye"), missing="leave-out")])
@pytest.mark.parametrize("count", [0, 2])
def test_nothing_labelled_is_none_and_said_so(metric, count):
    truth = instances(np.zeros((count, 3, 2)), np.zeros((count, 3)))
    scores = metric.compute(predictions(np.ones((count, 3, 2))), Labels(truth, {}, META))
    (name,) = metric.names
    assert scores.values == {name: None}
    assert scores.per_keypoint == {name: dict.fromkeys(META.names)}
    assert f"{name}: does not exist: no labelled point counts" in scores.notes


def test_zero_normaliser():
    points = [np.zeros((3, 2)), [[0, 0], [1000, 0], [0, 0]]]
    truth = instances(points)  # first the nose on the eye, then 1000 px away
    answers = predictions(truth.keypoints + np.float32([[300, 400]]))
    pair = ("nose", "eye")
    assert (
        PCK(norm=pair, missing="mmpose-2021").compute(answers, labels(truth)).values["PCK@0.3"]
        == 0.5
    )
    nme = NME(norm=pair, missing="mmpose-2021").compute(answers, labels(truth)).values["NME"]
    assert nme == pytest.approx((5e-4 + 0.5) / 2)
    strict = PCK(norm=pair, missing="leave-out").compute(answers, labels(truth))
    assert strict.values == {"PCK@0.3": 0.0}
    assert "1 of 2 instances have no usable distance nose-eye and are left out" in strict.notes[1]


@pytest.mark.parametrize("missing", ["mmpose-2021", "leave-out"])
@pytest.mark.parametrize(
    "shown",
    [
        [[1, 1, 1], [0, 0, 1]],  # nose on eye; neither
        [[0, 0, 1], [0, 0, 0]],  # the second has no labelled point at all
    ],
)
def test_nothing_to_measure_by_is_no_perfect_score(shown, missing):
    truth = instances(np.zeros((2, 3, 2)), shown)
    answers = predictions(np.full((2, 3, 2), 500))
    for metric in (PCK(norm=("nose", "eye"), missing=missing), NME(("nose", "eye"), missing)):
        scores = metric.compute(answers, labels(truth))
        (name,) = metric.names
        assert scores.values == {name: None}
        assert scores.per_keypoint == {name: dict.fromkeys(META.names)}
        assert f"{name}: does not exist: no labelled point counts" in scores.notes
        assert f"{name}: 2 of 2 instances have no usable distance nose-eye and are left out" in (
            scores.notes
        )
        drawn = metric.resampler(answers, labels(truth), truth.image_ids)(np.ones((3, 2)))
        assert np.isnan(drawn[name]).all()


def test_lengths_that_say_nothing_of_the_points():
    """An empty and a full box; the only labelled points are those of the first."""
    truth = instances(np.zeros((2, 3, 2)), [[1, 1, 1], [0, 0, 0]], [[0, 0, 0, 0], [0, 0, 9, 9]])
    answers = predictions(np.full((2, 3, 2), 500))
    scores = PCK(norm="box", missing="mmpose-2021").compute(answers, labels(truth))
    assert scores.values == {"PCK@0.3": None}


def test_rows_follow_the_index_and_missing_ones_are_counted():
    truth = instances(np.arange(18).reshape(3, 3, 2) * 100)
    answers = predictions(truth.keypoints[[2, 0]], index=[2, 0])
    scores = PCK().compute(answers, Labels(truth, {}, META))
    assert scores.values == {"PCK@0.3": 1.0}
    assert "PCK@0.3: 1 of 3 instances have no prediction and do not count" in scores.notes


def test_coordinates_that_are_not_finite_are_wrong():
    truth = instances(np.zeros((2, 3, 2)))
    points = np.zeros((2, 3, 2))
    points[0, 0, 1] = np.nan
    points[1, 1, 0] = np.inf
    answers = predictions(points)
    assert PCK().compute(answers, Labels(truth, {}, META)).values["PCK@0.3"] == pytest.approx(2 / 3)
    scores = NME().compute(answers, Labels(truth, {}, META))
    assert scores.values == {"NME": None}
    assert scores.per_keypoint == {"NME": {"nose": None, "eye": None, "paw": 0.0}}
    assert any("not finite" in note for note in scores.notes)
    json.dumps([scores.values, scores.per_keypoint], allow_nan=False)


def test_names_tell_threshold_and_variant():
    assert PCK(0.05).names == ("PCK@0.05",)
    assert PCK(thr=1).names == ("PCK@1",)
    assert PCK(variant="strict").names == ("strict/PCK@0.3",)
    assert NME(variant="strict").names == ("strict/NME",)
    assert PCK.higher_is_better and not NME.higher_is_better
    truth = instances(np.zeros((1, 3, 2)))
    scores = PCK(variant="strict").compute(predictions(truth.keypoints), Labels(truth, {}, META))
    assert set(scores.values) == set(scores.per_keypoint) == {"strict/PCK@0.3"}


def test_from_a_page():
    metric = build({"type": "PCK", "thr": 0.3, "norm": ["nose", "eyes"]})
    assert "did you mean 'eye'" in metric.check(META)[0]
    assert build({"type": "NME", "norm": ["nose", "eye"]}).check(META) == []
    with pytest.raises(ConfigError, match="boxes"):
        build({"type": "PCK", "norm": "boxes"})
    with pytest.raises(ConfigError, match="thr 0: expected a positive number"):
        build({"type": "PCK", "thr": 0})


def test_numbers_of_the_table(horses, measured):
    """What made the published Horse-10 rows: v0.14's `evaluate`."""
    reference = measured["horse10_v014"]
    scores = PCK(0.3, PAIR, "mmpose-2021").compute(horses[0], Labels(*horses[1:]))
    assert scores.values["PCK@0.3"] == pytest.approx(0.74001569120821, abs=1e-15)
    assert scores.values["PCK@0.3"] == pytest.approx(reference["evaluate_PCK"]["PCK"], abs=1e-15)
    assert f"{reference['n_zero_normalizer']} of 229 instances have no usable" in scores.notes[2]
    assert f"{reference['n_one_of_nose_eye_missing']} of 229 instances have only" in scores.notes[1]
    scores = NME(PAIR, "mmpose-2021").compute(horses[0], Labels(*horses[1:]))
    assert scores.values["NME"] == pytest.approx(reference["evaluate_NME"]["NME"], abs=1e-7)


@pytest.mark.parametrize("thr", [0.05, 0.1, 0.2, 0.3, 0.5])
def test_reference_per_keypoint(horses, measured, thr):
    expected = measured["horse10_v014"][f"func_PCK@{thr}_nose_eye"]
    scores = PCK(thr, PAIR, "mmpose-2021").compute(horses[0], Labels(*horses[1:]))
    (name,) = scores.values
    assert scores.values[name] == pytest.approx(expected["avg"], abs=1e-15)
    assert list(scores.per_keypoint[name].values()) == expected["per_joint"]


@pytest.mark.parametrize("version", ["v014", "v029"])
def test_reference_by_box(horses, measured, version):
    expected = measured[f"horse10_{version}"]
    for thr in (0.05, 0.2):
        value = PCK(thr, "box").compute(horses[0], Labels(*horses[1:])).values[f"PCK@{thr}"]
        assert value == pytest.approx(expected[f"func_PCK@{thr}_bbox_max"]["avg"], abs=1e-15)
    value = NME("box").compute(horses[0], Labels(*horses[1:])).values["NME"]
    assert value == pytest.approx(expected["func_NME_bbox_max"], abs=1e-7)
    if version == "v029":  # its PCK@0.3 of Horse-10 is this one
        by_box = PCK(0.2, "box").compute(horses[0], Labels(*horses[1:])).values["PCK@0.2"]
        assert by_box == pytest.approx(expected["evaluate_PCK"]["PCK"], abs=1e-15)


def test_reference_of_instances_with_both_points(horses, measured):
    expected = measured["horse10_v014"]
    scores = PCK(0.3, PAIR, "leave-out").compute(horses[0], Labels(*horses[1:]))
    name = "func_PCK@0.3_only_samples_with_both_nose_and_eye"
    assert scores.values["PCK@0.3"] == pytest.approx(expected[name], abs=1e-15)
    left_out = 229 - expected["n_both"]
    assert f"{left_out} of 229 instances have no usable distance" in scores.notes[1]
    value = NME(PAIR, "leave-out").compute(horses[0], Labels(*horses[1:])).values["NME"]
    name = "func_NME_only_samples_with_both_nose_and_eye"
    assert value == pytest.approx(expected[name], abs=1e-7)


def test_order_of_predictions_does_not_matter(horses):
    answers, truth, coco, meta = horses
    order = np.random.default_rng(0).permutation(len(answers))
    mixed = Predictions(
        answers.keypoints[order], answers.scores[order], order, answers.areas[order]
    )
    for metric in (PCK(0.3, PAIR, "mmpose-2021"), NME(PAIR, "mmpose-2021")):
        (name,) = metric.names
        value = metric.compute(mixed, Labels(truth, coco, meta)).values[name]
        assert value == pytest.approx(
            metric.compute(answers, Labels(truth, coco, meta)).values[name], abs=1e-12
        )


def test_head_is_read_from_the_annotations():
    truth = instances(np.zeros((2, 3, 2)))
    coco = coco_of(truth)
    for annotation, size in zip(coco["annotations"], (10, 100), strict=True):
        annotation["head_size"] = size
    answers = predictions(np.full((2, 3, 2), 6.0))
    assert PCK(0.5, "head").compute(answers, Labels(truth, coco, META)).values == {"PCK@0.5": 0.5}


def test_variants_of_horse10_by_hand():
    """Four horses: both points labelled 10 px apart, only the eye, neither, both on one spot.

    Every prediction of a labelled point is 4 px off; the third keypoint is always labelled.
    """
    truth = instances(
        [
            [[100, 100], [106, 108], [50, 50]],
            [[0, 0], [30, 40], [50, 50]],
            [[0, 0], [0, 0], [50, 50]],
            [[70, 70], [70, 70], [50, 50]],
        ],
        [[1, 1, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]],
        [[0, 0, 19, 8], [0, 0, 8, 21], [0, 0, 100, 1], [0, 0, 4, 100]],
    )
    answers = predictions(truth.keypoints + np.float32([4, 0]))
    videos = ["Sample6", "Sample17", "Sample99", "ChestnutHorseLight"]  # 12.3, 10.04, ?, 35.55 px
    coco = coco_of(truth)
    for image, video in zip(coco["images"], videos, strict=True):
        image["file_name"] = f"labeled-data/{video}/0001.png"

    def value(metric):
        return next(iter(metric.compute(answers, Labels(truth, coco, META)).values.values()))

    pair = ("nose", "eye")
    # 2021: 4/10 misses, 4/50 (the eye's distance to the corner), 4/10^6 and 4/10^6 hit
    assert value(PCK(0.3, pair, "mmpose-2021")) == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3)
    assert value(NME(pair, "mmpose-2021")) == pytest.approx((3 * 0.4 + 2 * 0.08 + 4 * 4e-6) / 9)
    # since 0.19: 4/19 misses and 4/21 hits, by the longest side of the box
    assert value(PCK(0.2, "box")) == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3)
    assert value(PCK(0.2, "box", variant="mmpose-0.19+")) == value(PCK(0.2, "box"))
    # strict: only the first horse counts
    strict = PCK(0.3, pair, "leave-out", "strict").compute(answers, Labels(truth, coco, META))
    assert strict.values == {"strict/PCK@0.3": 0.0}
    assert "strict/PCK@0.3: 3 of 4 instances have no usable distance nose-eye and are left out" in (
        strict.notes
    )
    assert value(NME(pair, "leave-out")) == pytest.approx(0.4)
    # benchmark: 4/12.3 and 4/10.04 miss, the third horse is not known, 4/35.55 hits
    assert value(PCK(0.3, "horse10")) == pytest.approx((1 / 2 + 1 / 3 + 1 / 3) / 3)
    scale = np.array([3 / 12.3, 2 / 10.043979292093363, 3 / 35.55348084224667])
    assert value(NME("horse10")) == pytest.approx(4 * scale.sum() / 8)


@pytest.mark.parametrize(
    "metric", [PCK(0.3, PAIR, "mmpose-2021"), NME(PAIR, "mmpose-2021"), PCK(0.3, PAIR, "leave-out")]
)
def test_resampling_with_every_image_once_is_the_number(horses, metric):
    answers, truth, coco, meta = horses
    images = np.unique(truth.image_ids)
    (name,) = metric.names
    drawn = metric.resampler(answers, Labels(truth, coco, meta), images)(np.ones((1, len(images))))
    assert drawn[name] == pytest.approx(
        [metric.compute(horses[0], Labels(*horses[1:])).values[name]], abs=1e-12
    )
