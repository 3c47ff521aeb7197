"""DeepLabCut's codec, by hand and on what DeepLabCut 3.0.2 made (golden/deeplabcut)."""

import json
import math

import numpy as np
import pytest
import torch

from hrpose.codecs import DeepLabCutHeatmap, MSRAHeatmap
from hrpose.codecs.deeplabcut import REFINEMENT_PX
from hrpose.errors import ConfigError

SIZES = {"input_size": (64, 96), "heatmap_size": (16, 24)}  # (w, h): x and y can not be mixed up


def maps_of(cells, values, W=64, H=64):
    """One map a point, flat but for its highest cell (column, row)."""
    maps = torch.full((1, len(cells), H, W), min(values) - 1)
    for place, ((column, row), value) in enumerate(zip(cells, values, strict=True)):
        maps[0, place, row, column] = value
    return maps


@pytest.mark.parametrize("case", ["quadruped", "topviewmouse", "plain_locref"])
def test_points_in_crops_are_deeplabcut_s(golden, case):
    for item in json.loads((golden / "deeplabcut/forward.json").read_text())["cases"][case]:
        heatmap = item["heatmap"]
        maps = maps_of(heatmap["argmax_col_row"], heatmap["max"])
        if refined := item.get("locref_at_argmax_raw"):
            offsets = torch.zeros(1, 2 * len(refined), 64, 64)
            for place, (column, row) in enumerate(heatmap["argmax_col_row"]):
                offsets[0, 2 * place : 2 * place + 2, row, column] = torch.tensor(refined[place])
            maps = torch.cat([maps, offsets], dim=1)
        codec = DeepLabCutHeatmap((256, 256), (64, 64), refinement=bool(refined))
        keypoints, scores = codec.decode(maps)
        found = np.column_stack([keypoints[0], scores[0]])
        np.testing.assert_allclose(found, item["poses_in_crop_px"], rtol=0, atol=5e-5)


def test_decoding_by_hand():
    codec = DeepLabCutHeatmap(**SIZES, refinement=True)
    maps = torch.zeros(1, 6, 24, 16)
    maps[0, 0, 2, 5], maps[0, 0, 7, 9] = 3.0, 3.0  # a tie: the first in the order of rows
    maps[0, 1] = -1.0
    maps[0, 1, 23, 15] = -0.5  # a map without a value above 0 has its best place, too
    maps[0, 2:, 2, 5] = torch.tensor([0.5, -0.25, 9.0, 9.0])
    maps[0, 4:, 23, 15] = torch.tensor([-1.0, 0.125])
    keypoints, scores = codec.decode(maps)
    first = [22 + 0.5 * REFINEMENT_PX, 10 - 0.25 * REFINEMENT_PX]
    second = [62 - REFINEMENT_PX, 94 + 0.125 * REFINEMENT_PX]
    torch.testing.assert_close(keypoints, torch.tensor([[first, second]]))
    assert scores.tolist() == [[1.0, 0.0]]


def test_the_same_map_is_two_px_further_than_in_our_convention():
    maps = maps_of([(5, 2)], [0.7], 16, 24)
    ours, _ = MSRAHeatmap(**SIZES, decoding="none").decode(maps)
    theirs, scores = DeepLabCutHeatmap(**SIZES).decode(maps)
    assert (theirs - ours).tolist() == [[[2.0, 2.0]]]
    assert scores.item() == pytest.approx(0.7)


def test_targets_by_hand():
    codec = DeepLabCutHeatmap(**SIZES)
    points = torch.tensor([[[22.0, 10.0], [24.0, 10.0], [22.0, 10.0], [500.0, 10.0]]])
    target, weight = codec.encode(points, torch.tensor([[1.0, 1.0, 0.0, 1.0]]))
    assert weight.tolist() == [[1, 1, 0, 0]]  # not labelled; far off the map
    assert target[0, 0, 2, 5] == 1  # (22, 10) px is the centre of cell (5, 2)
    variance = 2 * (2 / 3 * 17) ** 2  # px squared
    assert target[0, 1, 2, 5].item() == pytest.approx(math.exp(-(2**2) / variance))
    assert target[0, 0, 20, 14].item() == pytest.approx(math.exp(-(36**2 + 72**2) / variance))
    assert not target[0, 2:].any()


def test_targets_come_back_as_the_nearest_cell():
    codec = DeepLabCutHeatmap(**SIZES)
    points = torch.tensor([[[6.0, 10.0], [30.0, 86.0]]])
    target, _ = codec.encode(points, torch.ones(1, 2))
    assert torch.equal(codec.decode(target)[0], points)


def test_location_refinement_is_not_trained():
    codec = DeepLabCutHeatmap(**SIZES, refinement=True)
    with pytest.raises(ConfigError, match=r"codec\.refinement True: .*read and not trained"):
        codec.encode(torch.zeros(1, 1, 2), torch.ones(1, 1))
