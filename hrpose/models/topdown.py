"""The top-down estimator: from the crop of one animal to its keypoints.

Legend: B batch, K keypoints, h/w input px, H/W heatmap cells.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hrpose.codecs import Codec
from hrpose.config.registry import register
from hrpose.keypoints import KeypointMeta
from hrpose.models.backbone import Backbone
from hrpose.models.head import HeatmapHead, RefinementHead


@register
class TopDown(nn.Module):
    """Backbone, head and codec; state-dict keys `backbone.*` and `keypoint_head.*` as in MMPose.

    Args:
        loss: called by the training loop as loss(heatmaps, target, weight).
        flip_test: predict from the mean of the heatmaps of the image and of its mirror image.
        shift_heatmap: move the mirrored heatmaps one cell right before the mean. Cells are counted
            from the left edge, so a mirrored map lies most of a cell too far left; not with UDP.
        mean: of the three colours R, G, B, on a scale of 0 to 1.
        std: likewise.
    """

    mean: Tensor
    std: Tensor
    flip_index: Tensor

    def __init__(
        self,
        backbone: Backbone,
        head: HeatmapHead,
        codec: Codec,
        keypoints: KeypointMeta,
        loss: nn.Module,
        flip_test: bool = True,
        shift_heatmap: bool = True,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
    ) -> None:
        _check_parts(backbone, head, codec, keypoints)
        if flip_test and shift_heatmap and codec.udp:
            raise ValueError("shift_heatmap True: UDP mirrors without a shift; must be False")
        if flip_test and codec.refinement:
            raise ValueError(
                "flip_test True: offsets of a mirror image are not read; must be False"
            )
        if flip_test and (names := keypoints.unpaired()):
            raise ValueError(
                f"flip_test True: {', '.join(map(repr, names))} say a side "
                "and have no partner in flip_pairs; name the pairs, or set flip_test=False"
            )
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(
                f"mean {tuple(mean)}, std {tuple(std)}: must be three values each, std above 0"
            )
        super().__init__()
        self.backbone = backbone
        self.keypoint_head = head
        self.codec = codec
        self.keypoints = keypoints
        self.loss = loss
        self.flip_test = flip_test
        self.shift_heatmap = shift_heatmap
        for name, values in (("mean", mean), ("std", std)):
            colours = torch.tensor([float(value) for value in values]).view(3, 1, 1)
            self.register_buffer(name, colours, persistent=False)
        self.register_buffer("flip_index", torch.tensor(keypoints.flip_index), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, 3, h, w) -> heatmaps (B, K, H, W).

        Args:
            images: RGB, uint8; or floating point, then taken as normalised already.
        """
        return self.keypoint_head(self.backbone(self._normalise(images)))

    @torch.no_grad()
    def predict(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images as for `forward` -> keypoints (B, K, 2) in input px and scores (B, K), float32."""
        return self.codec.decode(self.predict_heatmaps(images))

    @torch.no_grad()
    def predict_heatmaps(self, images: Tensor) -> Tensor:
        """Images as for `forward` -> the heatmaps (B, K, H, W) float32 that `predict` decodes."""
        heatmaps = self(images).float()
        if not self.flip_test:
            return heatmaps
        # a second pass rather than one of 2 B: half the memory, and no slower from 8 images on
        # (W32 on one CPU core: 2.1 against 2.2 s for 8, 0.34 against 0.29 s for one)
        mirrored = self(images.flip(-1)).float()
        return (heatmaps + self._unmirror(mirrored)) / 2

    def _unmirror(self, heatmaps: Tensor) -> Tensor:
        """Heatmaps (B, K, H, W) of mirror images, brought back to the images."""
        heatmaps = heatmaps[:, self.flip_index].flip(-1)
        if self.shift_heatmap:
            # the leftmost column has no source and stays as it is
            heatmaps = torch.cat([heatmaps[..., :1], heatmaps[..., :-1]], dim=-1)
        return heatmaps

    def _normalise(self, images: Tensor) -> Tensor:
        dtype = self.mean.dtype  # that of the parameters: `model.to(dtype)` moves both
        if images.dtype != torch.uint8:
            return images.to(dtype)
        return images.to(dtype).div_(255).sub_(self.mean).div_(self.std)


def _check_parts(
    backbone: Backbone,
    head: HeatmapHead,
    codec: Codec,
    keypoints: KeypointMeta,
) -> None:
    """ValueError that lists every size on which the parts disagree."""
    problems = []
    if head.out_channels != len(keypoints):
        problems.append(
            f"head.out_channels {head.out_channels}: must be {len(keypoints)}, "
            f"the number of keypoints of '{keypoints.dataset}'"
        )
    if head.in_channels != backbone.out_channels:
        problems.append(
            f"head.in_channels {head.in_channels}: must be {backbone.out_channels}, "
            "the channels that the backbone puts out"
        )
    made = tuple(side * head.upscale // backbone.stride for side in codec.input_size)
    if tuple(codec.heatmap_size) != made:
        problems.append(
            f"codec.heatmap_size {tuple(codec.heatmap_size)}: must be {made}, what backbone and "
            f"head make of codec.input_size {tuple(codec.input_size)}"
        )
    if isinstance(head, RefinementHead) != codec.refinement:
        problems.append(
            f"head.type {type(head).__name__}: must be "
            f"{'RefinementHead' if codec.refinement else 'HeatmapHead'} where codec.refinement is "
            f"{codec.refinement}"
        )
    if problems:
        raise ValueError("; ".join(problems))
