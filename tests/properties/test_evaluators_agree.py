"""Our evaluator against xtcocotools and pycocotools; suppression against one image at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_cases import scenes

from hrpose.metrics.ap.coco_ap import evaluate
from hrpose.metrics.ap.oks import oks, oks_nms, soft_oks_nms


@pytest.mark.parametrize("evaluator", ["xtcocotools", "pycocotools"])
def test_ten_numbers_to_the_last_bit(evaluator):
    pytest.importorskip(f"{evaluator}.cocoeval", exc_type=ImportError)
    found_something = 0

    @given(scenes())
    def compare(scene):
        nonlocal found_something
        ours, our_notes = evaluate(*scene)
        theirs, their_notes = evaluate(*scene, evaluator)
        assert ours == theirs and our_notes == their_notes
        found_something += bool(ours["AP"])

    compare()
    assert found_something > 5


poses = st.builds(
    lambda seed, count, images, step: (
        np.random.default_rng(seed).integers(0, 4, (count, 3, 2)).astype(np.float32) * step,
        np.random.default_rng(seed + 1).integers(0, 5, count).astype(np.float32) / 4,
        np.random.default_rng(seed + 2).integers(0, images, count),
    ),
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.integers(1, 8),
    st.sampled_from([1, 4]),
)
SIGMAS = np.array([0.1, 0.1, 0.2])


@given(poses, st.sampled_from([0.3, 0.7, 1.0]))
def test_all_images_at_once_are_each_image_by_itself(scene, thr):
    keypoints, scores, images = scene
    areas = np.full(len(scores), 100, np.float32)
    for suppress in (oks_nms, soft_oks_nms):
        kept = suppress(keypoints, scores, areas, SIGMAS, thr, images)
        expected = []
        for image in np.unique(images):
            rows = np.flatnonzero(images == image)
            alone = suppress(keypoints[rows], scores[rows], areas[rows], SIGMAS, thr)
            expected += rows[alone].tolist()
        assert kept.tolist() == expected


@given(poses, st.sampled_from([0.3, 0.7, 1.0]))
def test_who_stays_and_who_goes(scene, thr):
    keypoints, scores, _ = scene
    areas = np.full(len(scores), 100, np.float32)
    kept = oks_nms(keypoints, scores, areas, SIGMAS, thr)
    assert (np.diff(scores[kept]) <= 0).all()
    near = oks(keypoints[:, None], areas[:, None], keypoints, areas, SIGMAS) > np.float32(thr)
    assert not np.triu(near[np.ix_(kept, kept)], 1).any()
    for row in np.setdiff1d(np.arange(len(scores)), kept):  # each lost to a better one that stays
        assert (near[row, kept] & (scores[kept] >= scores[row])).any()
    assert len(soft_oks_nms(keypoints, scores, areas, SIGMAS, thr)) == min(20, len(scores))
