"""A small data set of labels without images, and files of predictions for it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hrpose import config
from hrpose.keypoints import KeypointMeta
from hrpose.structures import Instances, Labels

ROOT = Path(__file__).resolve().parents[1]
HORSES = ROOT / "configs/animal/hrnet/horse10/hrnet_w32_horse10_256x256-split1.py"
TIGERS = ROOT / "configs/animal/hrnet/atrw/hrnet_w32_atrw_256x256.py"
META = KeypointMeta("pet", ["nose", "eye"], sigmas=[0.1, 0.1])


def labels() -> Labels:
    """Images 10, 11 and 12; annotation 1 in 10, 2 and 3 in 11, 4 (without a label) in 12."""
    points = np.float32([[[10, 10], [20, 20]], [[30, 30], [40, 40]], [[50, 50], [60, 60]]])
    truth = Instances(
        keypoints=points,
        visible=np.ones((3, 2), np.float32),
        boxes=np.float32([[0, 0, 100, 100]] * 3),
        areas=np.full(3, 1e4, np.float32),
        image_ids=np.array([10, 11, 11]),
        annotation_ids=np.array([1, 2, 3]),
        box_scores=np.ones(3, np.float32),
        category_ids=np.ones(3, np.int64),
    )
    places = {1: 10, 2: 11, 3: 11, 4: 12}
    coco = {
        "images": [{"id": n, "file_name": f"herd/{n}.png"} for n in (10, 11, 12)],
        "annotations": [
            {"id": number, "image_id": image_id, "category_id": 1}
            for number, image_id in places.items()
        ],
        "categories": [{"id": 1}],
    }
    return Labels(truth, coco, META)


def entry(image_id: Any, annotation_id: int | None = None, **changes: Any) -> dict[str, Any]:
    row = {"image_id": image_id, "score": 0.5, "keypoints": [1.0, 2.0, 0.5, 3.0, 4.0, 0.25]}
    if annotation_id is not None:
        row["annotation_id"] = annotation_id
    return {**row, **changes}


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def page_for(ann_file: Path, page: Path = HORSES, *changes: str) -> dict[str, Any]:
    """A shipped page whose test set is `ann_file`, with images that do not exist."""
    return config.load(
        page,
        [f"data.test.ann_file={str(ann_file)!r}", "data.test.img_root='/nowhere'", *changes],
    )
