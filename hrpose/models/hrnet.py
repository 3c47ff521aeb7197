"""HRNet: a convolutional network that keeps a high resolution from its first layer to its last.

K. Sun, B. Xiao, D. Liu, J. Wang, "Deep High-Resolution Representation Learning for Human Pose
Estimation", CVPR 2019, https://arxiv.org/abs/1902.09212

Legend: B batch; h, w input px; width channels of the finest branch. Branch i has width * 2**i
channels and a grid of (h / (4 * 2**i), w / (4 * 2**i)). Children carry the names, and stand in the
order, of the published checkpoints.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from hrpose.config.registry import register
from hrpose.models.backbone import Backbone


def conv_bn(
    in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    """Convolution that keeps the grid (or divides it by `stride`), batch norm and maybe ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
    layers: list[nn.Module] = [conv, nn.BatchNorm2d(out_channels)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


def init_convolutions(model: nn.Module) -> None:
    """Draw the weights of all convolutions of `model` from N(0, .001), as the published training
    begins, with biases of 0; an outline, on the meta device, has none to draw.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not module.weight.is_meta:
            nn.init.normal_(module.weight, std=0.001)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class BasicBlock(nn.Module):
    """Residual unit of two 3x3 convolutions, of which the branches are made."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return functional.relu(y.add_(x), inplace=True)


class Bottleneck(nn.Module):
    """Residual unit 1x1, 3x3, 1x1 with 64 channels inside and 256 outside, for stage 1."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.conv3 = nn.Conv2d(64, 256, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(256)
        same = in_channels == 256
        self.downsample = nn.Identity() if same else conv_bn(in_channels, 256, 1, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) -> (B, 256, H, W)."""
        y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        y = functional.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y))
        return functional.relu(y.add_(self.downsample(x)), inplace=True)


class Transition(nn.ModuleList):
    """Opens one more branch, from the coarsest so far ("Parallel multi-resolution subnetworks").

    `old` and `new` are the channels of the branches that come in and go out.
    """

    def __init__(self, old: Sequence[int], new: Sequence[int]) -> None:
        passing = [
            nn.Identity() if a == b else conv_bn(a, b) for a, b in zip(old, new[:-1], strict=True)
        ]
        super().__init__([*passing, nn.Sequential(conv_bn(old[-1], new[-1], stride=2))])

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        """One tensor a branch -> one more."""
        return [layer(x) for layer, x in zip(self, [*xs, xs[-1]], strict=True)]


class Fusion(nn.ModuleList):
    """The sum of all branches on the grid of branch `goal` ("Repeated multi-scale fusion")."""

    def __init__(self, channels: Sequence[int], goal: int) -> None:
        super().__init__(self._path(channels, j, goal) for j in range(len(channels)))
        self.goal = goal

    @staticmethod
    def _path(channels: Sequence[int], j: int, i: int) -> nn.Module:
        """From branch j to the channels of branch i; to a finer branch, still on the grid of j."""
        if j == i:
            return nn.Identity()
        if j > i:
            return conv_bn(channels[j], channels[i], 1, relu=False)
        steps = [conv_bn(channels[j], channels[j], stride=2) for _ in range(i - j - 1)]
        return nn.Sequential(*steps, conv_bn(channels[j], channels[i], stride=2, relu=False))

    def forward(self, xs: list[Tensor]) -> Tensor:
        """One tensor a branch -> their sum.

        The running sum is doubled from grid to grid, coarsest first: cheaper than to enlarge every
        branch to the last grid, and the same sum.
        """
        y = self[-1](xs[-1])
        for j in reversed(range(len(xs) - 1)):
            if j >= self.goal:
                y = functional.interpolate(y, scale_factor=2.0, mode="nearest")
            y = y + self[j](xs[j])
        return functional.relu(y, inplace=True)


class HRModule(nn.Module):
    """Four residual units on every branch, then sums of all for the `outputs` finest branches."""

    def __init__(self, channels: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(count) for _ in range(4))) for count in channels
        )
        self.fuse_layers = nn.ModuleList(Fusion(channels, i) for i in range(outputs))

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        """One tensor a branch -> one tensor an output."""
        xs = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        return [fuse(xs) for fuse in self.fuse_layers]


@register
class HRNet(Backbone):
    """The backbone for pose estimation: (B, 3, h, w) -> (B, width, h / 4, w / 4).

    Args:
        width: channels of the finest branch; 32 and 48 are the published ones.
    """

    stride = 4

    def __init__(self, width: int = 32) -> None:
        if width < 1:
            raise ValueError(f"width {width}: must be at least 1 (published: 32 and 48)")
        super().__init__()
        channels = [width, 2 * width, 4 * width, 8 * width]
        self.out_channels = width
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Bottleneck(64), *(Bottleneck(256) for _ in range(3)))
        self.transition1 = Transition([256], channels[:2])
        self.stage2 = nn.Sequential(HRModule(channels[:2], 2))
        self.transition2 = Transition(channels[:2], channels[:3])
        self.stage3 = nn.Sequential(*(HRModule(channels[:3], 3) for _ in range(4)))
        self.transition3 = Transition(channels[:3], channels)
        # the estimator reads the finest branch alone, so the last exchange makes no other
        self.stage4 = nn.Sequential(*(HRModule(channels, outputs) for outputs in (4, 4, 1)))
        init_convolutions(self)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (B, 3, h, w) -> features (B, width, h / 4, w / 4)."""
        x = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        x = functional.relu(self.bn2(self.conv2(x)), inplace=True)
        xs = self.stage2(self.transition1([self.layer1(x)]))
        xs = self.stage3(self.transition2(xs))
        return self.stage4(self.transition3(xs))[0]
