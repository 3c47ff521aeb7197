"""Other light on the finished crop: an optional augmentation that leaves geometry alone."""

from __future__ import annotations

import cv2
import numpy as np

from hrpose.config.registry import register
from hrpose.datasets.transforms import Sample, Transform, probability


def tone_curve(brightness: float, contrast: float, gamma: float) -> np.ndarray:
    """Table (256,) uint8 of grey level to grey level: gamma first, then contrast about the middle
    grey 127.5, then `brightness` in grey levels added. (0, 1, 1) is the identity.
    """
    level = np.arange(256) / 255.0
    curve = (level**gamma - 0.5) * contrast + 0.5 + brightness / 255.0
    return np.clip(np.rint(curve * 255.0), 0, 255).astype(np.uint8)


def saturate(image: np.ndarray, factor: float) -> np.ndarray:
    """`image` (h, w, 3) uint8 RGB with colours `factor` times as far from grey; 0 is grey."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


@register
class Photometric(Transform):
    """Changes tone and colour, then blurs and adds noise: each strength is drawn anew per sample.

    Put it behind `Warp`, where it works on the crop alone.

    Args:
        prob: of touching a sample at all.
        brightness: largest shift, as a share of the full range.
        contrast: the factor is drawn from 1 -+ this; `saturation` likewise.
        gamma: the exponent is exp of a number from -+ this.
        blur: largest standard deviation of a Gaussian blur, in px of the crop.
        noise: largest standard deviation of Gaussian noise, in grey levels.
    """

    changes = ("image",)
    random = True

    def __init__(
        self,
        prob: float = 0.5,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        gamma: float = 0.2,
        blur: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        self.prob = probability("prob", prob)
        for name, value in (("brightness", brightness), ("contrast", contrast)):
            probability(name, value)
        probability("saturation", saturation)
        if min(gamma, blur, noise) < 0:
            raise ValueError(f"gamma {gamma}, blur {blur}, noise {noise}: must not be below 0")
        self.brightness, self.contrast, self.saturation = brightness, contrast, saturation
        self.gamma, self.blur, self.noise = gamma, blur, noise

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Change the crop, or not."""
        if rng.random() >= self.prob:
            return sample
        shift, contrast, colour, gamma = rng.uniform(-1, 1, 4)
        curve = tone_curve(
            255 * shift * self.brightness, 1 + contrast * self.contrast, np.exp(gamma * self.gamma)
        )
        image = cv2.LUT(sample["image"], curve)
        if self.saturation:
            image = saturate(image, 1 + colour * self.saturation)
        if self.blur:
            # a sigma of 0 would make OpenCV choose one itself
            image = cv2.GaussianBlur(image, (0, 0), max(0.1, rng.uniform(0, self.blur)))
        if self.noise:
            grain = rng.standard_normal(image.shape, dtype=np.float32)
            noisy = image + grain * np.float32(rng.uniform(0, self.noise))
            image = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        sample["image"] = image
        return sample
