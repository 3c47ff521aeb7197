"""Noise to paint with: made once a process, then cut at random places. Also the brushes."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np

TILE = 512  # px; no image may be larger
Colour = tuple[float, float, float]


@functools.lru_cache
def _bank() -> dict[str, np.ndarray]:
    """Textures by name, each (TILE, TILE) float32 with mean 0 and deviation 1."""
    rng = np.random.default_rng(22)

    def field(*sigmas: float, weights: tuple[float, ...] = (1.0,), wide: float = 1.0) -> np.ndarray:
        total = np.zeros((TILE, TILE), np.float32)
        for sigma, weight in zip(sigmas, weights, strict=True):
            white = rng.standard_normal((TILE, TILE), np.float32)
            layer = cv2.GaussianBlur(white, (0, 0), sigma * wide, sigmaY=sigma)
            total += weight * layer / layer.std()
        return (total - total.mean()) / total.std()

    bank = {
        "grain": field(0.6),
        "cloud": field(5, 14, 40, weights=(0.25, 0.5, 1.0), wide=1.6),
        "leaf": field(0.9, 2.2, 7, weights=(0.6, 0.8, 0.6)),
        "soil": field(0.7, 2.0, 9, weights=(0.7, 0.5, 0.7), wide=2.5),
        "patch": field(11, weights=(1.0,)),
        "dapple": field(2.2) - field(5.0) * 0.6,
    }
    for name, angle in (("down", 100), ("back", 35), ("flank", 155)):
        line = np.zeros((9, 9), np.float32)
        tip = 4 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        strokes(line, np.array([[4 - tip, 4 + tip]]), (1.0,))
        hair = cv2.filter2D(field(0.5), -1, line)
        bank[name] = (hair - hair.mean()) / hair.std()
    return bank


def texture(name: str, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A random cut (h, w) float32 of texture `name`, for an image of `size` (w, h)."""
    x, y = (int(rng.integers(TILE - side + 1)) for side in size)
    return _bank()[name][y : y + size[1], x : x + size[0]]


def fill(image: np.ndarray, outline: np.ndarray, colour: Sequence[float]) -> None:
    """Paints the inside of `outline` (n, 2) px, antialiased, to a sixteenth of a pixel."""
    cv2.fillPoly(image, [np.rint(outline * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def strokes(image: np.ndarray, lines: np.ndarray, colour: Sequence[float], width: int = 1) -> None:
    """Paints `lines` (n, points, 2) px, antialiased."""
    paths = list(np.rint(lines * 16).astype(np.int32))
    cv2.polylines(image, paths, False, colour, width, cv2.LINE_AA, 4)


def disc(image: np.ndarray, centre: np.ndarray, radius: float, colour: Sequence[float]) -> None:
    """Paints a dot, antialiased; `centre` (2,) and `radius` in px."""
    x, y = (round(float(v) * 16) for v in centre)
    cv2.circle(image, (x, y), round(radius * 16), colour, -1, cv2.LINE_AA, 4)


def tint(colour: np.ndarray, factor: float = 1.0) -> Colour:
    """`colour` (3,) made lighter or darker, as OpenCV wants it."""
    red, green, blue = (min(max(value * factor, 0.0), 255.0) for value in colour.tolist())
    return red, green, blue


def modulate(image: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """`image` (h, w, 3) uint8 times `factor` (h, w) float32, saturated."""
    return cv2.multiply(image, cv2.cvtColor(factor, cv2.COLOR_GRAY2RGB), dtype=cv2.CV_8U)


def plain(colour: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image (h, w, 3) uint8 for `size` (w, h) of one colour (3,) or rows of it (h, 3)."""
    column = np.clip(colour, 0, 255).astype(np.uint8).reshape(-1, 1, 3)
    return cv2.resize(column, size, interpolation=cv2.INTER_NEAREST)


def over(below: np.ndarray, above: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`above` on top of `below`, both (h, w, 3) uint8, where `mask` (h, w) uint8 is set."""
    weight = cv2.cvtColor(mask, cv2.COLOR_GRAY2RGB)
    shown = cv2.multiply(above, weight, scale=1 / 255)
    return cv2.add(shown, cv2.multiply(below, cv2.bitwise_not(weight), scale=1 / 255))


def soften(image: np.ndarray, width: float) -> np.ndarray:
    """`image` under a window about `width` px wide; much faster than a Gaussian."""
    side = 2 * int(width / 2) + 1
    return cv2.blur(image, (side, side)) if side > 1 else image
