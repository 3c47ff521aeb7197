from pathlib import Path

import cv2
import numpy as np
import pytest
from html_pages import cats_page, sound_page

NAMES = ("nose", "left_paw", "right_paw", "<script>alert(1)</script>")
POINTS = [20, 30, 2, 60, 60, 2, 90, 62, 1, 0, 0, 0]
"""nose, left paw and right paw of an animal in a photograph of 120 x 100 px."""


class Farm:
    """A page, its annotation file and its images, which a test changes before they are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "images").mkdir()
        category = {"id": 1, "name": "cat", "keypoints": list(NAMES)}
        self.content = {"images": [], "annotations": [], "categories": [category]}
        for number in range(4):
            image = np.full((100, 120, 3), 128, np.uint8)
            image[:, :60] = 60  # left half dark: a mirror shows
            cv2.imwrite(str(folder / f"images/cat{number}.png"), image)
            size = {"width": 120, "height": 100}
            self.content["images"].append(
                {"id": 30 + number, "file_name": f"cat{number}.png", **size}
            )
            self.content["annotations"].append(
                {
                    "id": 50 + number,
                    "image_id": 30 + number,
                    "category_id": 1,
                    "bbox": [10, 20, 90, 60],
                    "area": 5400,
                    "iscrowd": 0,
                    "num_keypoints": 3,
                    "keypoints": list(POINTS),
                }
            )

    def page(self, *lines: str) -> Path:
        """Write all; the path of the page, with `lines` at its end."""
        return cats_page(self.folder, self.content, *lines)


@pytest.fixture
def farm(tmp_path) -> Farm:
    """Four photographs of 120 x 100 px with one cat each: images 30 to 33, annotations 50 to 53."""
    return Farm(tmp_path)


@pytest.fixture
def sound():
    """Parses a page, after a look at what every page of ours must keep."""
    return sound_page
