import pickle

import numpy as np
import pytest
from proofs.benchmark.resized import Resized
from torch.utils.data import DataLoader

from hrpose.datasets.loader import collate
from hrpose.structures import Labels, Predictions


def test_fewer_animals_are_spread_over_the_data_set(animals):
    few = Resized(animals, 3)
    assert len(few) == 3
    for place, row in enumerate((0, 2, 4)):
        assert np.array_equal(few[place]["image"], animals[row]["image"])
        assert few[place]["index"] == place
    assert few.truth().annotation_ids.tolist() == [1, 3, 5]
    assert [image["id"] for image in few.coco()["images"]] == [0, 2, 4]
    assert [row["id"] for row in few.coco()["annotations"]] == [1, 3, 5]


def test_more_animals_are_copies_with_ids_of_their_own(animals):
    many = Resized(animals, 8)
    truth, coco = many.truth(), many.coco()
    assert truth.image_ids.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert truth.annotation_ids.tolist() == [1, 2, 3, 4, 5, 6, 8, 9]  # 7 would be the next free one
    assert [row["id"] for row in coco["annotations"]] == truth.annotation_ids.tolist()
    assert [row["image_id"] for row in coco["annotations"]] == truth.image_ids.tolist()
    assert np.array_equal(truth.keypoints[6:], truth.keypoints[:2])
    assert many[(0, 7)]["index"] == 7
    assert np.array_equal(many[(0, 7)]["image"], animals[(1, 1)]["image"])  # drawn anew each epoch
    assert np.array_equal(many[(1, 7)]["image"], animals[(3, 1)]["image"])


def test_scored_as_the_data_set_would_be(animals):
    from hrpose.metrics import PCK

    many = Resized(animals, 12)
    truth = many.truth()
    found = Predictions(truth.keypoints, truth.visible, np.arange(12), truth.areas)
    scores = PCK(0.2, "box").compute(found, Labels(truth, many.coco(), many.meta))
    assert scores.values == {"PCK@0.2": 1.0}


def test_everything_else_is_the_data_sets_own(animals):
    many = Resized(animals, 8)
    many.seed = 5
    assert animals.seed == 5 and many.meta is animals.meta and many.digest() == animals.digest()
    animals.seed = 0
    again = pickle.loads(pickle.dumps(many))
    assert len(again) == 8 and again.truth().image_ids[7] == 7
    with pytest.raises(AttributeError):
        _ = many.no_such_thing


def test_a_loaders_workers_read_it(animals):
    loader = DataLoader(
        Resized(animals, 8), batch_sampler=[[(0, 6), (0, 1)]], collate_fn=collate, num_workers=1
    )
    assert next(iter(loader))["index"].tolist() == [6, 1]
