"""What the codecs share: drawing Gaussians, finding peaks, and the DARK sub-pixel step.

Legend: B batch, K keypoints, H/W heatmap height and width. Positions are (x, y) in heatmap cells,
cell centres at integers. No function loops over B or K or waits for the device. All of it is
element-wise (no convolution, no matrix product), so neither autocast nor TF32 makes it coarser.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

NOTHING = -1.0
"""Position (both axes, in cells) given for a map without a positive value, as in MMPose."""


def checked_sizes(
    input_size: tuple[int, int], heatmap_size: tuple[int, int], sigma: float, blur_kernel: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two sizes (width, height) as tuples; ValueError that lists all that does not fit."""
    problems = []
    for key, value in (("input_size", input_size), ("heatmap_size", heatmap_size)):
        if len(value) != 2 or any(side < 2 for side in value):
            problems.append(f"{key} {tuple(value)}: must be (width, height), both above 1")
    if not problems:
        (w, h), (W, H) = input_size, heatmap_size
        if w % 32 or h % 32:
            problems.append(f"input_size {(w, h)}: both must be multiples of 32")
        if w % W or h % H or w // W != h // H:
            fit = "must divide it by one whole number on both axes"
            proposal = f", as {(w // 4, h // 4)} does"
            problems.append(f"heatmap_size {(W, H)} of input_size {(w, h)}: {fit}{proposal}")
        if blur_kernel % 2 == 0 or not 0 < blur_kernel < 2 * min(W, H):
            limit = 2 * min(W, H)
            problems.append(f"blur_kernel {blur_kernel}: must be odd, above 0 and below {limit}")
    if not 0 < sigma < max(heatmap_size, default=1):
        problems.append(f"sigma {sigma}: must be above 0 and below the heatmap's size (cells)")
    if problems:
        raise ValueError("; ".join(problems))
    return (w, h), (W, H)


def check_shapes(keypoints: Tensor, visible: Tensor) -> None:
    """ValueError unless keypoints are (B, K, 2) and visible (B, K)."""
    if keypoints.ndim != 3 or keypoints.shape != (*visible.shape, 2):
        shapes = f"keypoints {tuple(keypoints.shape)}, visible {tuple(visible.shape)}"
        raise ValueError(f"{shapes}: expected (B, K, 2) and (B, K)")


def check_maps(heatmaps: Tensor, heatmap_size: tuple[int, int]) -> None:
    """ValueError unless heatmaps are (B, K, H, W) of the codec's size."""
    W, H = heatmap_size
    if heatmaps.ndim != 4 or heatmaps.shape[2:] != (H, W):
        raise ValueError(f"heatmaps {tuple(heatmaps.shape)}: expected (B, K, {H}, {W})")


def precise(positions: Tensor) -> Tensor:
    """`positions` in float64, so that targets round as the reference's; MPS has float32 only."""
    return positions.to(torch.float32 if positions.device.type == "mps" else torch.float64)


def nearest_cell(cells: Tensor) -> Tensor:
    """Whole cell of each position; a position left of or above -0.5 is rounded towards 0, as in
    the targets that the published models were trained on.
    """
    return torch.trunc(cells + 0.5)


def reached(centers: Tensor, reach: float, heatmap_size: tuple[int, int]) -> Tensor:
    """Whether a Gaussian at `centers` (B, K, 2) that ends `reach` cells away meets the map:
    (B, K) bool, false for NaN.
    """
    # + 1 on one side: MMPose counts an end just left of or above the map as inside
    first, last = centers - reach, centers + reach + 1
    (left, top), (right, bottom) = first.unbind(-1), last.unbind(-1)
    width, height = heatmap_size
    return (left < width) & (top < height) & (right >= 0) & (bottom >= 0)


def gaussians(
    cells: Tensor, drawn: Tensor, sigma: float, heatmap_size: tuple[int, int], window: Tensor | None
) -> Tensor:
    """Maps (B, K, H, W) of Gaussians with peak 1 at `cells` (B, K, 2), 0 where not `drawn` (B, K)
    and further than 3 sigma on either axis from `window` (B, K, 2), where that is given.
    """
    axes = []
    for axis, length in enumerate(heatmap_size):
        ticks = torch.arange(length, device=cells.device, dtype=cells.dtype)
        bell = torch.exp(-((ticks - cells[..., axis, None]) ** 2) / (2 * sigma**2))
        shown = drawn[..., None]
        if window is not None:
            shown = shown & ((ticks - window[..., axis, None]).abs() <= 3 * sigma)
        # where, not *: a position that is NaN draws nothing
        axes.append(torch.where(shown, bell, 0.0).float())
    x_bell, y_bell = axes
    return y_bell[..., :, None] * x_bell[..., None, :]  # (B, K, H, W)


def peaks(heatmaps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Position (B, K, 2) in whole cells, value (B, K) and `found` (B, K) of each map's first
    maximum; not found is a map without a value above 0.
    """
    width = heatmaps.shape[-1]
    scores, place = heatmaps.flatten(2).max(-1)
    cells = torch.stack([place % width, place.div(width, rounding_mode="floor")], dim=-1)
    return cells, scores, scores > 0


def values_at(heatmaps: Tensor, cells: Tensor, offsets: Sequence[tuple[int, int]]) -> Tensor:
    """Values (B, K, n) at whole `cells` (B, K, 2) + each of n (x, y) offsets; beyond the map, the
    value at its edge.
    """
    height, width = heatmaps.shape[-2:]
    x = torch.stack([(cells[..., 0] + dx).clamp(0, width - 1) for dx, _ in offsets], dim=-1)
    y = torch.stack([(cells[..., 1] + dy).clamp(0, height - 1) for _, dy in offsets], dim=-1)
    return heatmaps.flatten(2).gather(-1, y * width + x)


def inside_margin(cells: Tensor, margin: int, heatmap_size: tuple[int, int]) -> Tensor:
    """Whether 1 < x < W - margin and 1 < y < H - margin for `cells` (B, K, 2): (B, K) bool."""
    width, height = heatmap_size
    x, y = cells.unbind(-1)
    return (x > 1) & (x < width - margin) & (y > 1) & (y < height - margin)


def blur(heatmaps: Tensor, size: int, border: str) -> Tensor:
    """Maps (B, K, H, W) blurred by OpenCV's Gaussian of `size` taps; around the map `border` is
    'constant' (zeros) or 'reflect' (the edge cell is not repeated).
    """
    taps = cv2.getGaussianKernel(size, 0).ravel().tolist()
    reach = size // 2
    padded = F.pad(heatmaps, (reach, reach, reach, reach), mode=border)
    height, width = heatmaps.shape[-2:]
    rows = torch.zeros_like(padded[..., :width])  # (B, K, H + 2 reach, W)
    for i, tap in enumerate(taps):
        rows.add_(padded[..., i : i + width], alpha=tap)
    blurred = torch.zeros_like(heatmaps)
    for i, tap in enumerate(taps):
        blurred.add_(rows[..., i : i + height, :], alpha=tap)
    return blurred


def newton_step(slope: Tensor, xx: Tensor, xy: Tensor, yy: Tensor, limit: float) -> Tensor:
    """Step (B, K, 2) from a cell to the top of the paraboloid with first derivatives `slope`
    (B, K, 2) and second derivatives xx, xy, yy (B, K); 0 where it has no single top within
    `limit` cells, as in noise, where MMPose's step can be thousands of cells long.
    """
    dx, dy = slope.unbind(-1)
    step = torch.stack([xy * dy - yy * dx, xy * dx - xx * dy], dim=-1)
    step = step / (xx * yy - xy * xy)[..., None]
    near = (step.abs() <= limit).all(-1, keepdim=True)  # false for NaN and infinity
    return torch.where(near, step, 0.0)
