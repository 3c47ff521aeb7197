import numpy as np
from proofs.benchmark.stand_in import RandomAnimals, coco_of, random_animals, random_predictions

from hrpose.metrics import PCK
from hrpose.structures import Labels


def test_animals_lie_in_their_boxes_and_boxes_in_their_images():
    truth = random_animals(50, 6, seed=3)
    x, y, w, h = truth.boxes.T
    assert (x >= 0).all() and (x + w <= 640).all() and (y >= 0).all() and (y + h <= 480).all()
    shown = truth.visible > 0
    low, high = truth.boxes[:, None, :2], truth.boxes[:, None, :2] + truth.boxes[:, None, 2:]
    within = (truth.keypoints >= low - 0.01) & (truth.keypoints <= high + 0.01)
    assert within[shown].all() and (truth.keypoints[~shown] == 0).all()
    assert 0.8 < shown.mean() < 1 and shown.any(axis=1).all()
    _, counts = np.unique(truth.image_ids, return_counts=True)
    assert set(counts.tolist()) == {1, 2, 3}


def test_a_seed_decides_everything():
    assert np.array_equal(random_animals(9, 4, 1).keypoints, random_animals(9, 4, 1).keypoints)
    assert not np.array_equal(random_animals(9, 4, 1).keypoints, random_animals(9, 4, 2).keypoints)


def test_predictions_are_right_and_wrong_in_a_realistic_share(animals):
    truth = random_animals(200, len(animals.meta))
    found = random_predictions(truth)
    scores = PCK(0.1, "box").compute(found, Labels(truth, coco_of(truth), animals.meta))
    assert 0.8 < scores.values["PCK@0.1"] < 0.99
    assert (found.scores > 0).all() and (found.scores <= 1).all()


def test_the_coco_dict_is_that_of_the_animals():
    truth = random_animals(5, 3)
    coco = coco_of(truth)
    assert [row["id"] for row in coco["annotations"]] == [1, 2, 3, 4, 5]
    assert {row["image_id"] for row in coco["annotations"]} == {i["id"] for i in coco["images"]}
    row = coco["annotations"][2]
    assert np.allclose(np.reshape(row["keypoints"], (3, 3))[:, :2], truth.keypoints[2])
    assert row["num_keypoints"] == truth.visible[2].sum()


def test_random_animals_go_through_any_pipeline(animals):
    crops = RandomAnimals(4, animals.meta, animals.pipeline)
    sample = crops[1]
    assert sample["image"].shape == animals[0]["image"].shape and sample["image"].std() > 30
    assert len(crops.truth()) == len(crops) == 4
