"""MSRAHeatmap against numbers measured on MMPose."""

import numpy as np
import pytest
import torch

from hrpose.codecs import MSRAHeatmap
from hrpose.geometry import affine_matrix, apply_affine, invert_affine

VARIANTS = {
    "msra": {},
    "msra_unbiased": {"unbiased": True},
    "msra_sigma3": {"sigma": 3},
}
DECODINGS = {
    "default": {},
    "none": {"decoding": "none"},
    "unbiased_k11": {"decoding": "dark"},
    "unbiased_k17": {"decoding": "dark", "blur_kernel": 17},
}


@pytest.mark.parametrize("name", ["horse10", "macaque", "atrw"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_targets_are_the_reference(golden, name, variant):
    with np.load(golden / "targets" / f"{name}.npz") as arrays:
        keypoints, visible = (
            torch.from_numpy(arrays[key])[None] for key in ("keypoints", "visible")
        )
        expected, weight = arrays[f"target_{variant}"], arrays[f"weight_{variant}"]
    maps = (expected.shape[2], expected.shape[1])
    codec = MSRAHeatmap((maps[0] * 4, maps[1] * 4), maps, **VARIANTS[variant])
    target, got = codec.encode(keypoints, visible)
    assert 0 < weight.sum() <= len(weight)
    np.testing.assert_array_equal(got[0], weight)
    np.testing.assert_allclose(target[0, : len(expected)], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("decoding", DECODINGS)
def test_keypoints_are_the_reference(golden, decoding):
    """Cells -> input px -> image px; the maps hold zero, negative, tied, corner and flat peaks."""
    with np.load(golden / "funcs" / "decode.npz") as arrays:
        maps, center, scale = (arrays[key] for key in ("heatmaps", "center", "scale"))
        expected, peaks = arrays[f"preds_{decoding}"], arrays[f"scores_{decoding}"]
    codec = MSRAHeatmap((256, 256), (64, 64), **DECODINGS[decoding])
    keypoints, scores = codec.decode(torch.from_numpy(maps)[None])
    np.testing.assert_array_equal(scores[0], peaks)
    for i, point in enumerate(keypoints[0].numpy()):
        matrix = affine_matrix(center[i], scale[i] * np.float32(200), 0.0, (256, 256))
        image_point = apply_affine(point, invert_affine(matrix))
        np.testing.assert_allclose(image_point, expected[i], rtol=0, atol=5e-4)
    assert i == 17
