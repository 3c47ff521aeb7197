"""A stand-in for everything that is elsewhere: data sets in their official layouts, published
checkpoints (of random weights) under names of the published scheme, the server that has them.

`python tests/reproduce/stand_in.py DIR PORT` makes it all in DIR and serves it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from hrpose import config
from hrpose.engine.experiment import prepare

ROOT = Path(__file__).resolve().parents[2]
METAFILE = ROOT / "configs/animal/hrnet/metafile.json"
ORIGIN = "https://download.openmmlab.com"
SHELF = "mmpose/animal/hrnet"
KINDS = ("mammal", "amphibian", "reptile", "bird", "fish")
LAYOUTS = {
    "horse10": ("file_name", "labeled-data/BrownHorseinShadow/", ("", "")),
    "macaque": ("file_name", "", ("images", "images")),
    "atrw": ("filename", "", ("images/train", "images/val")),
    "ap10k": ("file_name", "", ("data", "data")),
    "animalpose": ("file_name", "VOC2012/JPEGImages/", ("", "")),
    "ak": ("file_name", "", ("images", "images")),
}
"""Key of the file name in the annotations, what stands before the name, image folders of training
and test set."""
ANNOTATIONS = {
    "horse10": [(f"horse10-{split}-split{n}.json", place) for n in (1, 2, 3)
                for place, split in enumerate(("train", "test"))],
    "macaque": [("macaque_train.json", 0), ("macaque_test.json", 1)],
    "atrw": [("keypoint_train.json", 0), ("keypoint_val.json", 1)],
    "ap10k": [(f"ap10k-{split}-split1.json", place)
              for place, split in enumerate(("train", "val", "test"))],
    "animalpose": [("animalpose_train.json", 0), ("animalpose_val.json", 1)],
    "ak": [(f"ak_{part}/{split}.json", place)
           for part in ("P1", "P2", *(f"P3_{kind}" for kind in KINDS))
           for place, split in enumerate(("train", "test"))],
}  # fmt: skip


def make_data(root: Path, samples: Path | None) -> None:
    """All data sets in `root`: 2 or 3 animals each, the same in training and test."""
    for name, (key, prefix, folders) in LAYOUTS.items():
        if samples:
            coco = json.loads(next((samples / name).glob("test_*.json")).read_text())
            if name == "ak":  # the sample lists two of the five categories, its animals are of none
                coco["categories"].append({**coco["categories"][0], "id": 4, "name": "Mammal"})
            images = {
                entry["file_name"]: (samples / name / entry["file_name"]).read_bytes()
                for entry in coco["images"]
            }
        else:
            coco, images = made_up(name)
        for entry in coco["images"]:
            entry[key] = prefix + entry.pop("file_name")
        for file, _ in ANNOTATIONS[name]:
            path = root / name / "annotations" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(coco))
        for folder in set(folders):
            for file, content in images.items():
                path = root / name / folder / (prefix + file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def made_up(name: str, count: int = 2) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Noise with points at random in it, as COCO annotations and PNG files."""
    rng = np.random.default_rng(0)
    page = next(ROOT.glob(f"configs/animal/hrnet/{name}/hrnet_w32_*.py"))
    meta = config.load(page)["keypoints"]
    names = meta.get("aliases") or meta["names"]
    coco: dict[str, Any] = {
        "categories": [{"id": 1, "name": name, "keypoints": names}], "images": [], "annotations": []
    }  # fmt: skip
    images = {}
    for number in range(1, count + 1):
        file = f"{number:04d}.png"
        pixels = rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)
        images[file] = cv2.imencode(".png", pixels)[1].tobytes()
        points = rng.uniform((10, 10), (110, 80), (len(names), 2)).round(1)
        flat = [value for x, y in points.tolist() for value in (x, y, 2)]
        coco["images"].append({"id": number, "file_name": file, "width": 120, "height": 90})
        coco["annotations"].append(
            {"id": number, "image_id": number, "category_id": 1, "bbox": [5, 5, 110, 80],
             "area": 8800, "iscrowd": 0, "num_keypoints": len(names), "keypoints": flat}
        )  # fmt: skip
    return coco, images


def publish(shelf: Path, page: Path, paper: dict[str, float]) -> dict[str, Any]:
    """A checkpoint of random weights for `page` in `shelf`; the row of it for a metafile. Animal
    Kingdom's has the names of MMPose 1.x.
    """
    loaded = config.load(page)
    draft = shelf / SHELF / "draft.pth"
    draft.parent.mkdir(parents=True, exist_ok=True)
    state = prepare(loaded).model.state_dict()
    folder = Path(loaded["data"]["root"]).name
    if folder == "ak":
        state = {key.replace("keypoint_head.", "head."): value for key, value in state.items()}
    torch.save({"meta": {"epoch": 210}, "state_dict": state}, draft)
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()[:8]
    name = page.stem.replace("-", "_")
    draft.rename(draft.with_name(f"{name}-{digest}_20210405.pth"))
    return {
        "page": str(page),
        "dataset": folder,
        "paper": paper,
        "checkpoint": f"{ORIGIN}/{SHELF}/{name}-{digest}_20210405.pth",
        "log": f"{ORIGIN}/{SHELF}/{name}_20210405.log.json",
    }


def write_metafile(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A metafile of `rows` that knows the data sets of the real one."""
    datasets = json.loads(METAFILE.read_text())["datasets"]
    path.write_text(json.dumps({"datasets": datasets, "rows": list(rows)}))
    return path


class Handler(BaseHTTPRequestHandler):
    """Serves the files below `shelf`, parts of them too."""

    shelf: Path
    asked: list[tuple[str, str | None]]
    """Name and range of each request."""
    breaks: list[int]
    """How many bytes the next answers send before they break off."""

    def do_GET(self) -> None:
        path, wanted = self.shelf / self.path.lstrip("/"), self.headers["Range"]
        self.asked.append((path.name, wanted))
        if not path.is_file():
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        content = path.read_bytes()[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.breaks.pop(0)] if self.breaks else content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(shelf: Path, port: int = 0) -> Iterator[tuple[str, type[Handler]]]:
    """The address of a server for `shelf`, and what it remembers."""
    handler = type("OneHandler", (Handler,), {"shelf": shelf, "asked": [], "breaks": []})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="made anew")
    parser.add_argument("port", type=int)
    parser.add_argument("--samples", type=Path, help="folder of real images (mmpose-samples)")
    parser.add_argument("--rows", nargs="+", default=["*"], help="patterns of the rows to publish")
    args = parser.parse_args()
    folder, port = args.folder, args.port
    if folder.exists():
        parser.error(f"{folder} is there already; remove it or name another")
    make_data(folder / "data", args.samples)
    rows = [
        publish(folder / "shelf", METAFILE.parent / row["page"], row["paper"])
        for row in json.loads(METAFILE.read_text())["rows"]
        if any(fnmatch(Path(row["page"]).stem, pattern) for pattern in args.rows)
    ]
    write_metafile(folder / "metafile.json", rows)
    with serving(folder / "shelf", port) as (address, _):
        print(f"serving {folder} at {address}; stop with Ctrl-C", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
