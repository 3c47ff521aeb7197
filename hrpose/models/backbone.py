"""What the estimator asks of a backbone."""

from torch import nn


class Backbone(nn.Module):
    """Base of all backbones: (B, 3, h, w) -> (B, out_channels, h / stride, w / stride)."""

    out_channels: int
    stride: int
