"""Pictures as text inside a page, each within its share of the page's bytes."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from hrpose.visualize.encode import encoded
from hrpose.visualize.html.page import MOST_BYTES

_QUALITIES = (88, 80, 70, 55)
_SMALLEST = 48  # px of the shorter side; less shows nothing
_FOR_PICTURES = 0.9  # of a page; the rest is text
_MOST_EACH = 150_000


@dataclass(frozen=True)
class Picture:
    """A JPEG inside a page.

    Args:
        source: its `data:` address.
        width, height: px.
        alt: what it shows, for those who do not see it.
    """

    source: str
    width: int
    height: int
    alt: str


def share(count: int) -> int:
    """Bytes of JPEG that each of `count` pictures of a page may have."""
    as_base64 = 4 / 3
    return min(_MOST_EACH, int(MOST_BYTES * _FOR_PICTURES / as_base64 / max(count, 1)))


def embed(image: np.ndarray, alt: str, most_bytes: int) -> Picture:
    """`image` (H, W, 3) uint8 RGB as a JPEG of at most `most_bytes`, coarser or smaller if need be.

    Raises:
        RunError: OpenCV cannot encode it.
    """
    while True:
        for quality in _QUALITIES:
            data = encoded(image, ".jpg", quality)
            if len(data) <= most_bytes:
                break
        if len(data) <= most_bytes or min(image.shape[:2]) * 0.8 < _SMALLEST:
            break
        image = cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    source = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    return Picture(source, image.shape[1], image.shape[0], alt)
