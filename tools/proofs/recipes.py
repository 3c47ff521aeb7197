"""The published recipe and that of `hrpose init` on LivestockKeypoints (horse), at equal CPU time.

By frame: the published split, where nearly every horse of the test images is in train too. By
place: train on all of `dao`, test on all of `zu`. `train` makes the runs that are not there yet,
two at once with a thread each, and tests each once; `compare` draws the test images again (paired,
the same draws for every run) and averages AP over the seeds on each draw.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from hrpose.config import load
from hrpose.engine.experiment import prepare
from hrpose.metrics.bootstrap import difference
from hrpose.metrics.results.scorer import Scorer, ScoringSettings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "configs/animal/hrnet/livestock_horse"
RECIPES = {
    "published": FOLDER / "hrnet_w32_livestock_128x96.py",
    "own": FOLDER / "hrnet_w32_livestock_128x96-init.py",
}
PLACE = FOLDER / "hrnet_w32_livestock-by-place_256x256.py"
SPLITS = ("frame", "place")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("train", "compare"))
    parser.add_argument("data", type=Path, help="the folder livestock-horse")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.step == "train":
        jobs = [(split, recipe, seed) for split in args.splits for seed in args.seeds
                for recipe in RECIPES]  # fmt: skip
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda job: run(args, *job), jobs))
    for split in args.splits:
        print(compared(args, split))


def page_of(args: argparse.Namespace, split: str, recipe: str) -> Path:
    """The page of `recipe` on `split`."""
    data = {"root": str(args.data.absolute())}
    if split == "place":
        place = load(PLACE)["data"]
        keys = ("ann_file", "img_root", "file_names")
        data |= {name: {key: place[name][key] for key in keys} for name in ("train", "val", "test")}
    path = args.out / f"{recipe}-{split}.py"
    path.write_text(f"_base_ = {str(RECIPES[recipe])!r}\ndata = {data!r}\n", encoding="utf-8")
    return path


def run(args: argparse.Namespace, split: str, recipe: str, seed: int) -> None:
    """Train and test, unless it was done; CPU seconds go into cpu.json."""
    folder = args.out / f"{recipe}-{split}-{seed}"
    if (folder / "cpu.json").exists():
        return
    page = page_of(args, split, recipe)
    words = ["tools/train.py", page, "--work-dir", folder, "--cfg-options"]
    changes = [f"runner.seed={seed}", "runner.val_interval=0", "runner.save_best=None"]
    seconds = cpu_seconds([*words, *changes, "runner.device=cpu", "data.workers=0"])
    cpu_seconds(["tools/test.py", page, folder / "latest.pth", "--work-dir", folder,
                 "--out", folder / "predictions.json"])  # fmt: skip
    (folder / "cpu.json").write_text(json.dumps(seconds))
    for checkpoint in folder.glob("*.pth"):
        checkpoint.unlink()


def cpu_seconds(words: list) -> float:
    """What `python WORDS` takes, with one thread."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, *map(str, words)], cwd=ROOT, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{words}: ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def compared(args: argparse.Namespace, split: str) -> str:
    """AP of each run, their means, and the difference of these with its interval."""
    lines, means, drawn = [], {}, {}
    for recipe in RECIPES:
        experiment = prepare(load(page_of(args, split, recipe)))
        labels = experiment.dataset("test", labels_only=True).labels()
        scorer = Scorer(experiment.metrics, labels, ScoringSettings(nms=True))
        folders = [args.out / f"{recipe}-{split}-{seed}" for seed in args.seeds]
        files = [scorer.read(folder / "predictions.json") for folder in folders]
        values = [scorer.score(file).values["AP"] for file in files]
        means[recipe] = float(np.mean(values))
        drawn[recipe] = np.mean([scorer.resample(file, recipe)["AP"] for file in files], axis=0)
        cpu = np.mean([json.loads((folder / "cpu.json").read_text()) for folder in folders])
        told = " ".join(f"{value:.3f}" for value in values)
        lines.append(f"by {split}, {recipe}: AP {means[recipe]:.3f} ({told}), {cpu:.0f} CPU-s")
    found = difference(means["published"], means["own"], drawn["published"], drawn["own"])
    lines.append(f"  own - published {found.value:+.3f} ({found.low:.3f} to {found.high:.3f})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
