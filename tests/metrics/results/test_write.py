import json

import numpy as np
import pytest
from metric_cases import META, coco_of, golden_case, instances, predictions

from hrpose.metrics import PCK, CocoAP, write_predictions
from hrpose.metrics.ap.coco_ap import evaluate
from hrpose.metrics.ap.input import Detections
from hrpose.structures import Labels, Predictions


def test_rows_by_hand(tmp_path):
    truth = instances(
        np.zeros((2, 3, 2)),
        image_ids=np.array([7, 8]),
        annotation_ids=np.array([0, -1]),
        box_scores=np.float32([1, 0.5]),
    )
    points = [[[1.5, 2], [0.1, 4], [5, 6]], [[9, 9], [9, 9], [9, 9]]]
    answers = predictions(points, [[0.1, 0.4, 0.8], [1, 1, 1]], index=[1, 0])
    target = tmp_path / "predictions.json"
    target.write_text("old")
    write_predictions(answers, truth, target)
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.json"]
    first, second = json.loads(target.read_text())
    assert first == {
        "image_id": 7,
        "category_id": 1,
        "annotation_id": 0,
        "score": 1.0,
        "area": 10000.0,
        "keypoints": [9.0, 9.0, 1.0] * 3,
    }
    assert second["keypoints"] == [1.5, 2.0, 0.1, 0.1, 4.0, 0.4, 5.0, 6.0, 0.8]
    assert second["score"] == 0.3  # mean of .4 and .8, times .5
    assert "annotation_id" not in second and second["image_id"] == 8


def test_not_finite_is_null_and_nobody_is_an_empty_list(tmp_path):
    truth = instances(np.zeros((1, 3, 2)))
    points = np.zeros((1, 3, 2))
    points[0, 0] = np.nan, np.inf
    write_predictions(predictions(points), truth, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())[0]["keypoints"][:4] == [None, None, 1, 0]
    write_predictions(predictions(points[:0]), truth, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == []


@pytest.mark.parametrize("name", ["horse10", "atrw"])
def test_the_file_holds_the_same_numbers(golden, tmp_path, name):
    answers, truth, coco, meta = golden_case(golden / "metrics", name)
    write_predictions(answers, truth, tmp_path / "predictions.json")
    rows = json.loads((tmp_path / "predictions.json").read_text())
    triples = np.array([row["keypoints"] for row in rows], np.float32).reshape(len(rows), -1, 3)
    np.testing.assert_array_equal(triples[..., :2], answers.keypoints)
    np.testing.assert_array_equal(triples[..., 2], answers.scores)
    if name == "horse10":
        again = Predictions(triples[..., :2], triples[..., 2], answers.index, answers.areas)
        metric = PCK(0.3, ("Nose", "Eye"), "mmpose-2021")
        assert metric.compute(again, Labels(truth, coco, meta)) == metric.compute(
            answers, Labels(truth, coco, meta)
        )
        return
    found = Detections(
        triples[..., :2],
        triples[..., 2],
        np.array([row["score"] for row in rows], np.float32),
        np.array([row["image_id"] for row in rows]),
        np.array([row["category_id"] for row in rows]),
    )
    values, _ = evaluate(coco, found, np.array(meta.sigmas), [1])
    assert values == CocoAP(nms="none").compute(answers, Labels(truth, coco, meta)).values


def test_pycocotools_reads_it(tmp_path, capsys):
    coco_module = pytest.importorskip("pycocotools.coco")
    truth = instances(np.arange(12).reshape(2, 3, 2), image_ids=np.array([3, 4]))
    write_predictions(predictions(truth.keypoints), truth, tmp_path / "predictions.json")
    reader = coco_module.COCO()
    reader.dataset = coco_of(truth)
    reader.createIndex()
    loaded = reader.loadRes(str(tmp_path / "predictions.json"))
    assert [row["image_id"] for row in loaded.dataset["annotations"]] == [3, 4]
    assert META.num_keypoints * 3 == len(loaded.dataset["annotations"][0]["keypoints"])
