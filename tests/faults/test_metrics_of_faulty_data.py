"""Metrics."""

import numpy as np
import pytest
from herds import META

from hrpose.metrics import NME, PCK
from hrpose.structures import Labels, Predictions

ENDS = ("nose", "tail")


@pytest.mark.fault(
    name="instance without normaliser",
    does="PCK and NME by the distance nose to tail; one horse has no tail, one both at one point",
    expects="left out of the mean, and the report says how many; so it says where the rule of the "
    "published Horse-10 table, which counts them as hits, is chosen",
)
def test_no_normaliser(herd, happened):
    herd.first["keypoints"][9:] = [0, 0, 0]
    herd.content["annotations"][1]["keypoints"][9:] = [20, 30, 2]
    data = herd.open()
    truth = data.truth()
    points = truth.keypoints.copy()
    points[:2] += 1000  # wrong by far, and not counted
    points[3, 0] += (60, 20)  # a miss of the nose by the length of the normaliser
    predictions = Predictions(
        points, np.ones(points.shape[:2], np.float32), np.arange(4), np.ones(4, np.float32)
    )
    lines = []
    for metric in (PCK(0.3, norm=ENDS, missing="leave-out"), NME(norm=ENDS, missing="leave-out")):
        result = metric.compute(predictions, Labels(truth, data.coco(), META))
        (value,) = result.values.values()
        # 8 points of two horses, one of them a miss by 1.0: 4 keypoints of which one hits 1 of 2
        assert value == pytest.approx(0.875 if isinstance(metric, PCK) else 0.125)
        notes = " ".join(result.notes)
        assert "2 of 4 instances have no usable" in notes and "are left out" in notes
        lines.append(f"{metric.names[0]} {value}")
    notes = " ".join(PCK(norm=ENDS).compute(predictions, Labels(truth, data.coco(), META)).notes)
    assert "1 of 4 instances have only one of nose and tail labelled" in notes
    assert "all their points count as hits, as MMPose did in 2021" in notes
    happened(f"{', '.join(lines)}, by hand the same; noted: 2 of 4 instances have no usable "
             "normaliser and are left out")  # fmt: skip
