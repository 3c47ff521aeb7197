"""The pictures of one animal: as annotated, mirrored, as the network gets it, and its targets.

Legend: K keypoints; H, W a heatmap. Pictures are RGB uint8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from hrpose.codecs.base import Codec
from hrpose.datasets.base import PoseDataset
from hrpose.datasets.images import read_image
from hrpose.datasets.random_transforms import flip_keypoints
from hrpose.errors import DataError
from hrpose.geometry import apply_affine
from hrpose.keypoints import KeypointMeta
from hrpose.visualize import strokes
from hrpose.visualize.colours import INK, WHITE, side_colours
from hrpose.visualize.drawing import draw_animals
from hrpose.visualize.window import Window, around, enlarge


@dataclass(frozen=True)
class View:
    """One picture of an animal, and what it shows."""

    image: np.ndarray
    caption: str


def annotated(record: dict[str, Any], meta: KeypointMeta, height: int) -> list[View]:
    """As annotated, and as it is in a mirror, names changed as the flip pairs say.

    Args:
        record: of a data set; its image is read if it is not in there.

    Raises:
        DataError: the image cannot be read.
    """
    image = record["image"] if "image" in record else read_image(record["image_path"])
    box = np.asarray(record["box"], np.float64)
    points, visible = record["keypoints"].astype(np.float64), record["visible"]
    wide = image.shape[1]
    window = around(box[None], points[visible > 0], (wide, image.shape[0]), height)
    count = int((visible > 0).sum())
    plain = draw(window, image, points[None], visible[None], box[None], meta)
    mirrored, order = flip_keypoints(points, visible, np.array(meta.flip_index), wide)
    box = np.array([wide - box[0] - box[2], *box[1:]])
    pairs = len(meta.flip_pairs)
    changed = f"{pairs or 'no'} pair{'s' * (pairs != 1)} changed places"
    across = replace(window, left=wide - window.left - window.width)
    glass = draw(across, image[:, ::-1], mirrored[None], order[None], box[None], meta)
    return [
        View(plain, f"as annotated: {count} of {len(meta)} keypoints"),
        View(glass, f"in a mirror: {changed}"),
    ]


def draw(
    window: Window,
    image: np.ndarray,
    points: np.ndarray,
    visible: np.ndarray,
    boxes: np.ndarray,
    meta: KeypointMeta,
) -> np.ndarray:
    """What `window` shows of `image`, with N animals.

    Args:
        points: (N, K, 2) image px; `visible` (N, K), fainter below 1.
        boxes: (N, 4) x, y, w, h in image px.
    """
    shown, boxes = window.shown(points), window.shown_boxes(boxes)
    return draw_animals(window.picture(image), shown, visible, meta, boxes, names=True)


def inputs(
    dataset: PoseDataset, index: int, epochs: int, height: int, targets: Targets | None = None
) -> list[View]:
    """What the network gets of animal `index` in epochs 0, 1, ..., each with its targets behind.

    Raises:
        DataError: the image cannot be used.
    """
    views = []
    for epoch in range(epochs):
        sample = dataset[epoch, index]
        if sample["index"] != index or "image" not in sample:
            raise DataError(sample["bad"][0])  # another animal has taken its place
        crop, matrix = sample["image"], sample["matrix"]
        scale = height / crop.shape[0]
        points, visible = sample["keypoints"].astype(np.float64), sample["visible"]
        shown = (points + 0.5) * scale - 0.5
        image = enlarge(crop, scale)
        _outline(image, dataset.record(index, epoch)["box"], matrix, scale)
        moved = "as the network gets it" + (f" in epoch {epoch}" if epochs > 1 else "")
        words = ", ".join([moved, *_moves(matrix)])
        outside = _outside(points[visible > 0], crop)
        words += f"; {outside} keypoint{'s' * (outside > 1)} outside" if outside else ""
        drawn = draw_animals(image, shown[None], visible[None], dataset.meta, names=True)
        views.append(View(drawn, words))
        if targets is not None:
            maps = targets.maps(sample["keypoints"], visible)
            seen = _glow(enlarge(crop, scale), maps, targets.cell, scale, dataset.meta)
            count = int((maps.reshape(len(maps), -1).max(axis=1) > 0).sum())
            views.append(View(seen, f"its targets: {count} of {len(maps)}"))
    return views


class Targets:
    """What the loss compares the network's maps with."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        (wide, high), (columns, rows) = codec.input_size, codec.heatmap_size
        ends = int(codec.udp)  # UDP counts from the first to the last pixel centre
        self.cell = (wide - ends) / (columns - ends), (high - ends) / (rows - ends)
        """Input px from one cell to the next, both axes; cell 0 lies on pixel 0."""

    def maps(self, keypoints: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """Keypoints (K, 2) input px and visible (K,) -> (K, H, W), zeros where there is none."""
        import torch

        maps, weight = self._codec.encode(
            torch.from_numpy(keypoints.astype(np.float32))[None],
            torch.from_numpy(visible.astype(np.float32))[None],
        )
        return (maps * (weight > 0)[..., None, None])[0].numpy()


def _outline(image: np.ndarray, box: np.ndarray, matrix: np.ndarray, scale: float) -> None:
    """The annotated box where `matrix` puts it, turned as the crop is."""
    x, y, w, h = np.asarray(box, np.float64) - (0, 0, 1, 1)  # its outermost pixels
    corners = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
    corners = (apply_affine(corners, matrix) + 0.5) * scale - 0.5
    width = max(1.0, image.shape[0] / 260)
    for colour, wider, alpha in ((INK, 2.0, 0.4), (WHITE, 0.0, 1.0)):
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            strokes.line(image, start, end, colour, width + wider, alpha)


def _moves(matrix: np.ndarray) -> list[str]:
    """What `matrix` (2, 3) from image px to input px does besides moving and scaling."""
    linear = matrix[:, :2]
    mirrored = float(np.linalg.det(linear)) < 0
    if mirrored:
        linear = linear * (-1, 1)
    degrees = round(float(np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))))
    return ["mirrored"] * mirrored + [f"turned {degrees}\N{DEGREE SIGN}"] * (degrees != 0)


def _outside(points: np.ndarray, crop: np.ndarray) -> int:
    size = crop.shape[1] - 1, crop.shape[0] - 1
    return int(((points < 0) | (points > size)).any(axis=1).sum())


def _glow(
    image: np.ndarray,
    maps: np.ndarray,
    cell: tuple[float, float],
    scale: float,
    meta: KeypointMeta,
) -> np.ndarray:
    """Heatmaps (K, H, W) over `image`, the input `scale` times as large, in their points' colours.

    Args:
        cell: input px from one cell to the next.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32) * 0.45
    first = 0.5 * scale - 0.5  # where pixel 0 has its centre
    seen = np.repeat(grey, 3, axis=2)
    stretch = np.array([[cell[0] * scale, 0.0, first], [0.0, cell[1] * scale, first]])
    for heatmap, colour in zip(maps, side_colours(meta), strict=True):
        large = cv2.warpAffine(heatmap, stretch, image.shape[1::-1], flags=cv2.INTER_LINEAR)
        share = 0.85 * np.clip(large, 0, 1)[..., None]
        seen = seen * (1 - share) + np.array(colour, np.float32) * share
    return np.rint(seen).astype(np.uint8)
