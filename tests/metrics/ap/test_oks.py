import numpy as np
import pytest

from hrpose.metrics.ap.oks import instance_scores, keypoint_oks, oks, oks_nms, soft_oks_nms

SIGMAS = np.array([0.1, 0.1, 0.2])
POSE = np.array([[10, 10], [20, 10], [15, 30]], np.float32)
THRESHOLDS = ["0.3", "0.5", "0.7", "0.9", "1.0"]


def test_by_hand():
    # 2 * area * (2 sigma)^2 is 8 for the first two and 32 for the third
    moved = POSE + np.float32([[2, 0], [0, 0], [0, 4]])
    expected = np.exp([-4 / 8, 0, -16 / 32])
    np.testing.assert_allclose(keypoint_oks(moved, POSE, np.array(100.0), SIGMAS), expected)
    overall = oks(POSE, 50.0, moved[None], np.array([150.0]), SIGMAS)
    np.testing.assert_allclose(overall, [expected.mean()], rtol=1e-6)


def test_perfect_empty_and_not_finite():
    areas = np.array([0.0, 100.0])
    poses = np.stack([POSE, np.full_like(POSE, np.nan)])
    np.testing.assert_array_equal(oks(POSE, 0.0, poses, areas, SIGMAS), [1, 0])
    assert oks(POSE, 0.0, POSE[None] + 1, areas[:1], SIGMAS) == 0
    assert oks(POSE, 1.0, poses[:0], areas[:0], SIGMAS).shape == (0,)


def test_nms_by_hand():
    poses = np.stack([POSE, POSE + 0.5, POSE + 100, POSE])
    scores, areas = np.float32([0.5, 0.9, 0.1, 0.5]), np.full(4, 100.0)
    # the half pixel costs exp(-0.5/8) = .94 and exp(-0.5/32) = .98: OKS .955
    assert oks_nms(poses, scores, areas, SIGMAS, 0.9).tolist() == [1, 2]
    assert oks_nms(poses, scores, areas, SIGMAS, 0.96).tolist() == [1, 3, 2]  # of a tie the later
    assert oks_nms(poses, scores, areas, SIGMAS, 1.0).tolist() == [1, 3, 0, 2]
    assert oks_nms(poses[:0], scores[:0], areas[:0], SIGMAS, 0.9).tolist() == []


def test_soft_nms_reorders_and_truncates():
    poses = np.stack([POSE, POSE + 0.5, POSE + 100])
    scores, areas = np.float32([0.9, 0.8, 0.4]), np.full(3, 100.0)
    # the second falls to .8 * exp(-.955^2 / .5) = .13, behind the third
    assert soft_oks_nms(poses, scores, areas, SIGMAS, 0.5).tolist() == [0, 2, 1]
    assert soft_oks_nms(poses, scores, areas, SIGMAS, 0.5, max_kept=2).tolist() == [0, 2]
    many = np.repeat(poses[:1], 25, axis=0)
    assert len(soft_oks_nms(many, np.ones(25, np.float32), np.ones(25), SIGMAS, 0.5)) == 20


def test_a_pose_that_is_not_finite_suppresses_nobody():
    poses = np.stack([np.full_like(POSE, np.nan), POSE])
    assert oks_nms(poses, np.float32([0.9, 0.1]), np.ones(2), SIGMAS, 0.5).tolist() == [0, 1]


def test_instance_scores_by_hand():
    scores = np.float32([[0.9, 0.5, 0.2], [0.2, 0.1, 0.0], [1, 1, 1]])
    result = instance_scores(scores, np.float32([1, 1, 0.5]), 0.2)
    np.testing.assert_allclose(result, [0.7, 0, 0.5])  # 0.2 itself does not count
    assert result.dtype == np.float32


@pytest.mark.parametrize("name", ["macaque", "atrw"])
def test_reference(golden, name):
    file = np.load(golden / "metrics" / "oks_nms.npz")
    keypoints, scores, areas, sigmas = (
        file[f"{name}_{key}"] for key in ("keypoints", "scores", "areas", "sigmas")
    )
    matrix = oks(keypoints[:, None], areas[:, None], keypoints, areas, sigmas)
    np.testing.assert_allclose(matrix, file[f"{name}_oks_iou"], rtol=0, atol=1e-6)
    for thr in THRESHOLDS:
        kept = oks_nms(keypoints, scores, areas, sigmas, float(thr))
        np.testing.assert_array_equal(kept, file[f"{name}_oks_nms_keep_{thr}"])
        kept = soft_oks_nms(keypoints, scores, areas, sigmas, float(thr))
        np.testing.assert_array_equal(kept, file[f"{name}_soft_oks_nms_keep_{thr}"])
