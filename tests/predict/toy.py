"""A network that is no network, and a job for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pictures import write_picture

from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta
from hrpose.predict.crops import Cropper
from hrpose.predict.inputs import Job
from hrpose.predict.look.boxes import WholeFrame
from hrpose.predict.pipeline import Pipeline
from hrpose.predict.run import Order

META = KeypointMeta("toy", ["nose", "tail"])


class CutOffError(Exception):
    """The moment at which the power goes."""


class Network:
    """Two points whose digits depend on all crops of their batch, and on its size."""

    def __init__(self, lives: int = 10**9) -> None:
        self.lives, self.batches = lives, 0

    def __call__(self, images: np.ndarray):
        self.batches += 1
        if self.batches > self.lives:
            raise CutOffError
        own = images.astype(np.float64).mean(axis=(1, 2, 3))
        points = (own[:, None, None] + images.std() * len(images)) * np.array([[1, 0.7], [0.3, 2]])
        scores = np.stack([own / 255, own / 300], axis=1).astype(np.float32)
        return lambda: (points, scores)


def job(folder: Path, count: int = 23) -> Job:
    paths = [write_picture(folder / f"{number}.png", number) for number in range(count)]
    paths[7].write_bytes(b"no picture")
    return Job("cage", "images", paths, [path.name for path in paths], source=str(folder))


def order(out: Path, network: Network, **changes) -> Order:
    cropper = Cropper([LoadImage(), CropBox((32, 32)), Warp((32, 32))], META)
    pipeline = Pipeline(cropper, network, animals=1, batch_size=4)
    asked = {"checkpoint_sha256": "abc", "bbox": "full"}
    made = Order(pipeline, WholeFrame(), "hrpose_toy", out, asked, {}, say=lambda message: None)
    return replace(made, **changes)
