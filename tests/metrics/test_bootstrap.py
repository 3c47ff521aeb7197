import numpy as np
import pytest
from metric_cases import META, coco_of, golden_case, instances, predictions

from hrpose.metrics import AUC, EPE, NME, PCK, CocoAP
from hrpose.metrics.bootstrap import (
    Difference,
    difference,
    doubts,
    draws,
    images_to_draw,
    intervals,
    percentiles,
    resampled,
)
from hrpose.structures import Labels, Predictions


def paired(metric, first, second, labels, resamples):
    """How two models differ in each number of `metric`, both on the same draws of images."""
    models = (first, second)
    values = [metric.compute(answers, labels).values for answers in models]
    drawn = [resampled(metric, answers, labels, resamples) for answers in models]
    return {
        name: difference(values[0][name], values[1][name], drawn[0][name], drawn[1][name])
        for name in metric.names
    }


METRICS = [PCK(0.1), NME(), EPE(), AUC(), CocoAP()]


def test_draws_are_images_with_replacement():
    weights = np.concatenate(list(draws(40, 120, seed=3)))
    assert weights.shape == (120, 40)
    assert (weights.sum(axis=1) == 40).all() and (weights >= 0).all()
    assert weights.std() == pytest.approx(np.sqrt(39 / 40), rel=0.05)  # of a binomial
    np.testing.assert_array_equal(weights, np.concatenate(list(draws(40, 120, seed=3))))
    assert (weights != np.concatenate(list(draws(40, 120, seed=4)))).any()


def test_all_images_are_drawn_from_also_empty_ones():
    truth = instances(np.zeros((2, 3, 2)), image_ids=np.array([7, 4]))
    coco = {"images": [{"id": 9}, {"id": 4}], "annotations": [{"image_id": 2}]}
    assert images_to_draw(Labels(truth, coco, META)).tolist() == [2, 4, 7, 9]
    assert images_to_draw(Labels(truth, {}, META)).tolist() == [4, 7]


def test_percentiles():
    values = np.array([np.nan, *range(101)])
    assert percentiles(values) == pytest.approx((2.5, 97.5))
    assert percentiles(values, level=0.5) == pytest.approx((25, 75))
    assert percentiles(np.full(3, np.nan)) is None


def test_interval_of_a_share_is_the_binomial_one():
    """100 images with one point each, 80 of them hits: 0.8 -+ 1.96 * sqrt(0.8 * 0.2 / 100)."""
    visible = np.tile([1, 0, 0], (100, 1))
    truth = instances(np.zeros((100, 3, 2)), visible)
    points = np.zeros((100, 3, 2))
    points[:20] = 999
    (low, high) = intervals(PCK(), predictions(points), Labels(truth, {}, META), 4000)["PCK@0.3"]
    assert (low, high) == pytest.approx((0.8 - 0.0784, 0.8 + 0.0784), abs=0.012)


def test_animals_of_an_image_go_together():
    """50 images with two equal animals are as sure as 50 animals, not as 100."""
    points = np.zeros((100, 3, 2))
    points[:50] = 999
    together = instances(np.zeros((100, 3, 2)), image_ids=np.arange(100) // 2)
    apart = instances(np.zeros((100, 3, 2)))
    spreads = [
        resampled(PCK(), predictions(points), Labels(truth, {}, META))["PCK@0.3"].std()
        for truth in (together, apart)
    ]
    assert spreads == pytest.approx([0.5 / np.sqrt(50), 0.5 / np.sqrt(100)], rel=0.08)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.names[0])
def test_perfect_is_sure_and_nobody_does_not_exist(metric):
    truth = instances([[[100, 100], [200, 100], [150, 300]]] * 4)
    (ends, *_) = intervals(
        metric, predictions(truth.keypoints), Labels(truth, coco_of(truth), META), 20
    ).values()
    assert ends[0] == pytest.approx(ends[1])
    empty = instances(np.zeros((0, 3, 2)))
    coco = {"images": [], "annotations": [], "categories": []}
    result = intervals(metric, predictions(empty.keypoints), Labels(empty, coco, META), 20)
    assert result == dict.fromkeys(metric.names)


@pytest.mark.parametrize("name", ["atrw", "macaque"])
def test_drawn_ap_is_that_of_repeated_images(golden, name):
    """Against the evaluator itself, on data sets in which images are there several times."""
    answers, truth, coco, meta = golden_case(golden / "metrics", name)
    metric = CocoAP()
    images = images_to_draw(Labels(truth, coco, meta))
    weights = next(draws(len(images), 3, seed=1))
    numbers = metric.resampler(answers, Labels(truth, coco, meta), images)(weights)
    for row, drawn in enumerate(weights.astype(int)):
        again, *labels = repeat(answers, truth, coco, images, drawn)
        values = metric.compute(again, Labels(*labels, meta)).values
        for stat, value in values.items():
            assert numbers[stat][row] == pytest.approx(value, abs=1e-9), stat


def repeat(answers, truth, coco, images, times):
    """All of image i as often as `times` [i] says, with ids of their own."""
    again = {"images": [], "annotations": [], "categories": coco["categories"]}
    rows, image_ids = [], []
    for image_id, count in zip(images.tolist(), times.tolist(), strict=True):
        own = np.flatnonzero(truth.image_ids[answers.index] == image_id)
        labels = [part for part in coco["annotations"] if part["image_id"] == image_id]
        for _ in range(count):
            number = len(again["images"]) + 1
            again["images"].append({"id": number})
            again["annotations"] += [{**part, "image_id": number} for part in labels]
            rows += own.tolist()
            image_ids += [number] * len(own)
    for number, part in enumerate(again["annotations"], start=1):
        part["id"] = number
    copy = truth.take(answers.index[rows])
    copy.image_ids = np.array(image_ids)
    poses = Predictions(
        answers.keypoints[rows], answers.scores[rows], np.arange(len(rows)), answers.areas[rows]
    )
    return poses, copy, again


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.names[0])
def test_a_model_does_not_differ_from_itself(golden, metric):
    answers, truth, coco, meta = golden_case(golden / "metrics", "horse10")
    if isinstance(metric, CocoAP):
        metric = CocoAP(sigmas=[0.05] * len(meta))
    for step in paired(metric, answers, answers, Labels(truth, coco, meta), 20).values():
        assert step is None or step == Difference(0.0, 0.0, 0.0, 1.0)


def test_a_difference_in_every_image_is_sure():
    truth = instances(np.zeros((30, 3, 2)))
    near, far = np.zeros((30, 3, 2)), np.zeros((30, 3, 2))
    near[..., 0], far[..., 0] = 10, np.linspace(20, 30, 30)[:, None]
    (step,) = paired(
        NME(), predictions(near), predictions(far), Labels(truth, {}, META), 199
    ).values()
    assert step.value == pytest.approx(0.015)  # 15 px of a box of 1000
    assert 0.013 < step.low < step.value < step.high < 0.017
    assert step.p == pytest.approx(2 / 200)  # the least that 199 draws can tell


def test_p_by_hand():
    first = np.zeros(9)
    steps = np.array([-1, 0, 1, 2, 3, 4, 5, 6, np.nan])
    step = difference(0.5, 0.75, first, steps)
    assert step.value == 0.25
    assert step.p == pytest.approx(2 * (2 + 1) / (8 + 1))  # -1 and 0 speak against it
    assert difference(None, 0.5, first, steps) is None
    assert difference(0.5, 0.5, first, np.full(9, np.nan)) is None


def test_p_of_equal_models_is_uniform():
    """Two models with errors of the same kind: p below 0.1 in about a tenth of the cases."""
    rng = np.random.default_rng(5)
    truth = instances(np.zeros((60, 3, 2)))
    values = []
    for _ in range(200):
        one, other = (predictions(rng.normal(0, 50, (60, 3, 2))) for _ in range(2))
        (step,) = paired(NME(), one, other, Labels(truth, {}, META), 200).values()
        values.append(step.p)
    assert np.mean(np.array(values) < 0.1) == pytest.approx(0.1, abs=0.06)


def test_intervals_that_say_less_than_they_seem_to():
    ends = {"PCK@0.3": (1.0, 1.0), "NME": (0.1, 0.2), "AP": None, "EPE": (0.0, 0.0)}
    width = (
        "the interval of PCK@0.3, EPE has no width: every draw of images gives the same number, "
        "which is no certainty"
    )
    few = (
        "intervals and p come from 4 images with animals, too few to trust them; 20 or more would "
        "do"
    )
    assert doubts(ends, 4) == [few, width]
    assert doubts(ends, 20) == [width]
    assert doubts({"NME": (0.1, 0.2)}, 20) == doubts({"AP": None}, 4) == []
