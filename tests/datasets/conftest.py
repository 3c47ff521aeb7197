import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hrpose.datasets import CocoPoseDataset, transforms
from hrpose.datasets.cache import folder as cache_folder
from hrpose.datasets.cache import image_cache as cache
from hrpose.datasets.half_body import RandomHalfBody
from hrpose.datasets.random_transforms import (
    RandomFlip,
    RandomScaleRotate,
    RandomShift,
)
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta

NAMES = ("nose", "left_paw", "right_paw", "tail")


@pytest.fixture(scope="session")
def references(golden) -> dict[str, Any]:
    return json.loads((golden / "data" / "samples.json").read_text())


@pytest.fixture(scope="session")
def reference_meta(references) -> Callable[[str], KeypointMeta]:
    def make(dataset: str) -> KeypointMeta:
        facts = references[dataset]
        names = facts["keypoints"]
        return KeypointMeta(
            dataset,
            names,
            [[names[a], names[b]] for a, b in facts["flip_pairs"]],
            [names[k] for k in facts["upper_body"]],
            [names[k] for k in facts["lower_body"]],
        )

    return make


@pytest.fixture
def meta() -> KeypointMeta:
    """Four keypoints: nose, left_paw, right_paw, tail; the paws are a pair."""
    return KeypointMeta("toy", NAMES, [NAMES[1:3]], NAMES[:2], NAMES[2:])


@pytest.fixture
def test_steps() -> list:
    return [LoadImage(), CropBox((64, 64)), Warp((64, 64))]


@pytest.fixture
def train_steps(test_steps) -> list:
    moves = [RandomShift(), RandomFlip(), RandomHalfBody(min_visible=3), RandomScaleRotate()]
    return [*test_steps[:2], *moves, test_steps[2]]


class Toy:
    """A data set on disk that a test changes before it is opened."""

    def __init__(self, root: Path, count: int) -> None:
        self.root = root
        (root / "images").mkdir()
        random = np.random.default_rng(3)
        self.content: dict[str, Any] = {
            "images": [],
            "annotations": [],
            "categories": [{"id": 1, "name": "cat", "keypoints": list(NAMES)}],
        }
        for i in range(count):
            image = random.integers(0, 255, (8, 10, 3), dtype=np.uint8)
            cv2.imwrite(str(root / f"images/{i}.jpg"), cv2.resize(image, (100, 80)))
            self.content["images"].append(
                {"id": i + 20, "file_name": f"{i}.jpg", "width": 100, "height": 80}
            )
            self.content["annotations"].append(
                {
                    "id": i + 50,
                    "image_id": i + 20,
                    "category_id": 1,
                    "bbox": [10 + i, 20, 40, 30],
                    "area": 1000,
                    "iscrowd": 0,
                    "num_keypoints": 3,
                    "keypoints": [12, 22, 2, 20 + i, 40, 1, 45, 48.5, 2, 0, 0, 0],
                }
            )

    @property
    def annotations(self) -> list[dict[str, Any]]:
        return self.content["annotations"]

    @property
    def images(self) -> list[dict[str, Any]]:
        return self.content["images"]

    def write(self) -> None:
        (self.root / "ann.json").write_text(json.dumps(self.content))

    def open(self, meta: KeypointMeta, pipeline: list, **options: Any) -> CocoPoseDataset:
        self.write()
        options = {"ann_file": "ann.json", "img_root": "images", "root": str(self.root), **options}
        return CocoPoseDataset(keypoints=meta, pipeline=pipeline, **options)


@pytest.fixture
def toy(tmp_path) -> Toy:
    """Six images of 100 x 80 px with one animal each; image ids from 20, annotation ids from 50."""
    return Toy(tmp_path, 6)


@pytest.fixture
def no_other_runs(tmp_path, monkeypatch):
    """Temporary folders go to a place of the test's own."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(cache_folder, "_SHARED_MEMORY", tmp_path / "none")
    monkeypatch.setattr(cache_folder.tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The paths of all image files that are read in this process."""
    paths, read = [], transforms.read_image
    for module in (cache, transforms):
        monkeypatch.setattr(module, "read_image", lambda path: paths.append(path) or read(path))
    return paths


@pytest.fixture
def field(toy):
    """Six photographs of 640 x 480 px with an animal of 40 x 30 px each, at the border in one."""
    random = np.random.default_rng(5)
    for number, (image, entry) in enumerate(zip(toy.images, toy.annotations, strict=True)):
        image.update(width=640, height=480)
        pixels = random.integers(0, 255, (480, 640, 3), dtype=np.uint8)
        cv2.imwrite(str(toy.root / "images" / f"{number}.jpg"), pixels)
        x, y = 100 * number, 70 * number
        entry["bbox"] = [x, y, 40, 30]
        entry["keypoints"] = [x + 2, y + 2, 2, x + 10, y + 20, 1, x + 35, y + 8, 2, 0, 0, 0]
    return toy
