import math

import numpy as np
import pytest
import torch

from hrpose.codecs import UDPHeatmap
from hrpose.config.registry import build
from hrpose.errors import ConfigError
from hrpose.geometry import apply_affine, invert_affine, udp_matrix

SIZES = {"input_size": (64, 96), "heatmap_size": (16, 24)}
CELL = 63 / 15, 95 / 23


def encode_one(x, y, visible=1.0):
    codec = UDPHeatmap(**SIZES)
    target, weight = codec.encode(torch.tensor([[[x, y]]]), torch.tensor([[visible]]))
    return target[0, 0], weight.item()


def test_target_by_hand():
    target, weight = encode_one(5.25 * CELL[0], 10.6 * CELL[1])
    assert weight == 1 and target.dtype == torch.float32
    assert target[10, 5].item() == pytest.approx(math.exp(-(0.25**2 + 0.6**2) / 8), abs=1e-6)
    # the window of 3 sigma lies around the nearest cell (5, 11): columns 0..11, rows 5..17
    assert target[10, 11] > 0 and not target[:, 12:].any()
    assert target[17, 5] > 0 and not target[18:].any()
    assert target[5, 5] > 0 and not target[:5].any()


def test_corners_of_the_input_are_corners_of_the_map():
    target, _ = encode_one(63.0, 95.0)
    assert target[23, 15].item() == pytest.approx(1, abs=1e-6)


def test_outside_hidden_and_undefined_points_draw_nothing():
    for point in ((22 * CELL[0], 9.0), (9.0, -9 * CELL[1]), (math.nan, 9.0), (9.0, 9.0, 0.0)):
        target, weight = encode_one(*point)
        assert weight == 0 and not target.any()


def test_round_trip():
    """As far from the edge as blur and derivatives reach: 7 cells."""
    torch.manual_seed(1)
    points = torch.rand(20, 17, 2) * torch.tensor([66.0, 130.0]) + 30
    codec = UDPHeatmap((128, 192), (32, 48))
    target, weight = codec.encode(points, torch.ones(20, 17))
    keypoints, scores = codec.decode(target)
    assert weight.all() and scores.min() > 0.9
    assert (keypoints - points).abs().max() < 0.01 * 4  # a hundredth of a cell


def test_step_by_hand():
    maps = torch.zeros(1, 1, 24, 16)
    maps[0, 0, 10, 6], maps[0, 0, 10, 7] = 1, 0.5
    floor, half = math.log(0.001), math.log(0.5)  # of an empty cell, of the right neighbour
    slope, xx, yy = 0.5 * (half - floor), half + floor, 2 * floor
    xy = -0.5 * (half + floor)
    step = (torch.tensor([-yy, xy]) * slope / (xx * yy - xy * xy)).tolist()
    keypoints, _ = UDPHeatmap(**SIZES, blur_kernel=1).decode(maps)
    expected = [(6 + step[0]) * CELL[0], (10 + step[1]) * CELL[1]]
    assert keypoints[0, 0].tolist() == pytest.approx(expected, abs=1e-3)


def test_a_ridge_is_refined_across_only():
    maps = torch.zeros(1, 1, 24, 16)
    maps[..., 5], maps[..., 6], maps[..., 7] = 0.5, 1, 0.8
    keypoints, _ = UDPHeatmap(**SIZES, blur_kernel=1).decode(maps)
    step = -0.5 * math.log(0.8 / 0.5) / math.log(0.8 * 0.5)
    assert keypoints[0, 0].tolist() == pytest.approx([(6 + step) * CELL[0], 0], abs=1e-4)


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_nothing_found_is_one_cell_outside(value):
    keypoints, scores = UDPHeatmap(**SIZES).decode(torch.full((1, 1, 24, 16), value))
    np.testing.assert_allclose(keypoints[0, 0], [-CELL[0], -CELL[1]], rtol=1e-6)
    assert scores.item() == value


def test_noise_stays_near_its_peak_and_half_precision_is_float32():
    torch.manual_seed(0)
    maps = torch.rand(4, 50, 24, 16).to(torch.float16)
    codec = UDPHeatmap(**SIZES)
    expected, _ = codec.decode(maps.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        keypoints, scores = codec.decode(maps)
    assert keypoints.dtype == scores.dtype == torch.float32
    torch.testing.assert_close(keypoints, expected, rtol=0, atol=0)
    limit = torch.tensor([15 + 6, 23 + 6]) * torch.tensor(CELL)
    assert keypoints.isfinite().all() and (keypoints <= limit).all()
    assert (keypoints >= -6 * torch.tensor(CELL)).all()


def test_construction():
    page = {
        "type": "UDPHeatmap",
        "input_size": [64, 96],
        "heatmap_size": [16, 24],
        "blur_kernel": 5,
    }
    codec = build(page, "codec")
    assert codec.udp and codec.cell_size == CELL
    with pytest.raises(ConfigError, match=r"input_size \(64, 90\).*sigma 0"):
        build({**page, "input_size": [64, 90], "sigma": 0}, "codec")


@pytest.mark.parametrize("name", ["horse10", "macaque", "atrw"])
def test_targets_are_the_reference(golden, name):
    with np.load(golden / "targets" / f"{name}.npz") as arrays:
        keypoints, visible = (
            torch.from_numpy(arrays[key])[None] for key in ("keypoints", "visible")
        )
        expected, weight = arrays["target_udp_gauss"], arrays["weight_udp_gauss"]
    maps = (expected.shape[2], expected.shape[1])
    target, got = UDPHeatmap((maps[0] * 4, maps[1] * 4), maps).encode(keypoints, visible)
    np.testing.assert_array_equal(got[0], weight)
    np.testing.assert_allclose(target[0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", [11, 3])
def test_keypoints_are_the_reference(golden, kernel):
    with np.load(golden / "funcs" / "decode.npz") as arrays:
        maps, center, scale = (arrays[key] for key in ("heatmaps", "center", "scale"))
        expected = arrays[f"preds_udp_gauss_k{kernel}"]
        peaks = arrays[f"scores_udp_gauss_k{kernel}"]
    codec = UDPHeatmap((256, 256), (64, 64), blur_kernel=kernel)
    keypoints, scores = codec.decode(torch.from_numpy(maps)[None])
    np.testing.assert_array_equal(scores[0], peaks)
    # for a map without a peak MMPose refines cell (-1, -1) with cells of another map in memory
    found = peaks > 0
    assert found.tolist().count(False) == 4
    for i in np.flatnonzero(found):
        matrix = udp_matrix(center[i], scale[i] * np.float32(200), 0.0, (256, 256))
        image_point = apply_affine(keypoints[0, i].numpy(), invert_affine(matrix))
        np.testing.assert_allclose(image_point, expected[i], rtol=0, atol=5e-4)
