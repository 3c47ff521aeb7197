"""Losses on heatmaps (B batch, K keypoints, H/W heatmap height and width)."""

from torch import Tensor, nn

from hrpose.config.registry import register


@register
class KeypointMSELoss(nn.Module):
    """Mean over keypoints of the mean over (batch, cells) of weight * (heatmap - target)**2.

    A keypoint of weight 0 adds nothing and still counts in the mean, as in the published training.
    """

    def forward(self, heatmaps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """The loss, a scalar, in the wider type of heatmaps and target (float32 under autocast).

        Args:
            heatmaps: (B, K, H, W).
            target: (B, K, H, W).
            weight: (B, K), 1 for a keypoint to be learned, 0 for one to be left out.
        """
        error = (heatmaps - target).square().mean(dim=(2, 3))  # (B, K)
        return (weight * error).mean()
