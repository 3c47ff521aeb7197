"""A small data set on disk that a fault test spoils: dots of one colour at each keypoint."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hrpose.datasets import CocoPoseDataset
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta

META = KeypointMeta("herd", ["nose", "left_ear", "right_ear", "tail"], [["left_ear", "right_ear"]])
COLOURS = [(250, 30, 30), (30, 250, 30), (30, 30, 250), (250, 250, 30)]
POINTS = [(20, 30), (40, 15), (70, 20), (80, 50)]
WIDTH, HEIGHT = 96, 64


def picture() -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8 RGB: a dark ground with a dot at each of POINTS."""
    image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    for point, colour in zip(POINTS, COLOURS, strict=True):
        cv2.circle(image, point, 5, colour, -1)
    return image


class Herd:
    """Images dao-0.png to dao-3.png with one animal each, annotations 7 to 10."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "images"
        self.folder.mkdir(parents=True)
        self.content: dict[str, Any] = {
            "images": [], "annotations": [],
            "categories": [{"id": 1, "name": "horse", "keypoints": list(META.names)}],
        }  # fmt: skip
        for number in range(4):
            cv2.imwrite(str(self.folder / f"dao-{number}.png"), picture()[..., ::-1])
            self.content["images"].append(
                {"id": number, "file_name": f"dao-{number}.png", "width": WIDTH, "height": HEIGHT}
            )
            self.content["annotations"].append(
                {
                    "id": number + 7, "image_id": number, "category_id": 1, "iscrowd": 0,
                    "bbox": [15, 10, 70, 45], "area": 70 * 45, "num_keypoints": 4,
                    "keypoints": [value for x, y in POINTS for value in (x, y, 2)],
                }
            )  # fmt: skip

    @property
    def first(self) -> dict[str, Any]:
        """Annotation 7, of dao-0.png."""
        return self.content["annotations"][0]

    def open(self, **options: Any) -> CocoPoseDataset:
        """The data set as it is now; no augmentation, crops of 96 x 64 px."""
        return self.opened(json.dumps(self.content), **options)

    def opened(self, text: str, **options: Any) -> CocoPoseDataset:
        """The data set with `text` as its annotation file."""
        (self.root / "horses.json").write_text(text)
        size = (WIDTH, HEIGHT)
        return CocoPoseDataset(
            "horses.json", "images", META, [LoadImage(), CropBox(size), Warp(size)],
            root=str(self.root), **options,
        )  # fmt: skip
