import numpy as np
import pytest

from hrpose.errors import DataError
from hrpose.metrics.ap.input import Detections, animals_of, image_ids, usable

ROW = {"id": 5, "image_id": 9, "category_id": 1, "keypoints": [1, 2, 2, 5, 8, 1], "area": 30.0}


def test_animals_by_hand():
    rows = [
        {**ROW, "bbox": [1, 2, 3, 4], "iscrowd": 1},
        {**ROW, "area": None},
        {**ROW, "keypoints": []},
        {**ROW, "category_id": 2},
    ]
    animals, notes = animals_of({"annotations": rows}, 2, [1])
    assert len(animals) == 3
    assert animals.keypoints[0].tolist() == [[1, 2], [5, 8]]
    assert animals.labelled.tolist() == [[True, True], [True, True], [False, False]]
    # without a box, around the labelled points: 4 x 6; without those, nothing
    assert animals.boxes.tolist() == [[1, 2, 3, 4], [1, 2, 4, 6], [0, 0, 0, 0]]
    assert animals.areas.tolist() == [30, 24, 30]
    assert animals.crowd.tolist() == [True, False, False]
    assert notes == [
        "1 annotations of other categories are not evaluated",
        "1 annotations have no area; that of their box is taken",
    ]
    with pytest.raises(DataError, match="annotation 5: 'keypoints' has 6 numbers, expected 9"):
        animals_of({"annotations": rows}, 3, [1])


def test_image_ids_are_sorted_and_include_those_that_only_annotations_name():
    coco = {"images": [{"id": 30}, {"id": 4}], "annotations": [ROW, ROW]}
    assert image_ids(coco).tolist() == [4, 9, 30]
    assert image_ids({}).tolist() == []


def test_usable_detections():
    poses = np.zeros((4, 2, 2), np.float32)
    poses[1, 0, 0] = np.inf
    poses[3] = [[1, 2], [4, 8]]
    scores = np.float32([[1, 1], [1, 1], [0, 0], [1, 0]])
    ones = np.ones(4, np.int64)
    found = Detections(poses, scores, np.arange(4.0), 9 * ones, ones)
    kept, notes = usable(found, np.array([4, 9]))
    assert kept.instance_scores.tolist() == [0, 3] and kept.areas().tolist() == [0, 18]
    assert [note.split()[0] for note in notes] == ["1", "1"]
    with pytest.raises(DataError, match="detection 0: image 9 is not in the ground truth"):
        usable(found, np.array([4]))
