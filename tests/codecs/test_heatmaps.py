import cv2
import numpy as np
import pytest
import torch

from hrpose.codecs.heatmaps import blur, newton_step, peaks, values_at


@pytest.mark.parametrize("size", [1, 3, 5, 7, 11, 17])
def test_blur_is_opencvs(size):
    rng = np.random.default_rng(0)
    image = rng.standard_normal((2, 3, 20, 13)).astype(np.float32)
    for border, flag in (("constant", cv2.BORDER_CONSTANT), ("reflect", cv2.BORDER_REFLECT_101)):
        expected = [
            [cv2.GaussianBlur(one, (size, size), 0, borderType=flag) for one in row]
            for row in image
        ]
        blurred = blur(torch.from_numpy(image), size, border)
        np.testing.assert_allclose(blurred, expected, atol=2e-6)


def test_peaks_by_hand():
    maps = torch.zeros(1, 3, 4, 5)
    maps[0, 0, 3, 1] = 2
    maps[0, 1] = -1
    cells, scores, found = peaks(maps)
    assert cells[0, 0].tolist() == [1, 3]
    assert scores.tolist() == [[2, -1, 0]] and found.tolist() == [[True, False, False]]


def test_values_beyond_the_edge_are_the_edges():
    maps = torch.arange(20.0).reshape(1, 1, 4, 5)
    cells = torch.tensor([[[4, 0]]])
    values = values_at(maps, cells, [(0, 0), (1, 0), (0, -1), (-1, 1)])
    assert values.tolist() == [[[4, 4, 4, 8]]]


def test_newton_step_finds_the_top_of_a_paraboloid():
    # f = -(x - .3)**2 - 2 (y + .2)**2 - (x - .3)(y + .2): derivatives at 0
    x, y = 0.3, -0.2
    slope = torch.tensor([[[2 * x + y, 4 * y + x]]])
    xx, xy, yy = (torch.tensor([[value]]) for value in (-2.0, -1.0, -4.0))
    torch.testing.assert_close(newton_step(slope, xx, xy, yy, 1), torch.tensor([[[x, y]]]))
    assert newton_step(slope, xx, xy, yy, 0.25).tolist() == [[[0, 0]]]  # too far
    assert newton_step(slope, xx * 0, xy * 0, yy, 1).tolist() == [[[0, 0]]]  # a ridge has no top
