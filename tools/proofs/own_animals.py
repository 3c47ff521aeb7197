"""The five commands of docs/your_own_data.md on a DeepLabCut project, timed, and how good it gets.

Errors are in px of the frames of the test part: in the boxes of the labels, beside those of the
mean pose (the mean place of each keypoint in the box of the training animals, put into the box of
each test animal), and without labels, as `hrpose predict` sees the images by `full` and by `zoom`.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from hrpose.predict.tables import csv_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="DeepLabCut project")
    parser.add_argument("video", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--minutes", default="10", help="for the training")
    parser.add_argument("--init", nargs="*", default=["pretrained=None"], metavar="KEY=VALUE",
                        help="changes of the page for training")  # fmt: skip
    parser.add_argument("--whole-frame", action="store_true",
                        help="a page of whole frames; the video is predicted in them")  # fmt: skip
    args = parser.parse_args()
    whole = ["--whole-frame"] if args.whole_frame else []
    labels, page, run = args.out / "labels", args.out / "own.py", args.out / "run"
    args.out.mkdir(parents=True)
    seconds = [
        hrpose("convert", "deeplabcut", args.project, labels),
        hrpose("init", *sorted((labels / "annotations").glob("*.json")), "--images",
               labels / "images", "--name", "own", "--out", page, "--minutes", args.minutes,
               *whole),
        hrpose("check", page),
        hrpose("train", page, "--work-dir", run, "--cfg-options", *args.init),
    ]  # fmt: skip
    (best,) = run.glob("best_*.pth")
    look = ["--bbox", "full" if whole else "zoom", "--formats", "csv", "jsonl"]
    seconds.append(hrpose("predict", page, best, args.video, "--out", args.out / "tables", *look))
    hrpose("test", page, best, "--out", args.out / "test.json", "--work-dir", run)
    ours, mean = errors(labels, args.out / "test.json")
    rows = sum(1 for _ in (args.out / f"tables/{args.video.stem}.csv").open()) - 3
    verbs = ("convert", "init", "check", "train", "predict")
    print(*(f"{verb} {took:.0f} s" for verb, took in zip(verbs, seconds, strict=True)), sep=", ")
    print(f"{sum(seconds) / 60:.1f} min in all; {rows} rows of the video")
    print(f"test error {ours:.2f} px, mean pose {mean:.2f} px")
    for bbox in ("full", "zoom"):
        print(f"the same images by --bbox {bbox}: {stills(labels, page, best, args.out, bbox)}")


def hrpose(*words: object) -> float:
    """Seconds that `hrpose WORDS` takes."""
    print("+ hrpose", *words, flush=True)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "hrpose", *map(str, words)], check=True)
    return time.perf_counter() - start


def stills(labels: Path, page: Path, checkpoint: Path, out: Path, bbox: str) -> str:
    """In words, how far from the labels the test images are predicted, none of their boxes told."""
    content = json.loads((labels / "annotations/test.json").read_text(encoding="utf-8"))
    files = {row["id"]: labels / "images" / row["file_name"] for row in content["images"]}
    points, _, ids = read(labels / "annotations/test.json")
    listed = out / "stills.txt"
    listed.write_text("".join(f"{files[number].absolute()}\n" for number in ids))
    folder = out / f"stills_{bbox}"
    hrpose("predict", page, checkpoint, f"@{listed}", "--out", folder, "--bbox", bbox)
    (made,) = folder.glob("*.csv")
    distances = np.linalg.norm(csv_table.read(made).keypoints[:, 0] - points, axis=2)
    return (
        f"px mean {np.nanmean(distances):.2f}, median {np.nanmedian(distances):.2f}, "
        f"90% below {np.nanpercentile(distances, 90):.2f}, "
        f"worst image {np.nanmean(distances, axis=1).max():.2f}"
    )


def errors(labels: Path, predictions: Path) -> tuple[float, float]:
    """Mean distance in px of labelled test points to what was predicted, and to the mean pose."""
    parts = {name: read(labels / f"annotations/{name}.json") for name in ("train", "test")}
    points, boxes, _ = parts["train"]
    mean = np.nanmean((points - boxes[:, None, :2]) / boxes[:, None, 2:], axis=0)
    points, boxes, ids = parts["test"]
    answers = {row["image_id"]: row["keypoints"] for row in json.loads(predictions.read_text())}
    ours = np.array([answers[number] for number in ids]).reshape(len(ids), -1, 3)[..., :2]
    poses = boxes[:, None, :2] + mean * boxes[:, None, 2:]
    distances = [np.linalg.norm(each - points, axis=2) for each in (ours, poses)]
    return float(np.nanmean(distances[0])), float(np.nanmean(distances[1]))


def read(path: Path) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Points (N, K, 2), NaN without a label, boxes (N, 4), and image ids of a COCO file."""
    rows = json.loads(path.read_text(encoding="utf-8"))["annotations"]
    triples = np.array([row["keypoints"] for row in rows], float).reshape(len(rows), -1, 3)
    points = np.where(triples[..., 2:] > 0, triples[..., :2], np.nan)
    return points, np.array([row["bbox"] for row in rows], float), [r["image_id"] for r in rows]


if __name__ == "__main__":
    main()
