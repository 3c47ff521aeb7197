"""Boxes, the affine map from image to crop, and its inverse: pure NumPy functions of one instance.

Coordinates are (x, y) in px with pixel centres at integers. Boxes are x, y, width, height and
half open, so their centre is x + width / 2 (both as in MMPose 0.x, whose published models depend
on it). A matrix is (2, 3) and maps a point p to `matrix[:, :2] @ p + matrix[:, 2]`; "image px" is
the frame of the whole image, "input px" that of the crop which the network sees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

MARGIN = 0.2
"""Of a box made of keypoints, on each side of them, as a part of the larger side of the points."""
LEAST = 0.1
"""Least side of a box, as a part of the shorter side of the image."""


def corners_around(points: np.ndarray, shorter: float) -> tuple[np.ndarray, np.ndarray]:
    """First and last corner (2,) of the box that points (K, 2) make with its margin, in image px.

    Args:
        shorter: side of the image, of which the box has a part at least; 0 where it is not known.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low).max()
    half = np.maximum((high - low) / 2 + margin, LEAST * shorter / 2)
    return (low + high) / 2 - half, (low + high) / 2 + half


def box_around(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """x, y, w, h (4,) of a box around points (K, 2) in an image of `size` (W, H), clipped to it.

    All in image px. A side is 0 where all points lie outside of the image.
    """
    low, high = corners_around(points, min(size))
    edge = np.array(size) - 1  # px centres at integers
    low, high = np.clip(low, 0, edge), np.clip(high, 0, edge)
    return np.concatenate([low, high - low])


def box_to_center_size(
    box: np.ndarray | Sequence[float], aspect: float, padding: float
) -> tuple[np.ndarray, np.ndarray]:
    """Centre (2,) and padded size (2,) in image px, float32, of the smallest box around `box`
    (4,) whose width / height is `aspect`.
    """
    x, y, width, height = np.asarray(box, dtype=np.float64).tolist()
    center = np.array([x + width * 0.5, y + height * 0.5], dtype=np.float32)
    if width > aspect * height:
        height = width / aspect
    else:
        width = aspect * height
    # by way of units of 200 px, so that float32 rounds as it did for the published models' crops
    scale = np.array([width / 200.0, height / 200.0], dtype=np.float32) * np.float32(padding)
    return center, scale * np.float32(200.0)


def affine_matrix(
    center: np.ndarray, size: np.ndarray, degrees: float, output_size: Sequence[int]
) -> np.ndarray:
    """Map (2, 3) float64 from image px to input px: turns the view by `degrees` clockwise about
    `center` (2,), then scales the width of `size` (2,) to that of `output_size` (w, h), centre to
    centre.

    The scale is the width's for both axes, as in MMPose: shapes are kept even where `size` has
    another aspect than `output_size`.
    """
    width, _ = _checked(np.asarray(size, dtype=np.float32))
    x, y = np.asarray(center, dtype=np.float32).tolist()
    sine, cosine = 0.0, 1.0
    if degrees:
        angle = np.deg2rad(degrees)
        sine, cosine = float(np.sin(angle)), float(np.cos(angle))
    arm = 0.5 * width
    source = _corner(x, y, sine * arm, -cosine * arm)
    return cv2.getAffineTransform(source, _target(*output_size))


def udp_matrix(
    center: np.ndarray, size: np.ndarray, degrees: float, output_size: Sequence[int]
) -> np.ndarray:
    """Map (2, 3) float64 from image px to input px in which `size` (2,) spans `output_size` - 1,
    first to last pixel centre, on each axis (UDP, https://arxiv.org/abs/1911.07524).

    The view turns by `degrees` anticlockwise: other than `affine_matrix`, as in MMPose.
    """
    center, size = np.asarray(center, dtype=np.float64), np.asarray(size, dtype=np.float64)
    _checked(size)
    angle = np.deg2rad(degrees)
    scale = (np.asarray(output_size, dtype=np.float64) - 1) / size
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = size * 0.5 - turn @ center
    return np.column_stack([turn, shift]) * scale[:, None]


def apply_affine(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) through `matrix` (..., 2, 3), whose leading axes broadcast against those of
    the points: for points (B, K, 2) and one matrix an instance pass `matrices[:, None]`.
    """
    return np.einsum("...ij,...j->...i", matrix[..., :2], points) + matrix[..., 2]


def invert_affine(matrix: np.ndarray) -> np.ndarray:
    """The matrices (..., 2, 3) that undo `matrix` (..., 2, 3); np.linalg.LinAlgError if none do."""
    linear = np.linalg.inv(matrix[..., :2])
    return np.concatenate([linear, -linear @ matrix[..., 2:]], axis=-1)


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The matrix (..., 2, 3) that does `first`, then `second`."""
    both = second[..., :2] @ first
    both[..., 2] += second[..., 2]
    return both


def mirror_matrix(width: int) -> np.ndarray:
    """Map (2, 3) of an image `width` px wide onto its mirror image: x becomes width - 1 - x."""
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]])


def _corner(x: float, y: float, arm_x: float, arm_y: float) -> np.ndarray:
    """Three points (3, 2) that fix a map: the origin (x, y), the end of an arm from there, and that
    end moved on by the arm turned left.

    float32, because the published models saw crops from maps through points rounded like this; and
    number by number, which is three times as fast as with arrays of two.
    """
    first_x, first_y = np.float32(x), np.float32(y)
    second_x, second_y = np.float32(x + arm_x), np.float32(y + arm_y)
    third_x, third_y = second_x - (first_y - second_y), second_y + (first_x - second_x)
    corner = [first_x, first_y, second_x, second_y, third_x, third_y]
    return np.array(corner, dtype=np.float32).reshape(3, 2)


@lru_cache
def _target(width: int, height: int) -> np.ndarray:
    """The corner in an output of this size that `affine_matrix` maps to."""
    return _corner(width * 0.5, height * 0.5, 0.0, -width * 0.5)


def _checked(size: np.ndarray) -> tuple[float, float]:
    width, height = size.tolist()
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise ValueError(f"size {(width, height)}: width and height must be above 0 px")
    return width, height
