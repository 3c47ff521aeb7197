"""A small herd: a picture an animal, and COCO files of them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from hrpose.config import load
from hrpose.own_page.init import InitRequest, init

NAMES = ["nose", "left_ear", "right_ear", "tail"]


class Herd:
    """Pictures of 80 x 60 px, and files of annotations for some of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.images = folder, folder / "images"
        self.images.mkdir()
        self.category = {"id": 1, "name": "cow", "keypoints": NAMES, "skeleton": [[1, 2], [1, 4]]}

    def animal(self, number: int, image: int, shift: float = 0.0, **changes) -> dict:
        """An annotation: points on a 40 x 20 box, the third one not labelled."""
        count = len(self.category["keypoints"])
        points = [
            [20.0 + 10 * k + shift, 20.0 + 5 * (k % 3), 0 if k == 2 else 2] for k in range(count)
        ]
        return {
            "id": number, "image_id": image, "category_id": 1, "bbox": [15, 15, 40, 20],
            "area": 400, "iscrowd": 0, "keypoints": np.ravel(points).tolist(),
            "num_keypoints": count - 1, **changes,
        }  # fmt: skip

    def write(self, name: str, count: int = 9, more: list[dict] | None = None) -> Path:
        """A file of `count` animals, one an image, and `more` on these images."""
        images = []
        for number in range(count):
            path = self.images / f"{name}{number}.png"
            picture = np.full((60, 80, 3), 20 * number % 255, np.uint8)
            assert cv2.imwrite(str(path), picture)
            images.append({"id": number, "file_name": path.name, "width": 80, "height": 60})
        animals = [self.animal(number, number) for number in range(count)] + (more or [])
        content = {"images": images, "annotations": animals, "categories": [self.category]}
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    def request(self, *files: Path, **changes) -> InitRequest:
        return InitRequest(files, self.images, "cows", self.folder / "cows.py", **changes)

    def init(self, *files: Path, **changes):
        """What `hrpose init` makes of `files`, and the page that it wrote, loaded."""
        request = self.request(*files, **changes)
        content, sides, self.faults = init(request, lambda items, total, title: items)
        return content, sides, load(request.out)


@pytest.fixture
def herd(tmp_path: Path) -> Herd:
    return Herd(tmp_path)
