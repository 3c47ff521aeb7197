import numpy as np
import pytest
from metric_cases import META, golden_case, instances, predictions, read_json

from hrpose.metrics import AUC, EPE
from hrpose.structures import Labels


def test_by_hand():
    truth = instances(np.zeros((2, 3, 2)), [[1, 1, 0], [1, 0, 0]])
    answers = predictions([[[3, 4], [0, 0], [99, 99]], [[6, 8], [99, 99], [99, 99]]])
    scores = EPE().compute(answers, Labels(truth, {}, META))
    assert scores.values == {"EPE": 5.0}  # (5 + 10 + 0) / 3
    assert scores.per_keypoint == {"EPE": {"nose": 7.5, "eye": 0.0, "paw": None}}
    # thresholds 0, 5, 10, 15 px, none met by equality: nose 0, 0, 1/2, 1; eye 0, 1, 1, 1
    scores = AUC(norm=20, steps=4).compute(answers, Labels(truth, {}, META))
    assert scores.per_keypoint == {"AUC": {"nose": 0.375, "eye": 0.75, "paw": None}}
    assert scores.values == {"AUC": 0.5625}
    assert scores.notes[0] == "AUC: 4 thresholds from 0 to below 20 image px"


@pytest.mark.parametrize("metric", [EPE(), AUC()])
def test_nothing_labelled(metric):
    truth = instances(np.zeros((1, 3, 2)), np.zeros((1, 3)))
    scores = metric.compute(predictions(truth.keypoints), Labels(truth, {}, META))
    assert list(scores.values.values()) == [None]
    assert any("1 of 1 instances have no labelled point" in note for note in scores.notes)


def test_names_and_bad_arguments():
    assert (EPE("a").names, AUC(variant="b").names) == (("a/EPE",), ("b/AUC",))
    assert AUC.higher_is_better and not EPE.higher_is_better
    assert EPE().check(META) == AUC().check(META) == []
    with pytest.raises(ValueError, match="norm 0"):
        AUC(norm=0)
    with pytest.raises(ValueError, match="steps 0"):
        AUC(steps=0)


def test_reference(golden):
    case = golden_case(golden / "metrics", "horse10")
    expected = read_json(golden / "metrics" / "results.json.gz")["horse10_v014"]
    assert EPE().compute(case[0], Labels(*case[1:])).values["EPE"] == pytest.approx(
        expected["func_EPE"], abs=1e-6
    )
    for norm, name in ((30, "func_AUC_nor30"), (10, "func_AUC_nor10_step20")):
        value = AUC(norm, 20).compute(case[0], Labels(*case[1:])).values["AUC"]
        assert value == pytest.approx(expected[name], abs=1e-15)
