"""What must hold for every metric, whatever the numbers."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_cases import answered, coco_of, scaled

from hrpose.metrics import AUC, EPE, NME, PCK, CocoAP
from hrpose.structures import Labels

METRICS = [
    CocoAP(nms="none"),
    CocoAP(oks_thr=0.5),
    CocoAP(nms="soft"),
    PCK(0.2),
    PCK(0.3, ("k0", "k1"), "mmpose-2021"),
    NME("head"),
    NME(("k0", "k1"), "leave-out"),
    EPE(),
    AUC(),
]


def numbers(metric, case):
    """Those that exist."""
    values = metric.compute(case[0], Labels(*case[1:])).values
    return {name: value for name, value in values.items() if value is not None}


def nearly(values):
    return pytest.approx(values, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.names[0])
@given(case=answered(), seed=st.integers(0, 2**32))
def test_order_does_not_matter(metric, case, seed):
    predictions, truth, coco, meta = case
    random = np.random.default_rng(seed)
    rows, answers = random.permutation(len(truth)), random.permutation(len(predictions))
    places = np.argsort(rows)  # where each animal has gone to
    moved = replace(
        predictions,
        keypoints=predictions.keypoints[answers],
        scores=predictions.scores[answers],
        index=places[predictions.index[answers]],
        areas=predictions.areas[answers],
    )
    shuffled = copy.deepcopy(coco)
    random.shuffle(shuffled["annotations"])
    random.shuffle(shuffled["images"])
    again = moved, truth.take(rows), shuffled, meta
    assert numbers(metric, again) == nearly(numbers(metric, case))


@given(answered())
def test_a_perfect_prediction(case):
    predictions, truth, coco, meta = case
    case = replace(predictions, keypoints=truth.keypoints), truth, coco, meta
    values = CocoAP(nms="none").compute(case[0], Labels(*case[1:])).values
    # one detection has a precision of 1 / (1 + 2e-16), as COCOeval has it. AP(M) and AP(L) can be
    # lower: there a detection takes a near animal of the range before its own one of another size
    for name in ("AP", "AP50", "AP75", "AR", "AR50", "AR75"):
        assert values[name] == pytest.approx(1, abs=1e-12)
    assert list(PCK(1e-6).compute(case[0], Labels(*case[1:])).values.values()) == [1.0]
    assert list(NME().compute(case[0], Labels(*case[1:])).values.values()) == [0.0]
    assert list(EPE().compute(case[0], Labels(*case[1:])).values.values()) == [0.0]
    assert list(AUC(steps=20).compute(case[0], Labels(*case[1:])).values.values()) == [
        pytest.approx(19 / 20)
    ]


@given(answered())
def test_more_room_is_never_a_lower_pck(case):
    shares = [
        next(iter(PCK(thr).compute(case[0], Labels(*case[1:])).values.values()))
        for thr in np.logspace(-4, 1, 9)
    ]
    assert (np.diff(shares) >= 0).all() and 0 <= shares[0] <= shares[-1] <= 1


@given(answered(), st.sampled_from([0.25, 0.5, 2.0, 16.0]))
def test_larger_images_of_the_same_animals(case, factor):
    predictions, truth, _, meta = case
    moved = scaled(predictions, truth, factor)
    again = *moved, coco_of(moved[1]), meta
    for metric in (
        PCK(0.2),
        PCK(0.3, ("k0", "k1"), "mmpose-2021"),
        NME(),
        NME("head"),
        NME(("k0", "k1"), "mmpose-2021"),
    ):
        assert numbers(metric, again) == nearly(numbers(metric, case))
    old, new = (
        CocoAP(oks_thr=0.5).compute(one[0], Labels(*one[1:])).values for one in (case, again)
    )
    for name in ("AP", "AP50", "AP75", "AR", "AR50", "AR75"):  # the rest depends on the area
        assert old[name] == pytest.approx(new[name], abs=1e-9)
    px = EPE().compute(case[0], Labels(*case[1:])).values["EPE"]
    assert EPE().compute(again[0], Labels(*again[1:])).values["EPE"] == pytest.approx(
        factor * px, rel=1e-6, abs=1e-9
    )


@given(answered())
def test_a_prediction_taken_away_is_a_miss(case):
    predictions, truth, coco, meta = case
    fewer = replace(
        predictions,
        keypoints=predictions.keypoints[1:],
        scores=predictions.scores[1:],
        index=predictions.index[1:],
        areas=predictions.areas[1:],
    )
    metric = CocoAP(nms="none")
    before = metric.compute(predictions, Labels(truth, coco, meta)).values
    after = metric.compute(fewer, Labels(truth, coco, meta)).values
    assert after["AR50"] <= before["AR50"]
    assert after["AR50"] <= (len(truth) - 1) / len(truth)
