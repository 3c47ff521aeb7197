"""hrpose in Python: load_model, and MMPose's two names."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import write_picture

import hrpose
from hrpose.errors import DataError

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"


@pytest.fixture(scope="module")
def pose(checkpoint):
    return hrpose.load_model(TINY, checkpoint, device="cpu")


def test_a_path_and_its_pixels_give_the_same(pose, tmp_path):
    path = write_picture(tmp_path / "a.png")
    keypoints, scores = pose(path)
    assert keypoints.shape == (1, len(pose.meta), 2)
    assert scores.shape == (1, len(pose.meta))
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    again = pose(image, boxes=[[0, 0, 64, 48]])
    np.testing.assert_array_equal(again[0], keypoints)
    np.testing.assert_array_equal(again[1], scores)


def test_each_box_has_its_answer(pose, tmp_path):
    path = write_picture(tmp_path / "a.png")
    boxes = [[0, 0, 30, 30], [20, 10, 40, 30]]
    both, _ = pose(path, boxes)
    for box, keypoints in zip(boxes, both, strict=True):
        np.testing.assert_allclose(pose(path, box)[0][0], keypoints, atol=1e-4)
    assert pose(path, np.zeros((0, 4)))[0].shape == (0, len(pose.meta), 2)


def test_what_is_no_image_and_no_box(pose, tmp_path):
    with pytest.raises(DataError, match="no such image"):
        pose(tmp_path / "none.png")
    with pytest.raises(ValueError, match=r"\(4, 4\), uint8: expected \(H, W, 3\) uint8, RGB"):
        pose(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"shape \(1, 3\): expected \(N, 4\)"):
        pose(np.zeros((4, 4, 3), np.uint8), [[1, 2, 3]])


def test_the_names_of_mmpose(pose, checkpoint, tmp_path):
    path = write_picture(tmp_path / "a.png")
    model = hrpose.init_model(TINY, checkpoint, device="cpu")
    found = hrpose.inference_topdown(model, str(path), np.array([[20, 10, 60, 40], [0, 0, 30, 30]]))
    want, scores = pose(path, [[20, 10, 40, 30], [0, 0, 30, 30]])
    for number, sample in enumerate(found):
        np.testing.assert_array_equal(sample.pred_instances.keypoints[0], want[number])
        np.testing.assert_array_equal(sample.pred_instances.keypoint_scores[0], scores[number])
    assert found[0].pred_instances.bboxes.tolist() == [[20, 10, 60, 40]]
    bgr = cv2.imread(str(path))
    (whole,) = hrpose.inference_topdown(model, bgr)
    np.testing.assert_array_equal(whole.pred_instances.keypoints, pose(path)[0])


def test_the_page_can_be_changed(checkpoint, tmp_path):
    path = write_picture(tmp_path / "a.png")
    plain = hrpose.init_model(TINY, checkpoint, "cpu", {"model.flip_test": False})
    assert not np.array_equal(plain(path)[1], hrpose.load_model(TINY, checkpoint, "cpu")(path)[1])


def test_importing_hrpose_and_its_help_bring_no_torch():
    code = (
        "import sys, hrpose, hrpose.predict.run, hrpose.predict.pose, hrpose.commands.predict;"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
