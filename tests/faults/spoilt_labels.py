"""Label files that are sound, and what is done to them: one function a fault of labels.md.

Animals are seen from above, six keypoints in a shape with a left and a right, turned and scaled at
random, one an image: image ids 1 to 24, annotation ids 101 to 124.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Content = dict[str, Any]
NAMES = ["nose", "left_ear", "right_ear", "left_hip", "right_hip", "tail"]
SHAPE = np.array([[1.0, 0], [0.6, -0.3], [0.6, 0.3], [-0.4, -0.4], [-0.4, 0.4], [-1.0, 0]])
SIZE = np.array([160, 120])
COUNT = 24


def sound(split: str, seed: int) -> Content:
    """The labels of one split."""
    random = np.random.default_rng(seed)
    content: Content = {
        "images": [], "annotations": [],
        "categories": [{"id": 1, "name": "mouse", "keypoints": NAMES}],
    }  # fmt: skip
    for number in range(1, COUNT + 1):
        angle, length = random.uniform(0, 2 * np.pi), random.uniform(18, 26)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points = (
            SIZE * random.uniform(0.4, 0.6, 2)
            + length * (SHAPE + random.normal(0, 0.03, SHAPE.shape)) @ turn.T
        )
        low, high = points.min(axis=0) - 4, points.max(axis=0) + 4
        content["images"].append(
            {
                "id": number, "file_name": f"{split}/{number:02d}.png",
                "width": int(SIZE[0]), "height": int(SIZE[1]),
            }
        )  # fmt: skip
        content["annotations"].append(
            {
                "id": number + 100, "image_id": number, "category_id": 1, "iscrowd": 0,
                "bbox": [*low.tolist(), *(high - low).tolist()],
                "area": float(np.prod(high - low)), "num_keypoints": len(NAMES),
                "keypoints": [value for x, y in points.tolist() for value in (x, y, 2)],
            }
        )  # fmt: skip
    return content


def write_images(root: Path) -> None:
    """The images of all splits, no two alike."""
    random = np.random.default_rng(1)
    for split in ("train", "val", "test"):
        (root / "images" / split).mkdir(parents=True)
        for number in range(1, COUNT + 1):
            picture = random.integers(0, 255, (*(SIZE[::-1] // 4), 3), dtype=np.uint8)
            picture = cv2.resize(picture, tuple(map(int, SIZE)))
            cv2.imwrite(str(root / f"images/{split}/{number:02d}.png"), picture)


def points_of(animal: dict[str, Any]) -> np.ndarray:
    return np.array(animal["keypoints"], dtype=float).reshape(-1, 3)


def moved(content: Content, by: Callable[[np.ndarray, dict[str, Any]], np.ndarray]) -> None:
    """Change x and y of all keypoints of all animals."""
    for animal in content["annotations"]:
        points = points_of(animal)
        points[:, :2] = by(points[:, :2], animal)
        animal["keypoints"] = points.ravel().tolist()


def single_faults(content: Content, root: Path) -> None:
    """One animal each."""
    animals, images = content["annotations"], content["images"]
    animals[0]["id"] = 0
    animals[1]["bbox"] = [2, 2, 12, 10]
    points = points_of(animals[2])
    animals[2]["keypoints"] = points[[0, 2, 1, 4, 3, 5]].ravel().tolist()
    animals[3]["keypoints"][:3] = [0, 0, 2]
    animals[4]["keypoints"][2] = 3
    animals[5]["num_keypoints"] = 17
    animals[6]["iscrowd"], animals[7]["iscrowd"] = float("nan"), "0"
    animals[8]["bbox"][3] = 0
    again = copy.deepcopy(animals[9])
    animals.append({**again, "id": 200})
    animals[10]["keypoints"][0] = 170.5
    animals[11]["area"] = None
    content["categories"].append({"id": 0, "name": "mice-x4fk", "supercategory": "none"})
    images[12]["file_name"] = images[12]["file_name"].replace("/", "\\")
    images.append({**images[13], "id": 99})
    animals[14]["image_id"] = 99
    animals[15]["area"], animals[16]["area"] = 0, 1


def tiny_boxes(content: Content, root: Path) -> None:
    for animal in content["annotations"]:
        animal["bbox"][2:] = [1, 1]


def without_id(content: Content, root: Path) -> None:
    del content["annotations"][4]["id"]


def fractions(content: Content, root: Path) -> None:
    moved(content, lambda xy, _: xy / SIZE)


def fractions_of_boxes(content: Content, root: Path) -> None:
    for animal in content["annotations"]:
        animal["bbox"] = (np.array(animal["bbox"]) / [*SIZE, *SIZE]).tolist()


def from_the_box(content: Content, root: Path) -> None:
    moved(content, lambda xy, animal: xy - animal["bbox"][:2])


def doubled(content: Content, root: Path) -> None:
    moved(content, lambda xy, _: 2 * xy)
    for animal in content["annotations"]:
        animal["bbox"] = [2 * value for value in animal["bbox"]]
    for image in content["images"]:
        del image["width"], image["height"]


def areas_of_one(content: Content, root: Path) -> None:
    for animal in content["annotations"]:
        animal["area"] = 1


def corners(content: Content, root: Path) -> None:
    for animal in content["annotations"]:
        x, y, width, height = animal["bbox"]
        animal["bbox"] = [x, y, x + width, y + height]


def left_out(content: Content, root: Path) -> None:
    for animal in content["annotations"][5:8]:
        animal["bbox"] = None


def hidden(content: Content, root: Path) -> None:
    for animal in content["annotations"][3:]:
        animal["keypoints"][2::3] = [0, 0, 0, 0, 0, 2]
        animal["num_keypoints"] = 1


def bare(content: Content, root: Path) -> None:
    for animal in content["annotations"][:2]:
        animal.update(keypoints=[0] * 18, num_keypoints=0)


def no_category(content: Content, root: Path) -> None:
    content["annotations"][7]["category_id"] = None


def strings(content: Content, root: Path) -> None:
    for image, animal in zip(content["images"], content["annotations"], strict=True):
        image["id"] = animal["image_id"] = Path(image["file_name"]).stem
        animal["id"] = f"mouse-{animal['id']}"


def same_pixels(content: Content, root: Path) -> None:
    (root / "images/test/05.png").write_bytes((root / "images/train/17.png").read_bytes())


def same_ids(content: Content, root: Path) -> None:
    content["annotations"][3]["id"] = 101


def never(content: Content, root: Path) -> None:
    for animal in content["annotations"]:
        animal["keypoints"][15:18] = [0, 0, 0]
        animal["num_keypoints"] = 5


def string_image_id(content: Content, root: Path) -> None:
    content["annotations"][2]["image_id"] = "3"


def nothing(content: Content, root: Path) -> None:
    return None


def as_json(content: Content) -> str:
    return json.dumps(content)


def as_lines(content: Content) -> str:
    return "".join(f"{json.dumps(animal)}\n" for animal in content["annotations"])


def as_xml(content: Content) -> str:
    return "<?xml version='1.0'?>\n<annotations><image id='1'/></annotations>\n"


def as_table(content: Content) -> str:
    return "scorer,rick,rick\nbodyparts,nose,nose\ncoords,x,y\nimg1.png,1,2\n"


PAGES: dict[str, list[tuple[str, Callable[[Content, Path], None], Callable[[Content], str]]]] = {
    "a": [
        ("single.json", single_faults, as_json),
        ("tiny.json", tiny_boxes, as_json),
        ("without_id.json", without_id, as_json),
    ],
    "b": [
        ("fractions.json", fractions, as_json),
        ("fractions_of_boxes.json", fractions_of_boxes, as_json),
        ("from_the_box.json", from_the_box, as_json),
    ],
    "c": [
        ("doubled.json", doubled, as_json),
        ("areas.json", areas_of_one, as_json),
        ("corners.json", corners, as_json),
    ],
    "d": [
        ("left_out.json", left_out, as_json),
        ("hidden.json", hidden, as_json),
        ("bare.json", bare, as_json),
    ],
    "e": [
        ("cvat.xml", nothing, as_xml),
        ("lines.json", nothing, as_lines),
        ("no_category.json", no_category, as_json),
    ],
    "f": [
        ("strings.json", strings, as_json),
        ("strings.json", strings, as_json),
        ("copied.json", same_pixels, as_json),
    ],
    "g": [
        ("same_ids.json", same_ids, as_json),
        ("never.json", never, as_json),
        ("mixed_ids.json", string_image_id, as_json),
    ],
    "h": [
        ("dlc.csv", nothing, as_table),
        ("sound_val.json", nothing, as_json),
        ("sound_test.json", nothing, as_json),
    ],
    "unpaired": [
        ("sound_train.json", nothing, as_json),
        ("sound_val.json", nothing, as_json),
        ("sound_test.json", nothing, as_json),
    ],
}
"""Train, val and test of each page: the file, what is done to its labels, and how it is written."""


def write_page(root: Path, name: str) -> Path:
    """The page `name` and its three files."""
    pairs = [] if name == "unpaired" else [["left_ear", "right_ear"], ["left_hip", "right_hip"]]
    sets = []
    for split, seed, (file, spoil, text) in zip(
        ("train", "val", "test"), (1, 2, 3), PAGES[name], strict=True
    ):
        first = split if (root / file).exists() is False else "train"
        content = sound(first, seed)
        spoil(content, root)
        if not (root / file).exists():
            (root / file).write_text(text(content))
        sets.append(
            f"{split}=dict(_delete_=True, type='CocoPoseDataset', ann_file={file!r}, "
            "img_root='images')"
        )
    page = root / f"page_{name}.py"
    tiny = Path(__file__).resolve().parents[1] / "pages/tiny.py"
    page.write_text(
        f"_base_ = {str(tiny)!r}\n"
        f"keypoints = dict(_delete_=True, type='KeypointMeta', dataset='mouse', names={NAMES!r},\n"
        f"    flip_pairs={pairs!r}, upper_body={NAMES[:3]!r}, lower_body={NAMES[3:]!r},\n"
        f"    sigmas={[0.05] * len(NAMES)!r})\n"
        f"model = dict(head=dict(out_channels={len(NAMES)}))\n"
        "metrics = [dict(type='PCK', norm='box'),\n"
        "    dict(type='NME', norm=('nose', 'tail'), missing='mmpose-2021')]\n"
        f"data = dict(root={str(root)!r}, {', '.join(sets)})\n"
    )
    return page
