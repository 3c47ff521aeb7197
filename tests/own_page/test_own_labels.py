"""What is read from the annotation files: parts, sigmas, skeleton, categories."""

import json
from pathlib import Path

import numpy as np
import pytest

from hrpose.errors import DataError
from hrpose.own_page.labels import parts_of, read_labels
from hrpose.own_page.sigmas import sigmas_of


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["a.json"], {"train": "a.json"}),
        (["cows-val.json", "cows_train.json"],
         {"train": "cows_train.json", "val": "cows-val.json"}),
        (["test.json", "train.json"], {"train": "train.json", "test": "test.json"}),
        (["training.json", "b.json"], {"train": "training.json", "val": "b.json"}),
        (["a.json", "b.json", "c.json"], {"train": "a.json", "val": "b.json", "test": "c.json"}),
        (["val.json"], {"train": "val.json"}),  # one alone is what there is
        (["train_a.json", "train_b.json"], None),
        (["a.json", "a.json"], None),
        (["a.json", "b.json", "c.json", "d.json"], None),
    ],
)  # fmt: skip
def test_which_file_is_which_part(names, parts):
    paths = [Path(name) for name in names]
    if parts is None:
        with pytest.raises(DataError, match="ANNOTATIONS"):
            parts_of(paths)
    else:
        found, notes = parts_of(paths)
        assert {part: path.name for part, path in found.items()} == parts
        assert bool(notes) == ((len(names) > 1 and "a.json" in names) or "b.json" in names)


def test_sigmas_of_animals_that_were_labelled_twice(herd):
    """Six pairs 2 px apart on an area of 400: the root of 2^2 / (2 * 400) is .0707."""
    more = [herd.animal(100 + k, k, shift=2.0) for k in range(6)]
    part = read_labels([herd.write("a", more=more)], herd.images, None).train
    sigmas, pairs = sigmas_of(part)
    assert pairs == 6
    assert sigmas == [0.0707] * 4  # that of the third, never labelled, is the mean of all


def test_a_keypoint_with_few_pairs_takes_the_mean_of_all(herd):
    more = [herd.animal(100 + k, k, shift=2.0) for k in range(6)]
    for entry in more[1:]:
        entry["keypoints"][11] = 0  # the tail is in one pair, and 18 px off there
    more[0]["keypoints"][9] += 16.0
    sigmas, _ = sigmas_of(read_labels([herd.write("a", more=more)], herd.images, None).train)
    mean = (12 * 0.005 + 18**2 / 800) / 13
    assert sigmas == pytest.approx([0.0707, 0.0707, mean**0.5, mean**0.5], abs=1e-4)


def test_copies_and_other_animals_are_no_repeated_labels(herd):
    copies = [herd.animal(100 + k, k) for k in range(6)]
    others = [herd.animal(200 + k, k, shift=30.0, bbox=[45, 15, 40, 20]) for k in range(6)]
    part = read_labels([herd.write("a", more=copies + others)], herd.images, None).train
    assert sigmas_of(part) == (None, 0)


def test_individuals_are_told_apart_however_near(herd):
    more = [herd.animal(100 + k, k, shift=2.0, track_id=1) for k in range(6)]
    path = herd.write("a", more=more)
    content = json.loads(path.read_text())
    for entry in content["annotations"][:9]:
        entry["track_id"] = 0
    path.write_text(json.dumps(content))
    assert sigmas_of(read_labels([path], herd.images, None).train) == (None, 0)


@pytest.mark.parametrize(
    ("pairs", "limbs", "note"),
    [
        ([[1, 2], [4, 1]], [("nose", "left_ear"), ("tail", "nose")], ""),
        ([[0, 1], [3, 0]], [("nose", "left_ear"), ("tail", "nose")], "counted from 0"),
        ([[1, 9], [1, 4]], [("nose", "tail")], "1 pairs lead nowhere"),
        (["ab"], [], "not a list of pairs"),
        ([], [], ""),
    ],
)
def test_the_skeleton_by_names(herd, pairs, limbs, note):
    herd.category["skeleton"] = pairs
    labels = read_labels([herd.write("a")], herd.images, None)
    assert labels.skeleton == limbs
    assert note in " ".join(labels.notes) and bool(labels.notes) == bool(note)


def test_categories_with_different_keypoints_must_be_chosen_from(herd):
    path = herd.write("a")
    content = json.loads(path.read_text())
    content["categories"].append({"id": 2, "name": "corner", "keypoints": ["c"]})
    content["annotations"].append({**herd.animal(50, 0), "category_id": 2, "keypoints": [1, 1, 2]})
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="choose one with --category: there are 'cow', 'corner'"):
        read_labels([path], herd.images, None)
    assert read_labels([path], herd.images, "corner").names == ["c"]
    assert len(read_labels([path], herd.images, "cow").train.animals) == 9
    with pytest.raises(DataError, match="no such category"):
        read_labels([path], herd.images, "calf")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "category 'cow' has no keypoint names"),
        ([1, 2, 3, 4], "category 'cow' has no keypoint names"),
        (["a", "b", "a", "c"], "category 'cow'.*'a' is listed twice"),
        (["a", "$codec.sigma", "b"], r"keypoint '\$codec\.sigma' of category 'cow': on a page"),
    ],
)
def test_names_that_are_none_are_refused(herd, names, message):
    path = herd.write("a")
    content = json.loads(path.read_text())
    content["categories"][0]["keypoints"] = names
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        read_labels([path], herd.images, None)


def test_images_are_looked_for_in_the_folder_of_the_part(herd):
    path = herd.write("train")
    folder = herd.images / "train"
    folder.mkdir()
    for image in list(herd.images.glob("*.png")):
        image.rename(folder / image.name)
    part = read_labels([path], herd.images, None).train
    assert part.img_root == folder and np.array_equal(part.sizes[0], [80, 60])
    with pytest.raises(DataError, match=r"'train0.png' is neither in .* nor in its folders"):
        read_labels([path], herd.folder, None)
