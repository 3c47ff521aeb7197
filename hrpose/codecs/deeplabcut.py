"""Gaussian heatmaps in the convention of DeepLabCut 3."""

from __future__ import annotations

import torch
from torch import Tensor

from hrpose.codecs.base import Codec
from hrpose.codecs.heatmaps import (
    check_maps,
    check_shapes,
    checked_sizes,
    gaussians,
    peaks,
    precise,
    reached,
)
from hrpose.config.registry import register
from hrpose.errors import ConfigError

REFINEMENT_PX = 7.2801
"""Input px that an offset of 1 stands for."""


@register
class DeepLabCutHeatmap(Codec):
    """Heatmaps as DeepLabCut 3 makes and reads them (https://github.com/DeepLabCut/DeepLabCut).

    Cell (column, row) lies at input px ((column + .5) * stride, (row + .5) * stride), and a point
    is the centre of the highest cell; there is no step to its neighbours.

    Legend: B batch, K keypoints, W/H heatmap width and height, stride = input / heatmap size.

    Args:
        input_size: (width, height) of the network's input in px, multiples of 32.
        heatmap_size: (W, H), the input size divided by one whole number.
        sigma: of the Gaussian, in cells: as DeepLabCut's pos_dist_thresh of 17 px makes it.
        refinement: read 2 K maps of offsets behind the heatmaps, as of a project's snapshot.
    """

    udp = False

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float = 17 / 6,
        refinement: bool = False,
    ) -> None:
        self.input_size, self.heatmap_size = checked_sizes(input_size, heatmap_size, sigma, 1)
        self.stride = self.input_size[0] // self.heatmap_size[0]
        self.sigma = sigma
        self.refinement = refinement

    def encode(self, keypoints: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Targets (B, K, H, W) and weights (B, K), float32, of keypoints (B, K, 2) in input px.

        Gaussians have no end. The weight is `visible` (B, K), or 0 more than 3 sigma off the map.

        Raises:
            ConfigError: of location refinement, which is read and not trained.
        """
        if self.refinement:
            raise ConfigError(
                "codec.refinement True: location refinement is read and not trained; set it "
                "to False and model.head.type to HeatmapHead"
            )
        check_shapes(keypoints, visible)
        cells = precise(keypoints) / self.stride - 0.5
        meets = reached(cells, 3 * self.sigma, self.heatmap_size)
        weight = torch.where(meets, visible.float(), 0.0)
        return gaussians(cells, weight > 0.5, self.sigma, self.heatmap_size, None), weight

    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Keypoints (B, K, 2) in input px and scores (B, K), the peaks cut to 0..1, of maps
        (B, K, H, W), or (B, 3 K, H, W) with refinement.
        """
        check_maps(heatmaps, self.heatmap_size)
        heatmaps = heatmaps.float()
        count = heatmaps.shape[1] // 3 if self.refinement else heatmaps.shape[1]
        cells, scores, _ = peaks(heatmaps[:, :count])
        position = (cells.float() + 0.5) * self.stride
        if self.refinement:
            place = cells[..., 1] * self.heatmap_size[0] + cells[..., 0]
            offsets = heatmaps[:, count:].flatten(2).unflatten(1, (count, 2))  # (B, K, 2, H W)
            at_peak = offsets.gather(-1, place[..., None, None].expand(-1, -1, 2, 1))
            position = position + REFINEMENT_PX * at_peak[..., 0]
        return position, scores.clamp(0, 1)
