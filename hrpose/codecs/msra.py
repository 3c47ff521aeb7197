"""Gaussian heatmaps of "Simple Baselines" and HRNet, with quarter-cell or DARK decoding."""

from __future__ import annotations

from typing import Literal, get_args

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
    inside_margin,
    nearest_cell,
    newton_step,
    peaks,
    precise,
    reached,
    values_at,
)
from hrpose.config.registry import register

Decoding = Literal["default", "by-axis", "dark", "none"]


@register
class MSRAHeatmap(Codec):
    """One Gaussian a keypoint (https://arxiv.org/abs/1804.06208); cell = input px / stride.

    Legend: B batch, K keypoints, W/H heatmap width and height, stride = input / heatmap size.

    Args:
        input_size: (width, height) of the network's input in px, multiples of 32.
        heatmap_size: (W, H), the input size divided by one whole number.
        sigma: of the Gaussian, in cells.
        decoding: 'default' moves the peak a quarter cell towards its higher neighbours, unless it
            is at a border of the map; 'by-axis', as MMPose 1.x, asks that for x and y apart, so
            that a peak at the upper border still moves sideways; 'dark' finds the top of the
            blurred log map (DARK, https://arxiv.org/abs/1910.06278); 'none' keeps the whole cell.
        unbiased: centre targets on the exact position and draw them over the whole map, instead
            of on the nearest cell and out to 3 sigma; None: as 'dark' needs it.
        blur_kernel: taps of DARK's blur, odd; 11 for sigma 2 (17 for sigma 3).
    """

    udp = False

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 2,
        decoding: Decoding = "default",
        unbiased: bool | None = None,
        blur_kernel: int = 11,
    ) -> None:
        self.input_size, self.heatmap_size = checked_sizes(
            input_size, heatmap_size, sigma, blur_kernel
        )
        if decoding not in get_args(Decoding):
            raise ValueError(f"decoding {decoding!r}: must be one of {get_args(Decoding)}")
        self.stride = self.input_size[0] // self.heatmap_size[0]
        self.sigma = sigma
        self.decoding = decoding
        self.unbiased = decoding == "dark" if unbiased is None else unbiased
        self.blur_kernel = blur_kernel

    def encode(self, keypoints: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Targets (B, K, H, W) and weights (B, K), float32, of keypoints (B, K, 2) in input px.

        The weight is `visible` (B, K), or 0 where no part of the Gaussian meets the map.
        """
        check_shapes(keypoints, visible)
        cells = precise(keypoints) / self.stride
        centers = cells if self.unbiased else nearest_cell(cells)
        meets = reached(centers, 3 * self.sigma, self.heatmap_size)
        weight = torch.where(meets, visible.float(), 0.0)
        window = None if self.unbiased else centers
        return gaussians(centers, weight > 0.5, self.sigma, self.heatmap_size, window), weight

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Keypoints (B, K, 2) in input px and scores (B, K), the peaks, of maps (B, K, H, W).

        A map without a value above 0 gives cell (-1, -1), which is (-stride, -stride) input px.
        """
        check_maps(heatmaps, self.heatmap_size)
        heatmaps = heatmaps.float()
        cells, scores, found = peaks(heatmaps)
        position = cells.float()
        if self.decoding in ("default", "by-axis"):
            position = position + self._quarter_step(heatmaps, cells)
        elif self.decoding == "dark":
            position = position + self._dark_step(heatmaps, cells)
        return torch.where(found[..., None], position, NOTHING) * self.stride, scores

    def _quarter_step(self, heatmaps: Tensor, cells: Tensor) -> Tensor:
        around = values_at(heatmaps, cells, [(-1, 0), (1, 0), (0, -1), (0, 1)])
        left, right, up, down = around.unbind(-1)
        step = 0.25 * torch.stack([right - left, down - up], dim=-1).sign()
        if self.decoding == "by-axis":
            return torch.where(self._inside_by_axis(cells), step, 0.0)
        return torch.where(inside_margin(cells, 1, self.heatmap_size)[..., None], step, 0.0)

    def _inside_by_axis(self, cells: Tensor) -> Tensor:
        """Where (B, K, 2) a step in x and y may be: the other axis only has to be off the first row
        or column.
        """
        width, height = self.heatmap_size
        x, y = cells.unbind(-1)
        across, down = (x > 1) & (x < width - 1) & (y > 0), (y > 1) & (y < height - 1) & (x > 0)
        return torch.stack([across, down], dim=-1)

    def _dark_step(self, heatmaps: Tensor, cells: Tensor) -> Tensor:
        blurred = blur(heatmaps, self.blur_kernel, "constant")
        # back to the original height, so that the floor of the logarithm means the same everywhere
        height = heatmaps.amax((-2, -1)) / blurred.amax((-2, -1))
        near = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)]
        far = [(0, 0), (-2, 0), (2, 0), (0, -2), (0, 2)]
        values = values_at(blurred, cells, near + far) * height[..., None]
        logs = values.clamp_min(1e-10).log()  # (B, K, 13)
        left, right, up, down, left_up, right_up, left_down, right_down = logs[..., :8].unbind(-1)
        here, left2, right2, up2, down2 = logs[..., 8:].unbind(-1)
        slope = 0.5 * torch.stack([right - left, down - up], dim=-1)
        xx = 0.25 * (right2 - 2 * here + left2)
        xy = 0.25 * (right_down - right_up - left_down + left_up)
        yy = 0.25 * (down2 - 2 * here + up2)
        step = newton_step(slope, xx, xy, yy, limit=3 * self.sigma)
        return torch.where(inside_margin(cells, 2, self.heatmap_size)[..., None], step, 0.0)
