"""Unbiased data processing: sizes count from the first to the last pixel centre."""

from __future__ import annotations

import torch
from torch import Tensor

from hrpose.codecs.base import Codec
from hrpose.codecs.heatmaps import (
    NOTHING,
    blur,
    check_maps,
    check_shapes,
    checked_sizes,
    gaussians,
    nearest_cell,
    newton_step,
    peaks,
    precise,
    reached,
    values_at,
)
from hrpose.config.registry import register


@register
class UDPHeatmap(Codec):
    """Gaussian heatmaps of UDP (https://arxiv.org/abs/1911.07524), decoded as by DARK.

    Legend: B batch, K keypoints, W/H heatmap width and height. Cell 0 is input px 0 and cell
    W - 1 is input px w - 1; crops must be warped with `geometry.udp_matrix`.

    Args:
        input_size: (width, height) of the network's input in px, multiples of 32.
        heatmap_size: (W, H), the input size divided by one whole number.
        sigma: of the Gaussian, in cells.
        blur_kernel: taps of the blur before the sub-pixel step, odd; 11 for sigma 2.
    """

    udp = True

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 2,
        blur_kernel: int = 11,
    ) -> None:
        self.input_size, self.heatmap_size = checked_sizes(
            input_size, heatmap_size, sigma, blur_kernel
        )
        (w, h), (W, H) = self.input_size, self.heatmap_size
        self.cell_size = (w - 1) / (W - 1), (h - 1) / (H - 1)
        self.sigma = sigma
        self.blur_kernel = blur_kernel

    def encode(self, keypoints: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Targets (B, K, H, W) and weights (B, K), float32, of keypoints (B, K, 2) in input px.

        The Gaussian has its exact centre and ends 3 sigma from the nearest cell. The weight is
        `visible` (B, K), or 0 where no part of the Gaussian meets the map.
        """
        check_shapes(keypoints, visible)
        x, y = precise(keypoints).unbind(-1)
        x_cell, y_cell = self.cell_size
        cells = torch.stack([x / x_cell, y / y_cell], dim=-1)
        window = nearest_cell(cells)
        meets = reached(window, 3 * self.sigma, self.heatmap_size)
        weight = torch.where(meets, visible.float(), 0.0)
        return gaussians(cells, weight > 0.5, self.sigma, self.heatmap_size, window), weight

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Keypoints (B, K, 2) in input px and scores (B, K), the peaks, of maps (B, K, H, W).

        A map without a value above 0 gives cell (-1, -1), one cell outside the input.
        """
        check_maps(heatmaps, self.heatmap_size)
        heatmaps = heatmaps.float()
        cells, scores, found = peaks(heatmaps)
        near = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1)]
        values = values_at(blur(heatmaps, self.blur_kernel, "reflect"), cells, near)
        # 50.0: torch cannot export a clamp between a float and an int
        logs = values.clamp(0.001, 50.0).log()  # (B, K, 7)
        here, left, right, up, down, left_up, right_down = logs.unbind(-1)
        slope = 0.5 * torch.stack([right - left, down - up], dim=-1)
        epsilon = torch.finfo(torch.float32).eps  # as in MMPose: keeps a flat map where it is
        xx = right - 2 * here + left + epsilon
        yy = down - 2 * here + up + epsilon
        xy = 0.5 * (right_down - right - down + 2 * here - left - up + left_up)
        position = cells + newton_step(slope, xx, xy, yy, limit=3 * self.sigma)
        x, y = torch.where(found[..., None], position, NOTHING).unbind(-1)
        x_cell, y_cell = self.cell_size
        return torch.stack([x * x_cell, y * y_cell], dim=-1), scores
