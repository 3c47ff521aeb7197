"""Labels and predictions with known errors."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from html_pages import cats_page

from hrpose.keypoints import KeypointMeta
from hrpose.metrics import PCK
from hrpose.report.numbers.measured import Measured
from hrpose.structures import Instances, Labels, Predictions

NAMES = ("nose", "left_paw", "right_paw", "<b>tail</b>")
POINTS = np.float32([[50, 20], [30, 70], [70, 70], [90, 40]])
"""Of every animal; its box is 100 px wide, so that PCK@0.1 means nearer than 10 px."""
META = KeypointMeta("cats", NAMES, [("left_paw", "right_paw")], skeleton=[("nose", "left_paw")])


def measured(
    keypoints: np.ndarray, scores: np.ndarray | None = None, sides: np.ndarray | None = None
) -> Measured:
    """Predictions (N, 4, 2) for N animals with the labels `POINTS`, each in its own image.

    Args:
        sides: (N,) of the boxes, 100 px by default.
    """
    count = len(keypoints)
    boxes = np.zeros((count, 4), np.float32)
    boxes[:, 2:] = 100 if sides is None else np.asarray(sides)[:, None]
    truth = Instances(
        keypoints=np.repeat(POINTS[None], count, axis=0),
        visible=np.ones((count, 4), np.float32),
        boxes=boxes,
        areas=np.full(count, 1e4, np.float32),
        image_ids=np.arange(count),
        annotation_ids=np.arange(count),
        box_scores=np.ones(count, np.float32),
        category_ids=np.ones(count, np.int64),
    )
    coco = {
        "images": [{"id": n, "file_name": f"{n}.png"} for n in range(count)],
        "annotations": [],
        "categories": [{"id": 1}],
    }
    scores = np.ones((count, 4), np.float32) if scores is None else np.float32(scores)
    found = Predictions(np.float32(keypoints), scores, np.arange(count), np.ones(count, np.float32))
    return Measured(Labels(truth, coco, META), found, PCK(0.1), resamples=100)


def poses(count: int) -> np.ndarray:
    """(N, 4, 2) perfect predictions, to be spoilt."""
    return np.repeat(POINTS[None], count, axis=0)


class Cattery:
    """A page with a test set of cats in two videos, their photographs, and runs on them."""

    def __init__(self, folder: Path, count: int = 12) -> None:
        self.folder, self.count = folder, count
        (folder / "images").mkdir()
        self.names = [f"{'ab'[n % 2]}_{n:04d}.png" for n in range(count)]
        category = {"id": 1, "name": "cat", "keypoints": list(NAMES)}
        self.content: dict[str, Any] = {"images": [], "annotations": [], "categories": [category]}
        for number, name in enumerate(self.names):
            image = np.full((100, 120, 3), 90 + 5 * number, np.uint8)
            cv2.imwrite(str(folder / "images" / name), image)
            self.content["images"].append(
                {"id": number + 1, "file_name": name, "width": 120, "height": 100}
            )
            triples = [value for x, y in POINTS.tolist() for value in (x, y, 2)]
            self.content["annotations"].append(
                {"id": number + 1, "image_id": number + 1, "category_id": 1, "area": 8000,
                 "bbox": [0, 10, 100, 80], "iscrowd": 0, "num_keypoints": 4, "keypoints": triples}
            )  # fmt: skip

    def page(self, *lines: str) -> Path:
        """Write labels and page; the path of the page, with `lines` at its end."""
        own = """keypoints.update(upper_body=["nose", "left_paw"], lower_body=["right_paw"])
metrics = [dict(type="PCK", thr=0.1, norm="box"), dict(type="NME", norm="box")]
runner = dict(save_best="PCK@0.1")"""
        return cats_page(self.folder, self.content, own, *lines)

    def predictions(self, name: str, keypoints: np.ndarray, score: float = 0.9) -> Path:
        """A file `name`/predictions.json."""
        rows = [
            {"image_id": n + 1, "annotation_id": n + 1, "category_id": 1, "score": score,
             "keypoints": [v for x, y in points.tolist() for v in (x, y, score)]}
            for n, points in enumerate(keypoints)
        ]  # fmt: skip
        path = self.folder / name / "predictions.json"
        path.parent.mkdir()
        path.write_text(json.dumps(rows))
        return path
