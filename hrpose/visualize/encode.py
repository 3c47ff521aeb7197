"""A picture as the bytes of a file."""

from __future__ import annotations

import cv2
import numpy as np

from hrpose.errors import RunError


def encoded(image: np.ndarray, suffix: str, quality: int = 88) -> bytes:
    """`image` (H, W, 3) uint8 RGB as a file of the kind `suffix`: '.jpg' or '.png'.

    Args:
        quality: of a JPEG, to 100.

    Raises:
        RunError: OpenCV cannot encode it.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    ok, data = cv2.imencode(suffix, image[..., ::-1], options)
    if not ok:
        raise RunError(f"OpenCV cannot encode a picture of {image.shape[1]} x {image.shape[0]} px")
    return bytes(data)
