import math

import pytest
import torch

from hrpose.codecs import MSRAHeatmap
from hrpose.config.registry import build
from hrpose.errors import ConfigError

SIZES = {"input_size": (64, 96), "heatmap_size": (16, 24)}  # (w, h): x and y can not be mixed up


def encode_one(codec, x, y, visible=1.0):
    target, weight = codec.encode(torch.tensor([[[x, y]]]), torch.tensor([[visible]]))
    return target[0, 0], weight.item()


def peak_at(x, y, value=1.0):
    maps = torch.zeros(1, 1, 24, 16)
    maps[0, 0, y, x] = value
    return maps


# encoding, by hand


def test_target_by_hand():
    target, weight = encode_one(MSRAHeatmap(**SIZES), 21.0, 42.0)  # cells (5.25, 10.5)
    assert weight == 1 and target.shape == (24, 16) and target.dtype == torch.float32
    assert target[11, 5] == 1  # a half rounds up
    assert target[11, 7].item() == pytest.approx(math.exp(-4 / 8))
    assert target[12, 6].item() == pytest.approx(math.exp(-2 / 8))
    assert target[11, 11].item() == pytest.approx(math.exp(-36 / 8)) and target[11, 12] == 0
    assert target[17, 5] > 0 and target[18, 5] == 0  # 3 sigma is the last cell drawn


def test_unbiased_target_by_hand():
    target, weight = encode_one(MSRAHeatmap(**SIZES, unbiased=True), 21.0, 42.0)
    assert weight == 1
    assert target[10, 5].item() == pytest.approx(math.exp(-(0.25**2 + 0.5**2) / 8))
    assert target[10, 15].item() == pytest.approx(math.exp(-(9.75**2 + 0.5**2) / 8))


def test_dark_wants_unbiased_targets_unless_told():
    assert MSRAHeatmap(**SIZES, decoding="dark").unbiased
    assert not MSRAHeatmap(**SIZES).unbiased
    assert not MSRAHeatmap(**SIZES, decoding="dark", unbiased=False).unbiased


@pytest.mark.parametrize(
    ("cell", "weight", "drawn"),
    [
        ((21, 5), 1, True),  # its last column is the map's last
        ((22, 5), 0, False),  # begins at column 16 of 0..15
        ((-6, 5), 1, True),
        ((-7, 5), 1, False),  # as MMPose: ends one cell left of the map and still counts
        ((-8, 5), 0, False),
        ((5, 29), 1, True),
        ((5, 30), 0, False),
        ((5, -8), 0, False),
        ((5000, 5), 0, False),
    ],
)
def test_weight_at_the_edges(cell, weight, drawn):
    # 1.5 cells before -6: rounding goes towards 0 there
    x, y = ((c - 0.5) * 4 if c < 0 else c * 4 for c in cell)
    target, got = encode_one(MSRAHeatmap(**SIZES), x, y)
    assert (got, bool(target.any())) == (weight, drawn)


def test_slightly_outside_counts_as_the_first_cell():
    target, weight = encode_one(MSRAHeatmap(**SIZES), -5.9, 0.0)  # cell -1.475, + 0.5 -> 0
    assert weight == 1 and target[0, 0] == 1


@pytest.mark.parametrize("unbiased", [False, True])
def test_hidden_and_undefined_points_draw_nothing(unbiased):
    codec = MSRAHeatmap(**SIZES, unbiased=unbiased)
    target, weight = encode_one(codec, 20.0, 20.0, visible=0.0)
    assert weight == 0 and not target.any()
    target, weight = encode_one(codec, float("nan"), 20.0)
    assert weight == 0 and not target.any()


def test_batch_is_the_stack_of_its_points():
    torch.manual_seed(0)
    points = torch.rand(3, 5, 2) * torch.tensor([90.0, 120.0]) - 10
    visible = (torch.rand(3, 5) > 0.3).float()
    codec = MSRAHeatmap(**SIZES, unbiased=True)
    target, weight = codec.encode(points, visible)
    assert target.shape == (3, 5, 24, 16) and weight.shape == (3, 5)
    one, one_weight = encode_one(codec, *points[2, 4].tolist(), visible[2, 4].item())
    torch.testing.assert_close(target[2, 4], one)
    assert weight[2, 4] == one_weight


def test_no_animals_is_a_batch_too():
    codec = MSRAHeatmap(**SIZES)
    target, weight = codec.encode(torch.zeros(0, 5, 2), torch.zeros(0, 5))
    assert target.shape == (0, 5, 24, 16) and weight.shape == (0, 5)
    keypoints, scores = codec.decode(target)
    assert keypoints.shape == (0, 5, 2) and scores.shape == (0, 5)


# decoding, by hand


def test_quarter_cell_by_hand():
    maps = peak_at(5, 10)
    maps[0, 0, 10, 6], maps[0, 0, 9, 5] = 0.5, 0.2  # higher on the right and above
    keypoints, scores = MSRAHeatmap(**SIZES).decode(maps)
    assert keypoints.tolist() == [[[(5 + 0.25) * 4, (10 - 0.25) * 4]]] and scores.item() == 1
    keypoints, _ = MSRAHeatmap(**SIZES, decoding="none").decode(maps)
    assert keypoints.tolist() == [[[20, 40]]]


@pytest.mark.parametrize(
    ("cell", "moved"),
    [  # of 16 x 24 cells; MMPose 1.x asks for x and y apart
        ((5, 7), (0.25, 0.25)),
        ((5, 1), (0.25, 0)),
        ((1, 7), (0, 0.25)),
        ((5, 23), (0.25, 0)),
        ((15, 7), (0, 0.25)),
        ((5, 0), (0, 0)),
        ((0, 7), (0, 0)),
        ((14, 22), (0.25, 0.25)),
    ],
)
def test_quarter_cell_by_axis(cell, moved):
    x, y = cell
    maps = peak_at(x, y, 1.0)
    for column, row in ((x + 1, y), (x, y + 1)):
        if column < 16 and row < 24:
            maps[0, 0, row, column] = 0.5
    points, _ = MSRAHeatmap(**SIZES, decoding="by-axis").decode(maps)
    assert points[0, 0].tolist() == [4 * (x + moved[0]), 4 * (y + moved[1])]


def test_no_quarter_cell_near_the_edge():
    for x, y in ((1, 10), (15, 10), (5, 1), (5, 23)):  # column 1 too, as in MMPose
        keypoints, _ = MSRAHeatmap(**SIZES).decode(peak_at(x, y) + torch.rand(24, 16) * 0.1)
        assert keypoints.tolist() == [[[x * 4, y * 4]]]


def test_dark_by_hand():
    maps = peak_at(6, 10)
    maps[0, 0, 10, 7] = 0.5
    # taps 1/4 1/2 1/4 and back to height 1: 1 in the cell, .8 right, .4 left, .2 and 0 two away
    slope, curve = 0.5 * math.log(0.8 / 0.4), 0.25 * (math.log(0.2) + math.log(1e-10))
    keypoints, _ = MSRAHeatmap(**SIZES, decoding="dark", blur_kernel=3).decode(maps)
    assert keypoints[0, 0].tolist() == pytest.approx([(6 - slope / curve) * 4, 40], abs=1e-4)


@pytest.mark.parametrize(("x", "refined"), [(1, False), (2, True), (13, True), (14, False)])
def test_dark_needs_two_cells_on_each_side(x, refined):
    maps = peak_at(x, 10)
    maps[0, 0, 10, x - 1] = 0.5
    keypoints, _ = MSRAHeatmap(**SIZES, decoding="dark", blur_kernel=3).decode(maps)
    assert (keypoints[0, 0, 0].item() != x * 4) == refined


@pytest.mark.parametrize("decoding", ["default", "dark", "none"])
@pytest.mark.parametrize("value", [0.0, -0.5])
def test_nothing_found_is_outside(decoding, value):
    codec = MSRAHeatmap(**SIZES, decoding=decoding)
    keypoints, scores = codec.decode(torch.full((1, 2, 24, 16), value))
    assert keypoints.tolist() == [[[-4, -4], [-4, -4]]] and scores.tolist() == [[value, value]]


def test_the_first_of_two_peaks_wins():
    maps = peak_at(9, 12) + peak_at(4, 12) + peak_at(2, 20)
    assert MSRAHeatmap(**SIZES, decoding="none").decode(maps)[0].tolist() == [[[16, 48]]]


def test_dark_steps_stay_near_their_peak_in_noise():
    torch.manual_seed(0)
    maps = torch.rand(8, 50, 24, 16)
    near, _ = MSRAHeatmap(**SIZES, decoding="dark").decode(maps)
    peak, _ = MSRAHeatmap(**SIZES, decoding="none").decode(maps)
    assert (near - peak).abs().max() <= 3 * 2 * 4  # 3 sigma, in input px


def test_half_precision_is_decoded_in_float32():
    maps = (torch.rand(2, 3, 24, 16) * 0.1 + peak_at(6, 9)).to(torch.bfloat16)
    codec = MSRAHeatmap(**SIZES, decoding="dark")
    expected, expected_scores = codec.decode(maps.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        keypoints, scores = codec.decode(maps)
    assert keypoints.dtype == scores.dtype == torch.float32
    torch.testing.assert_close(keypoints, expected, rtol=0, atol=0)
    torch.testing.assert_close(scores, expected_scores, rtol=0, atol=0)


# there and back


@pytest.mark.parametrize(
    ("options", "cells"),
    [
        ({"decoding": "none"}, 0.5),
        ({"decoding": "none", "unbiased": True}, 0.5),
        ({"unbiased": True}, 0.25),
        ({"decoding": "dark"}, 0.01),
        ({"decoding": "dark", "sigma": 1, "blur_kernel": 5}, 0.01),
    ],
)
def test_round_trip(options, cells):
    """The error of one axis, as far from the edge as blur and derivatives reach: 7 cells."""
    torch.manual_seed(1)
    points = torch.rand(20, 17, 2) * torch.tensor([66.0, 130.0]) + 30
    codec = MSRAHeatmap((128, 192), (32, 48), **options)
    target, weight = codec.encode(points, torch.ones(20, 17))
    keypoints, scores = codec.decode(target)
    assert weight.all() and scores.min() > 0.75
    assert (keypoints - points).abs().max() <= cells * codec.stride + 1e-4


def test_default_round_trip_keeps_the_cell_of_a_biased_target():
    codec = MSRAHeatmap(**SIZES)
    target, _ = codec.encode(torch.tensor([[[21.0, 43.0]]]), torch.ones(1, 1))
    assert codec.decode(target)[0].tolist() == [[[20, 44]]]


# construction


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input_size": (60, 96)}, r"input_size \(60, 96\): both must be multiples of 32"),
        ({"heatmap_size": (24, 16)}, r"heatmap_size \(24, 16\) .* as \(16, 24\) does"),
        ({"heatmap_size": (16, 12)}, "one whole number on both axes"),
        ({"heatmap_size": (0, 24)}, r"heatmap_size \(0, 24\): must be \(width, height\)"),
        ({"input_size": (64, 96, 3)}, r"input_size \(64, 96, 3\): must be \(width, height\)"),
        ({"sigma": 0}, "sigma 0: must be above 0"),
        ({"sigma": float("nan")}, "sigma nan"),
        ({"blur_kernel": 10}, "blur_kernel 10: must be odd, above 0 and below 32"),
        ({"blur_kernel": 33}, "blur_kernel 33"),
        ({"decoding": "drak"}, "decoding 'drak': must be one of"),
    ],
)
def test_what_does_not_fit_is_named(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        MSRAHeatmap(**{**SIZES, **changes})


def test_lists_from_a_page_become_tuples():
    codec = build(
        {"type": "MSRAHeatmap", "input_size": [64, 96], "heatmap_size": [16, 24]}, "codec"
    )
    assert (codec.input_size, codec.heatmap_size, codec.udp) == ((64, 96), (16, 24), False)
    with pytest.raises(ConfigError, match=r"codec.*input_size \(60, 96\).*; sigma -1"):
        page = {
            "type": "MSRAHeatmap",
            "input_size": [60, 96],
            "heatmap_size": [15, 24],
            "sigma": -1,
        }
        build(page, "codec")


def test_wrong_shapes_are_refused():
    codec = MSRAHeatmap(**SIZES)
    with pytest.raises(ValueError, match=r"expected \(B, K, 2\) and \(B, K\)"):
        codec.encode(torch.zeros(2, 5, 2), torch.ones(2, 5, 1))
    with pytest.raises(ValueError, match=r"heatmaps \(1, 1, 16, 24\): expected \(B, K, 24, 16\)"):
        codec.decode(torch.zeros(1, 1, 16, 24))
