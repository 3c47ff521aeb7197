import dataclasses
import sys

import numpy as np
import pytest
from metric_cases import coco_of, instances, read_json

from hrpose.config.registry import build
from hrpose.errors import ConfigError, DataError
from hrpose.metrics.ap.coco_ap import evaluate
from hrpose.metrics.ap.input import Detections
from hrpose.metrics.ap.numbers import STATS

SIGMAS = np.array([0.1, 0.1, 0.2])
POSES = np.array([[[100, 100], [200, 100], [150, 300]], [[600, 50], [700, 60], [650, 90]]])
# sigmas of ATRW: the origin's are sqrt(2.5) times the evaluation script's
SCRIPT = np.sqrt(
    np.array([5.8, 51.2, 52.2, 3.1, 38.8, 5.2, 31.5, 6.9, 14.7, 7.6, 8.4, 22.6, 5.2, 35.3, 21.9])
    / 1e4
)
ORIGIN = [
    *(0.03807887, 0.11313708, 0.1142366, 0.02783882, 0.09848858, 0.03605551, 0.0887412),
    *(0.04153312, 0.06062178, 0.04358899, 0.04582576, 0.07516648, 0.03605551, 0.09394147),
    0.07399324,
]
MMPOSE = [
    *(0.0277, 0.0823, 0.0831, 0.0202, 0.0716, 0.0263, 0.0646, 0.0302, 0.0440, 0.0316, 0.0333),
    *(0.0547, 0.0263, 0.0683, 0.0539),
]
SIGMA_SETS = {"origin": np.array(ORIGIN), "mmpose": np.array(MMPOSE), "script": SCRIPT}
KNOWN = {
    ("val", "origin"): (0.9230, 0.9748, 0.9588, 0.9484, 0.9883, 0.9738),
    ("val", "mmpose"): (0.8783, 0.9709, 0.9297, 0.9122, 0.9854, 0.9534),
    ("val", "script"): (0.8518, 0.9708, 0.9166, 0.8898, 0.9825, 0.9417),
    ("test", "origin"): (0.9270, 0.9854, 0.9507, 0.9524, 0.9938, 0.9719),
    ("test", "mmpose"): (0.8808, 0.9853, 0.9229, 0.9158, 0.9922, 0.9563),
    ("test", "script"): (0.8494, 0.9731, 0.9128, 0.8927, 0.9891, 0.9485),
}


COMPLETE = {
    "origin": (0.9311, 0.9875, 0.9542, 0.9540, 0.9953, 0.9735),
    "mmpose": (0.8852, 0.9875, 0.9267, 0.9173, 0.9938, 0.9579),
    "script": (0.8573, 0.9854, 0.9260, 0.8942, 0.9906, 0.9501),
}


EVALUATORS = ["hrpose", "xtcocotools", "pycocotools"]


@pytest.fixture(params=EVALUATORS)
def backend(request):
    """Ours, and its two referees where they are installed."""
    if request.param != "hrpose":
        pytest.importorskip(f"{request.param}.cocoeval", exc_type=ImportError)
    return request.param


def found(keypoints, scores, image_ids, category=1, point_scores=1.0):
    keypoints = np.asarray(keypoints, np.float32)
    return Detections(
        keypoints,
        np.broadcast_to(np.float32(point_scores), keypoints.shape[:2]),
        np.asarray(scores, np.float32),
        np.asarray(image_ids),
        np.full(len(keypoints), category),
    )


def test_perfect_with_ids_from_zero(backend):
    truth = instances(POSES)  # annotation and image ids 0 and 1, area 10^4
    values, notes = evaluate(coco_of(truth), found(POSES, [0.9, 0.8], [0, 1]), SIGMAS, [1], backend)
    assert set(values) == set(STATS)
    assert {value for name, value in values.items() if "(M)" not in name} == {1.0}
    assert values["AP(M)"] is None and values["AR(M)"] is None
    assert notes == [
        "AP(M) and AR(M) do not exist: no labelled animal has an area of 32^2 to 96^2 px"
    ]


def test_one_found_one_missed(backend):
    # precision is 1 up to a recall of 1/2: 51 of the 101 recall thresholds
    coco = coco_of(instances(POSES))
    answers = found([POSES[0], POSES[1] + 500], [0.9, 0.8], [0, 1])
    values, _ = evaluate(coco, answers, SIGMAS, [1], backend)
    assert values["AP"] == pytest.approx(51 / 101)
    assert values["AR"] == 0.5
    # ranked the other way round the precision at a recall of 1/2 is 1/2
    answers = found([POSES[0], POSES[1] + 500], [0.8, 0.9], [0, 1])
    assert evaluate(coco, answers, SIGMAS, [1], backend)[0]["AP"] == pytest.approx(51 / 202)


def test_oks_between_two_thresholds(backend):
    # all three points have similarity .72: found at .5, .55, .6, .65 and .7
    squared = -np.log(0.72) * 2 * 1e4 * (2 * SIGMAS) ** 2
    moved = POSES[:1] + np.stack([np.sqrt(squared), np.zeros(3)], axis=1)
    truth = instances(POSES[:1])
    values, _ = evaluate(coco_of(truth), found(moved, [0.9], [0]), SIGMAS, [1], backend)
    assert [values["AP"], values["AR"]] == pytest.approx([0.5, 0.5])
    assert [values["AP50"], values["AP75"]] == pytest.approx([1, 0])


def test_incomplete_annotations(backend):
    coco = coco_of(instances(POSES))
    for annotation in coco["annotations"]:
        del annotation["area"], annotation["iscrowd"]
    coco["annotations"][0]["num_keypoints"] = 0  # wrong: three are labelled
    del coco["annotations"][1]["bbox"]  # then the extent of the keypoints: 100 x 40
    coco["annotations"].append({"id": 9, "image_id": 0, "category_id": 1, "bbox": [0, 0, 9, 9]})
    coco["categories"].insert(0, {"id": 0, "name": "placeholder"})
    coco["images"] = []  # taken from the annotations
    values, notes = evaluate(coco, found(POSES, [0.9, 0.8], [0, 1]), SIGMAS, [1], backend)
    assert [values["AP"], values["AP(L)"], values["AP(M)"]] == pytest.approx([1, 1, 1])
    assert notes == ["3 annotations have no area; that of their box is taken"]


def test_other_categories_are_left_out(backend):
    coco = coco_of(instances(POSES, category_ids=np.array([1, 2])))
    coco["annotations"][1]["keypoints"] = [1, 2, 2]  # another skeleton
    values, notes = evaluate(coco, found(POSES[:1], [0.9], [0]), SIGMAS, [1], backend)
    assert values["AP"] == pytest.approx(1)
    assert notes[0] == "1 annotations of other categories are not evaluated"


def test_nothing_found_and_nothing_labelled(backend):
    nobody = found(np.zeros((0, 3, 2)), [], [])
    values, _ = evaluate(coco_of(instances(POSES)), nobody, SIGMAS, [1], backend)
    assert (values["AP"], values["AR"], values["AP(M)"]) == (0.0, 0.0, None)
    bare = instances(np.zeros((2, 3, 2)), np.zeros((2, 3)))
    values, notes = evaluate(coco_of(bare), found(POSES, [1, 1], [0, 1]), SIGMAS, [1], backend)
    assert values == dict.fromkeys(STATS)
    assert notes == ["does not exist: no annotation has a labelled point"]
    empty = {"images": [], "annotations": []}
    assert evaluate(empty, nobody, SIGMAS, [], backend)[0] == dict.fromkeys(STATS)


def test_what_no_evaluator_should_see(backend):
    coco = coco_of(instances(POSES))
    poses = np.concatenate([POSES, POSES[:1] + 400, POSES[:1]]).astype(np.float32)
    poses[0, 0, 0] = np.nan
    points = np.ones((4, 3))
    points[2] = 0
    answers = found(poses, [0.99, 0.8, 0.95, 0.5], [0, 1, 0, 0], point_scores=points)
    values, notes = evaluate(coco, answers, SIGMAS, [1], backend)
    assert values["AP"] == 1.0  # the NaN did not match, the invisible one is no false alarm
    assert notes[0] == "1 detections have coordinates or scores that are not finite: dropped"
    assert notes[1] == "1 detections have no keypoint with a score above 0: dropped"


def test_errors_name_the_entry():
    coco = coco_of(instances(POSES))
    with pytest.raises(DataError, match="detection 0: image 7 is not in the ground truth"):
        evaluate(coco, found(POSES[:1], [1], [7]), SIGMAS, [1])
    coco["annotations"][1]["keypoints"] = [1, 2, 2]
    with pytest.raises(DataError, match="annotation 1: 'keypoints' has 3 numbers, expected 9"):
        evaluate(coco, found(POSES[:1], [1], [0]), SIGMAS, [1])


def test_inputs_stay_as_they_are_and_nothing_is_printed(backend, capsys):
    coco = coco_of(instances(POSES))
    before = repr(coco)
    evaluate(coco, found(POSES, [0.9, 0.8], [0, 1]), SIGMAS, [1], backend)
    assert repr(coco) == before
    assert capsys.readouterr().out == ""


def test_an_evaluator_that_cannot_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools.coco", None)
    with pytest.raises(
        ConfigError, match=r'needs pycocotools, which cannot .*install "hrpose\[coco\]"'
    ):
        build({"type": "CocoAP", "evaluator": "pycocotools"})


SHOWN = ("AP", "AP50", "AP75", "AR", "AR50", "AR75")


@pytest.fixture(scope="module")
def tigers(data_dir):
    """Real labels and a real HRNet-W32's answers to them, by split."""
    folder = data_dir / "atrw-annotations"
    split_files = {"val": "keypoint_val.json", "test": "pose_tiger02_test.json"}
    result = {}
    for split, name in split_files.items():
        rows = read_json(folder / f"hrnet_w32_288x384_{split}_predictions.json")
        triples = np.array([row["keypoints"] for row in rows]).reshape(len(rows), -1, 3)
        answers = Detections(
            triples[..., :2],
            triples[..., 2],
            np.array([row["score"] for row in rows]),
            np.array([row["image_id"] for row in rows]),
            np.array([row["category_id"] for row in rows]),
        )
        result[split] = read_json(folder / name), answers
    return result


def shown(values):
    return tuple(round(values[name], 4) for name in SHOWN)


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("sigmas", SIGMA_SETS)
def test_known_tigers(tigers, backend, split, sigmas):
    """The numbers of the data's README, made by pycocotools with the ids as in the file.

    The test set has an annotation 0, which pycocotools cannot match: its detection, a good one,
    counted as a false alarm there. Spoiling that one detection gives the README's numbers.
    """
    coco, answers = tigers[split]
    keypoints = answers.keypoints.copy()
    keypoints[answers.image_ids == 0] += 1e5
    spoiled = dataclasses.replace(answers, keypoints=keypoints)
    values, _ = evaluate(coco, spoiled, SIGMA_SETS[sigmas], [1], backend)
    assert shown(values) == KNOWN[split, sigmas]


@pytest.mark.parametrize("sigmas", SIGMA_SETS)
def test_tigers_with_annotation_0(tigers, backend, sigmas):
    """The test set's numbers with every annotation counted (pycocotools after ids + 1)."""
    values, _ = evaluate(*tigers["test"], SIGMA_SETS[sigmas], [1], backend)
    assert shown(values) == COMPLETE[sigmas]


def test_all_evaluators_give_the_same_bits_on_tigers(tigers, backend):
    for coco, answers in tigers.values():
        for sigmas in SIGMA_SETS.values():
            one, other = (
                evaluate(coco, answers, sigmas, [1], package) for package in ("hrpose", backend)
            )
            assert one == other
