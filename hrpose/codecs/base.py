"""What the estimator, the training loop and the pages ask of a codec."""

from abc import ABC, abstractmethod

from torch import Tensor


class Codec(ABC):
    """Base of all codecs: keypoints in input px to heatmaps and back.

    Legend: B batch, K keypoints, W/H heatmap width and height.
    """

    input_size: tuple[int, int]
    """(width, height) of the network's input in px."""
    heatmap_size: tuple[int, int]
    """(W, H)."""
    udp: bool
    """Whether crops must be warped with `geometry.udp_matrix`."""
    refinement: bool = False
    """Whether `decode` reads offsets, x and y of each keypoint, behind the heatmaps: 3 K maps."""

    @abstractmethod
    def encode(self, keypoints: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Keypoints (B, K, 2) in input px, visible (B, K) -> target (B, K, H, W), weight (B, K)."""

    @abstractmethod
    def decode(self, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
        """Heatmaps (B, K, H, W) -> keypoints (B, K, 2) in input px and scores (B, K), float32."""
