"""Metrics."""

import json

import numpy as np
import pytest
from herds import META

from hrpose.errors import DataError
from hrpose.metrics import NME, PCK
from hrpose.metrics.results.read import read_answers
from hrpose.structures import Labels, Predictions

ENDS = ("nose", "tail")


@pytest.mark.fault(
    name="instance without normaliser",
    does="PCK and NME by the distance nose to tail; one horse has no tail, one both at one point",
    expects="left out of the mean, and the report says how many; so it says where the rule of the "
    "published Horse-10 table, which counts them as hits, is chosen",
)
def test_no_normaliser(herd, happened):
    herd.first["keypoints"][9:] = [0, 0, 0]
    herd.content["annotations"][1]["keypoints"][9:] = [20, 30, 2]
    data = herd.open()
    truth = data.truth()
    points = truth.keypoints.copy()
    points[:2] += 1000  # wrong by far, and not counted
    points[3, 0] += (60, 20)  # a miss of the nose by the length of the normaliser
    predictions = Predictions(
        points, np.ones(points.shape[:2], np.float32), np.arange(4), np.ones(4, np.float32)
    )
    lines = []
    for metric in (PCK(0.3, norm=ENDS, missing="leave-out"), NME(norm=ENDS, missing="leave-out")):
        result = metric.compute(predictions, Labels(truth, data.coco(), META))
        (value,) = result.values.values()
        # 8 points of two horses, one of them a miss by 1.0: 4 keypoints of which one hits 1 of 2
        assert value == pytest.approx(0.875 if isinstance(metric, PCK) else 0.125)
        notes = " ".join(result.notes)
        assert "2 of 4 instances have no usable" in notes and "are left out" in notes
        lines.append(f"{metric.names[0]} {value}")
    notes = " ".join(
        PCK(norm=ENDS, missing="mmpose-2021")
        .compute(predictions, Labels(truth, data.coco(), META))
        .notes
    )
    assert "1 of 4 instances have only one of nose and tail labelled" in notes
    assert "all their points count as hits, as MMPose did in 2021" in notes
    happened(f"{', '.join(lines)}, by hand the same; noted: 2 of 4 instances have no usable "
             "normaliser and are left out")  # fmt: skip


@pytest.mark.fault(
    name="nothing to measure by",
    does="in every animal of the test set nose and tail lie on one spot, far outside the crop, or "
    "have no label; PCK and NME by the distance nose to tail, as MMPose did in 2021",
    expects="no perfect score: the numbers do not exist, and a note says why",
)
def test_nothing_measured(herd, happened):
    for place, annotation in enumerate(herd.content["annotations"]):
        points = [0, 0, 0] * 4 if place % 2 else [900, 900, 2] * 4
        points[3:6] = [40, 15, 2]
        annotation["keypoints"] = points
    labels = herd.open().labels()
    truth = labels.truth
    points = np.zeros_like(truth.keypoints)  # wrong by far
    predictions = Predictions(points, np.ones(points.shape[:2]), np.arange(4), truth.areas)
    for metric in (
        PCK(0.3, norm=ENDS, missing="mmpose-2021"),
        NME(norm=ENDS, missing="mmpose-2021"),
    ):
        result = metric.compute(predictions, labels)
        (name,) = metric.names
        assert result.values == {name: None}
        assert f"{name}: does not exist: no labelled point counts" in result.notes
        words = f"{name}: 4 of 4 instances have no usable distance nose-tail and are left out"
        assert words in result.notes
    happened("PCK@0.3 and NME do not exist; noted: 4 of 4 instances have no usable distance "
             "nose-tail")  # fmt: skip


@pytest.mark.fault(
    name="number beyond float32 in a results file",
    does="a results file has the coordinate 1e39; one of 401 digits; a score, an area, an id of "
    "401 digits",
    expects="DataError with the file, the entry and its image, before anything is scored",
)
def test_numbers_that_do_not_fit(tmp_path, happened):
    path = tmp_path / "predictions.json"
    fine = {"image_id": 3, "keypoints": [1, 2, 0.5] * 4, "score": 0.5}
    path.write_text(json.dumps([fine]))
    assert len(read_answers(path, META)) == 1
    for changes, words in (
        ({"keypoints": [1e39, 2, 0.5] * 4}, "keypoint 'nose' has the number 1e+39, more than"),
        ({"keypoints": [10**400, 2, 0.5] * 4}, "keypoints must be numbers"),
        ({"score": 10**400}, "score is 1000000"),
        ({"area": 10**400}, "area must be numbers"),
        ({"annotation_id": 10**400}, "annotation_id is 1000000"),
    ):
        path.write_text(json.dumps([fine, {**fine, **changes}]))
        with pytest.raises(DataError) as error:
            read_answers(path, META)
        text = str(error.value)
        assert f"{path}: entry 1 (image_id 3)" in text and words in text and len(text) < 300
    happened("DataError: predictions.json: entry 1 (image_id 3): keypoint 'nose' has the number "
             "1e+39, more than float32 holds")  # fmt: skip


@pytest.mark.fault(
    name="JSON key twice",
    does="an annotation file has 'annotations' twice; an annotation has 'bbox' twice; so has an "
    "entry of a results file 'keypoints'",
    expects="DataError with the file, the place and the key: which one counts is not guessed",
)
def test_key_twice(herd, happened):
    sound = json.dumps(herd.content)
    assert len(herd.opened(sound)) == 4
    for old, new, words in (
        (
            '"annotations":',
            '"annotations": [], "annotations":',
            "the whole has 'annotations'",
        ),
        ('"id": 8,', '"id": 8, "bbox": [1, 2, 3, 4],', "annotations[1] (id 8) has 'bbox'"),
    ):
        assert sound.count(old) == 1
        with pytest.raises(DataError) as error:
            herd.opened(sound.replace(old, new))
        assert f"horses.json: {words} twice" in str(error.value)
    results = herd.root / "predictions.json"
    results.write_text('[{"image_id": 3, "keypoints": [], "keypoints": [1, 2, 3]}]')
    with pytest.raises(DataError, match=r"predictions.json: \[0\] has 'keypoints' twice"):
        read_answers(results, META)
    happened("DataError: horses.json: annotations[1] (id 8) has 'bbox' twice; readers disagree on "
             "which one counts: keep one of them")  # fmt: skip


@pytest.mark.fault(
    name="head size that is no length",
    does="PCK by the head; an annotation's head_size is Infinity, a text, or of 401 digits",
    expects="DataError with the annotation's id: by an infinite length every point is a hit",
)
def test_head_sizes(herd, happened):
    for annotation in herd.content["annotations"]:
        annotation["head_size"] = 20
    labels = herd.open().labels()
    points = labels.truth.keypoints + np.float32([[5, 0]])
    points[0, :2] += 2  # 7 px of a head of 20 are too far
    predictions = Predictions(points, np.ones(points.shape[:2]), np.arange(4), labels.truth.areas)
    values = PCK(0.3, norm="head").compute(predictions, labels).values
    assert values == {"PCK@0.3": (3 / 4 + 3 / 4 + 1 + 1) / 4}
    for wrong in (float("inf"), "20", 10**400):
        herd.first["head_size"] = wrong
        labels = herd.open().labels()
        with pytest.raises(DataError, match=r"annotation 7: 'head_size' is .*, expected a number"):
            PCK(0.3, norm="head").compute(predictions, labels)
    happened("DataError: annotation 7: 'head_size' is inf, expected a number of px")
