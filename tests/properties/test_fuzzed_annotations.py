"""Whatever an annotation file holds: a DataError that says so, or animals that can be used."""

import copy
import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import mutated

from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.errors import DataError
from hrpose.keypoints import KeypointMeta
from hrpose.metrics import EPE, NME, PCK, CocoAP
from hrpose.structures import Labels, Predictions

NAMES = ("nose", "left_paw", "right_paw")
META = KeypointMeta("toy", NAMES, [NAMES[1:]], sigmas=[0.1] * 3)
SOUND = {
    "images": [
        {"id": 20 + i, "file_name": f"{i}.png", "width": 40, "height": 30} for i in range(2)
    ],
    "annotations": [
        {
            "id": 50 + i,
            "image_id": 20 + i % 2,
            "category_id": 1,
            "bbox": [4 + i, 5, 20, 15],
            "area": 300,
            "iscrowd": 0,
            "num_keypoints": 2,
            "keypoints": [6, 7, 2, 12.5, 9, 1, 0, 0, 0],
        }
        for i in range(3)
    ],
    "categories": [{"id": 1, "name": "cat", "keypoints": list(NAMES)}],
}
BOXES = [
    {"image_id": 20 + i, "category_id": 1, "bbox": [4, 5, 20, 15], "score": 0.9} for i in range(2)
]
STEPS = [LoadImage(), CropBox((32, 32)), Warp((32, 32))]
WORDS = [*SOUND, *SOUND["annotations"][0], "file_name", "width", "score", "nose", "0.png"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz")
    for i in range(2):
        cv2.imwrite(str(path / f"{i}.png"), np.full((30, 40, 3), 90 * i, np.uint8))
    return path


def opened(folder, text, **options):
    """The data set of an annotation file with this text, None if it was refused with a reason."""
    (folder / "ann.json").write_text(text, encoding="utf-8")
    try:
        return CocoPoseDataset("ann.json", "", META, STEPS, root=str(folder), **options)
    except DataError as error:
        assert str(folder) in str(error)  # names the file
        return None


def check_usable(dataset):
    truth = dataset.truth()
    for array in vars(truth).values():
        assert len(array) == len(dataset) and np.isfinite(array).all()
    assert (truth.boxes[:, 2:] > 0).all()
    assert (truth.visible.any(axis=1) | (truth.annotation_ids < 0)).all()
    for index in range(len(dataset)):
        assert dataset.describe(index)
        try:
            sample = dataset[0, index]
        except DataError as error:
            assert str(error)
        else:
            assert sample["image"].shape == (32, 32, 3) and np.isfinite(sample["keypoints"]).all()
    for name, reason in dataset.left_out:
        assert reason in dataset.summary() and str(name)


def check_scores(dataset):
    truth = dataset.truth()
    ones = np.ones((len(truth), 3), np.float32)
    perfect = Predictions(truth.keypoints, ones, np.arange(len(truth)), truth.areas)
    for metric in (CocoAP(), PCK(), NME(), EPE()):
        for value in metric.compute(perfect, Labels(truth, dataset.coco(), META)).values.values():
            assert value is None or np.isfinite(value)


def test_the_sound_file_is_usable(folder):
    dataset = opened(folder, json.dumps(SOUND))
    assert len(dataset) == 3
    check_usable(dataset)
    check_scores(dataset)


HUGE = 10**400


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("annotations", {"category_id": [1]}, r"category_id \[1\] is not among"),
        ("annotations", {"keypoints": [HUGE] * 9}, "keypoints must be a list of numbers"),
        ("annotations", {"bbox": [HUGE, 1, 1, 1]}, "bbox must be a list of numbers"),
        ("categories", {"id": 2**63}, "must be a whole number"),
        ("categories", {"keypoints": 7}, "keypoints is 7, expected a list of names"),
        ("images", {"width": float("nan")}, "width nan and height 30 must be numbers of px"),
        ("images", {"file_name": "a\x00b"}, r"file_name 'a\\x00b'"),
        ("images", {"file_name": "\ud800"}, r"file_name '\\ud800' is not a name that a file can"),
        ("images", {"height": -30}, "height -30 must be numbers of px, above 0"),
    ],
)
def test_what_fuzzing_found_is_refused_with_its_place(folder, part, changes, words):
    content = copy.deepcopy(SOUND)
    content[part][0].update(changes)
    (folder / "ann.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"ann\.json: .*{words}"):
        CocoPoseDataset("ann.json", "", META, STEPS, root=str(folder))


@pytest.mark.parametrize(
    ("changes", "left_out"),
    [
        ({"id": 2**63}, []),
        ({"area": HUGE}, []),
        ({"area": -5}, []),
        ({"bbox": [0, 0, 1e308, 1e308]}, [(50, "with a box that is not finite")]),
        ({"keypoints": [1e308, 7, 2] * 3}, [(50, "with a labelled keypoint that is not finite")]),
    ],
)
def test_what_fuzzing_found_can_be_used_or_is_left_out(folder, changes, left_out):
    content = copy.deepcopy(SOUND)
    content["annotations"][0].update(changes)
    dataset = opened(folder, json.dumps(content))
    assert dataset.left_out == left_out
    check_usable(dataset)
    check_scores(dataset)
    if "area" in changes:
        assert dataset.truth().areas.tolist() == [300, 300, 300]  # that of the box, 20 x 15


def test_a_name_that_is_too_long_is_an_image_that_cannot_be_read(folder):
    content = copy.deepcopy(SOUND)
    content["images"][1]["file_name"] = "x" * 5000
    dataset = opened(folder, json.dumps(content))
    with pytest.raises(DataError, match="File name too long"):
        dataset[0, 2]


@given(content=mutated(SOUND, WORDS))
def test_mutated_annotations(folder, content):
    dataset = opened(folder, json.dumps(content))
    if dataset is not None:
        assert len(dataset) + len(dataset.left_out) == len(content["annotations"])
        check_usable(dataset)
        check_scores(dataset)


@given(content=mutated(SOUND, WORDS))
def test_mutated_annotations_with_the_clean_up_of_mmpose(folder, content):
    dataset = opened(folder, json.dumps(content), box_clean_up="mmpose")
    if dataset is not None:
        check_usable(dataset)


@given(content=mutated(BOXES, WORDS))
def test_mutated_boxes_of_a_detector(folder, content):
    (folder / "boxes.json").write_text(json.dumps(content), encoding="utf-8")
    dataset = opened(folder, json.dumps(SOUND), box_file="boxes.json")
    if dataset is not None:
        assert len(dataset) + len(dataset.left_out) == len(content)
        check_usable(dataset)


@given(st.data())
def test_text_that_was_cut_or_overwritten(folder, data):
    text = json.dumps(SOUND)
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    piece = data.draw(st.text(max_size=4) | st.sampled_from(["[" * 100_000, "NaN", "9" * 5000]))
    dataset = opened(folder, text[:start] + piece + text[end:])
    if dataset is not None:
        check_usable(dataset)


@given(raw=st.binary(max_size=40))
def test_any_bytes(folder, raw):
    (folder / "raw.json").write_bytes(raw)
    with pytest.raises(DataError, match=r"raw\.json"):
        CocoPoseDataset("raw.json", "", META, STEPS, root=str(folder))
