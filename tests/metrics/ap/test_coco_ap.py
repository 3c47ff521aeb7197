import numpy as np
import pytest
from metric_cases import META, coco_of, golden_case, instances, predictions, read_json, truth_of

from hrpose.config.registry import build
from hrpose.errors import ConfigError
from hrpose.keypoints import KeypointMeta
from hrpose.metrics import CocoAP
from hrpose.metrics.ap.numbers import STATS
from hrpose.structures import Labels

POSES = np.array([[[100, 100], [200, 100], [150, 300]], [[600, 50], [700, 60], [650, 90]]])
VARIATIONS = {
    "config_default": {},
    "soft_nms": {"nms": "soft"},
    "soft_nms_thr0_5": {"nms": "soft", "oks_thr": 0.5},
    "oks0_5": {"oks_thr": 0.5},
    "oks0_7": {"oks_thr": 0.7},
    "oks1_0": {"oks_thr": 1.0},
    "vis0": {"vis_thr": 0.0},
    "vis0_5": {"vis_thr": 0.5},
    "no_nms": {"nms": "none"},
}


@pytest.fixture(scope="module", params=["macaque", "atrw"])
def case(request, golden):
    folder = golden / "metrics"
    return request.param, golden_case(folder, request.param), read_json(folder / "results.json.gz")


def test_perfect_with_ids_from_zero():
    truth = instances(POSES)
    scores = CocoAP().compute(predictions(POSES), Labels(truth, coco_of(truth), META))
    assert scores.values["AP"] == scores.values["AR"] == 1.0
    assert scores.values["AP(M)"] is None
    assert scores.notes == [
        "AP: AP(M) and AR(M) do not exist: no labelled animal has an area of 32^2 to 96^2 px"
    ]
    assert scores.per_keypoint == {"OKS": {"nose": 1.0, "eye": 1.0, "paw": 1.0}}


def test_similarity_per_keypoint_by_hand():
    # area 10^4; 2 * area * (2 sigma)^2 is 800, 800 and 3200
    truth = instances(POSES, [[1, 1, 0], [1, 0, 0]])
    moved = POSES + np.array([[[0, 0], [20, 0], [9, 9]], [[0, 40], [9, 9], [9, 9]]])
    scores = CocoAP().compute(predictions(moved), Labels(truth, coco_of(truth), META))
    assert scores.per_keypoint["OKS"] == {
        "nose": pytest.approx((1 + np.exp(-2)) / 2),
        "eye": pytest.approx(np.exp(-0.5)),
        "paw": None,
    }
    gone = predictions(np.where(moved == 100, np.nan, moved))
    similar = CocoAP().compute(gone, Labels(truth, coco_of(truth), META)).per_keypoint["OKS"]
    assert similar["nose"] == pytest.approx(np.exp(-2) / 2)  # NaN counts, as 0


def test_left_out_annotations_and_unanswered_instances_are_misses():
    everything = instances(POSES)
    kept = instances(POSES[:1])  # the data set left the second annotation out
    scores = CocoAP().compute(predictions(POSES[:1]), Labels(kept, coco_of(everything), META))
    assert scores.values["AR"] == 0.5
    answers = predictions(POSES[1:], index=[1])
    scores = CocoAP().compute(answers, Labels(everything, coco_of(everything), META))
    assert scores.values["AR"] == 0.5
    assert "AP: 1 of 2 instances have no prediction: not found" in scores.notes


@pytest.mark.parametrize(("nms", "kept"), [("hard", 1), ("soft", 2), ("none", 2)])
def test_suppression_is_within_an_image(nms, kept):
    twins = instances([POSES[0]] * 3, image_ids=np.array([4, 4, 2]))
    answers = predictions([POSES[0]] * 3, [[0.5], [0.9], [0.7]])
    found = CocoAP(nms=nms).detections(answers, twins, np.array(META.sigmas))
    assert found.image_ids.tolist() == [2] + [4] * kept
    best = 0.5 if nms == "none" else 0.9
    np.testing.assert_allclose(found.instance_scores[:2], [0.7, best], rtol=1e-6)


def test_box_scores_rank():
    truth = instances(POSES, box_scores=np.float32([0.5, 1]))
    found = CocoAP().detections(predictions(POSES, 0.8), truth, np.array(META.sigmas))
    np.testing.assert_allclose(found.instance_scores, [0.4, 0.8])


def test_nobody():
    truth = instances(np.zeros((0, 3, 2)))
    empty = {"images": [], "annotations": [], "categories": []}
    scores = CocoAP().compute(predictions(truth.keypoints), Labels(truth, empty, META))
    assert scores.values == dict.fromkeys(STATS)
    assert scores.per_keypoint == {"OKS": dict.fromkeys(META.names)}


def test_check_and_names():
    bare = KeypointMeta("pet", META.names)
    assert CocoAP().check(META) == CocoAP(sigmas=[0.1, 0.2, 0.3]).check(bare) == []
    assert "have no sigmas" in CocoAP().check(bare)[0]
    assert CocoAP(sigmas=[0.1]).check(META) == ["1 sigmas, but 'pet' has 3 keypoints"]
    assert CocoAP().names == STATS and CocoAP.higher_is_better
    other = CocoAP(sigmas=[0.1, 0.1, 0.2], variant="origin")
    assert other.names[3] == "origin/AP(M)"
    truth = instances(POSES)
    scores = other.compute(predictions(POSES), Labels(truth, coco_of(truth), bare))
    assert tuple(scores.values) == other.names and list(scores.per_keypoint) == ["origin/OKS"]
    for wrong in ({"oks_thr": 0}, {"sigmas": [0.1, 0]}, {"nms": "hrad"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            build({"type": "CocoAP", **wrong})


@pytest.mark.parametrize("variation", VARIATIONS)
def test_reference(case, variation):
    name, (answers, truth, coco, meta), measured = case
    expected = measured[name][variation]
    metric = CocoAP(**VARIATIONS[variation])
    values = metric.compute(answers, Labels(truth, coco, meta)).values
    assert [values[stat] for stat in STATS] == pytest.approx(
        list(expected["stats"].values()), abs=1e-12
    )
    found = metric.detections(answers, truth, np.array(meta.sigmas))
    assert len(found) == expected["n_detections_after_nms"]


@pytest.mark.parametrize("evaluator", ["xtcocotools", "pycocotools"])
def test_other_evaluators_give_the_same_bits(case, evaluator):
    pytest.importorskip(f"{evaluator}.cocoeval", exc_type=ImportError)
    _, (answers, truth, coco, meta), _ = case
    for settings in VARIATIONS.values():
        one, other = (
            CocoAP(**settings, evaluator=name).compute(answers, Labels(truth, coco, meta))
            for name in ("hrpose", evaluator)
        )
        assert one == other


def test_reference_detections(case, golden):
    name, (answers, truth, _, meta), _ = case
    file = np.load(golden / "metrics" / f"pred_{name}.npz")
    rows = file["kept_rows"]
    order = np.argsort(truth.image_ids[rows], kind="stable")
    rows, scores = rows[order], file["kept_scores"][order]
    found = CocoAP().detections(answers, truth, np.array(meta.sigmas))
    np.testing.assert_array_equal(found.image_ids, truth.image_ids[rows])
    np.testing.assert_array_equal(found.instance_scores, scores)
    # instances without any score tie, and the reference's sort is not stable
    ranked = scores > 0
    np.testing.assert_array_equal(found.keypoints[ranked], answers.keypoints[rows][ranked])


def test_perfect_on_real_horses(data_dir):
    folder = data_dir / "livestock-horse" / "annotations"
    coco = read_json(folder / "test_annotations.coco.json")
    assert min(annotation["id"] for annotation in coco["annotations"]) == 0
    truth = truth_of(coco)
    names = coco["categories"][1]["keypoints"]
    meta = KeypointMeta("livestock", names, sigmas=[0.05] * len(names))
    scores = CocoAP().compute(predictions(truth.keypoints), Labels(truth, coco, meta))
    assert scores.values["AP"] == scores.values["AR"] == 1.0
