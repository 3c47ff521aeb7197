"""From features to one heatmap a keypoint."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hrpose.config.registry import register
from hrpose.models.hrnet import init_convolutions


@register
class HeatmapHead(nn.Module):
    """Deconvolutions, none by default, each doubling the grid, then one convolution to heatmaps.

    Without deconvolutions it is HRNet's head; three of 256 channels are those of "Simple Baselines"
    (https://arxiv.org/abs/1804.06208). Children carry the names of the published checkpoints.

    Args:
        in_channels: of the features.
        out_channels: heatmaps, one a keypoint.
        deconv_channels: channels after each deconvolution.
        deconv_kernels: kernel size of each deconvolution, 2, 3 or 4; all 4 if None.
        final_kernel: kernel size of the last convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        deconv_channels: Sequence[int] = (),
        deconv_kernels: Sequence[int] | None = None,
        final_kernel: Literal[1, 3] = 1,
    ) -> None:
        kernels = [4] * len(deconv_channels) if deconv_kernels is None else list(deconv_kernels)
        if min(in_channels, out_channels, *deconv_channels) < 1:
            counts = (in_channels, *deconv_channels, out_channels)
            raise ValueError(f"channels in, deconvolutions, out {counts}: each must be at least 1")
        if len(kernels) != len(deconv_channels):
            raise ValueError(
                f"deconv_kernels {kernels}: {len(kernels)} values for {len(deconv_channels)} "
                f"deconv_channels {list(deconv_channels)}; must be as many"
            )
        if not set(kernels) <= {2, 3, 4}:
            raise ValueError(f"deconv_kernels {kernels}: each must be 2, 3 or 4")
        if final_kernel not in (1, 3):
            raise ValueError(f"final_kernel {final_kernel}: must be 1 or 3")
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.upscale = 2 ** len(deconv_channels)
        layers: list[nn.Module] = []
        channels = in_channels
        for width, kernel in zip(deconv_channels, kernels, strict=True):
            layers += [_doubling(channels, width, kernel), nn.BatchNorm2d(width)]
            layers += [nn.ReLU(inplace=True)]
            channels = width
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(
            channels, out_channels, final_kernel, padding=final_kernel // 2
        )
        init_convolutions(self)

    def forward(self, features: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, out_channels, upscale * h, upscale * w)."""
        return self.final_layer(self.deconv_layers(features))


@register
class RefinementHead(HeatmapHead):
    """A heatmap a keypoint, and DeepLabCut's location refinement behind them: the offsets x and y
    of each keypoint in turn, for a codec that reads them.

    Args:
        in_channels: of the features.
        out_channels: heatmaps, one a keypoint.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.refinement_layer = nn.Conv2d(in_channels, 2 * out_channels, 1)
        init_convolutions(self.refinement_layer)

    def forward(self, features: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, 3 * out_channels, h, w)."""
        return torch.cat([self.final_layer(features), self.refinement_layer(features)], dim=1)


def _doubling(in_channels: int, out_channels: int, kernel: int) -> nn.ConvTranspose2d:
    """Deconvolution (h, w) -> (2 h, 2 w), as kernel - 2 padding + output_padding = 2."""
    padding = (kernel - 1) // 2
    return nn.ConvTranspose2d(
        in_channels, out_channels, kernel, 2, padding, 2 - kernel + 2 * padding, bias=False
    )
