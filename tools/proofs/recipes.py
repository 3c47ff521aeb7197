"""Recipes on LivestockKeypoints (horse), 128x96, from scratch: a search, and the last word on test.

By frame, `train` is trained on, and nearly every horse of the other images is in it. By place, the
horses of one place are trained on and those of the other are scored. `search` scores `val` (by
place: `dao`, trained on `zu`) and leaves the test images out of everything. `final` scores `test`
(by place: all of `zu`, trained on all of `dao`). Runs that are there already are not made again;
two go on at once, with a thread each. `compare` draws the scored images again, the same for every
run, and averages AP over the seeds on each draw.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from hrpose.config import load
from hrpose.engine.experiment import prepare
from hrpose.metrics.bootstrap import difference
from hrpose.metrics.results.scorer import Scorer, ScoringSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "configs/animal/hrnet/livestock_horse/hrnet_w32_livestock_128x96.py"
INPUT, SMALL, LARGE = (128, 96), (32, 24), (64, 48)
SHIFT = {"type": "RandomShift", "prob": 0.3}
COLOUR = {"type": "Photometric", "prob": 0.8, "brightness": 0.3, "contrast": 0.3,
          "saturation": 0.5, "gamma": 0.3}  # fmt: skip
MORE_COLOUR = {**COLOUR, "brightness": 0.4, "contrast": 0.5, "saturation": 1.0, "gamma": 0.5}


def moves(scale: float, degrees: float, *first: dict, **warp: Any) -> list[dict]:
    """A training pipeline up to its crop."""
    return [
        {"type": "LoadImage"},
        {"type": "CropBox", "input_size": INPUT, "padding": 1.25},
        *first,
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "RandomScaleRotate", "scale": scale, "degrees": degrees, "rotate_prob": 0.6},
        {"type": "Warp", "size": INPUT, **warp},
    ]


def adam(rate: float, batch: int) -> dict[str, Any]:
    """Small batches make more steps."""
    return {"data": {"batch_size": batch}, "optimizer": {"lr": rate}}


def udp(heatmap_size: tuple[int, int], sigma: float, blur_kernel: int) -> dict[str, Any]:
    """UDP's targets and crops."""
    sizes = {"input_size": INPUT, "heatmap_size": heatmap_size}
    plain = [step for step in moves(0, 0, udp=True) if not step["type"].startswith("Random")]
    return {
        "codec": {"_delete_": True, "type": "UDPHeatmap", **sizes, "sigma": sigma,
                  "blur_kernel": blur_kernel},
        "train_pipeline": moves(0.25, 20, udp=True),
        "test_pipeline": plain,
    }  # fmt: skip


STEPS = {
    **adam(7e-4, 8),
    "schedule": {"_delete_": True, "type": "WarmupCosine", "warmup_iters": 50},
    "codec": {"decoding": "dark", "blur_kernel": 5},
}
MILD = {**STEPS, "train_pipeline": moves(0.25, 20)}
STRAIGHT = {"shift_heatmap": False}
FINE = {**STRAIGHT, "head": {"deconv_channels": (32,)}}
RECIPES: dict[str, dict[str, Any]] = {
    "published": {},
    "mild": MILD,
    "published-moves": STEPS,
    "middle": {**MILD, "train_pipeline": moves(0.35, 30, {**SHIFT, "shift": 0.1})},
    "colour": {**MILD, "train_pipeline": [*moves(0.25, 20), COLOUR]},
    "more-colour": {**MILD, "train_pipeline": [*moves(0.25, 20), MORE_COLOUR]},
    "batch-4": {**MILD, **adam(5e-4, 4)},
    "ema": {**MILD, "runner": {"ema": 0.99}},
    "udp": {**MILD, **udp(SMALL, 1, 5), "model": STRAIGHT},
    "udp-colour": {
        **MILD,
        **udp(SMALL, 1, 5),
        "model": STRAIGHT,
        "train_pipeline": [*moves(0.25, 20, udp=True), COLOUR],
    },
    "udp-fine": {**MILD, **udp(LARGE, 2, 11), "model": FINE},
}
SPLITS = ("frame", "place")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("search", "final", "compare"))
    parser.add_argument("data", type=Path, help="the folder livestock-horse")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, required=True,
                        help="`compare` compares each with the first")  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--precision", default="fp32")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.step == "compare":
        print("\n".join(line for split in args.splits for line in compared(args, split)))
        return
    jobs = [(split, recipe, seed) for split in args.splits for seed in args.seeds
            for recipe in args.recipes]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: run(args, *job), jobs))


def page_of(args: argparse.Namespace, split: str, recipe: str) -> Path:
    """The page of `recipe` on `split`, as `search` or `final` trains and scores it."""
    changes = {key: dict(value) if isinstance(value, dict) else value
               for key, value in RECIPES[recipe].items()}  # fmt: skip
    runner, data = changes.pop("runner", {}), changes.pop("data", {})
    scale = args.epochs / 20
    if "schedule" not in changes:
        steps = (round(16 * scale), round(19 * scale))
        changes["schedule"] = {"warmup_iters": round(100 * scale), "steps": steps}
    runner |= {"epochs": args.epochs, "val_interval": 0, "save_interval": args.epochs,
               "save_best": None, "precision": args.precision}  # fmt: skip
    data |= {"root": str(args.data.absolute()), "workers": 0, **parts(args.step, split)}
    text = [f"_base_ = {str(PAGE)!r}", f"data = {data!r}", f"runner = {runner!r}"]
    page = "\n".join([*text, *(f"{key} = {value!r}" for key, value in changes.items())])
    path = args.out / f"{recipe}-{split}.py"
    if path.exists() and path.read_text() != page:
        sys.exit(f"{path}: is of other settings, and its runs would count for these; another --out")
    path.write_text(page)
    return path


def parts(step: str, split: str) -> dict[str, dict[str, Any]]:
    """The files that are trained on, and those that are scored."""
    searched = step == "search"
    if split == "frame":
        trained, scored = _files(["train"]), _files(["val" if searched else "test"])
    else:
        files = ["train", "val"] if searched else ["train", "val", "test"]
        places = ("zu-*", "dao-*") if searched else ("dao-*", "zu-*")
        trained, scored = (_files(files, place) for place in places)
    return {"train": trained, "val": scored, "test": scored}


def _files(names: list[str], place: str | None = None) -> dict[str, Any]:
    return {
        "ann_file": [f"annotations/{name}_annotations.coco.json" for name in names],
        "img_root": [f"images/{name}" for name in names],
        "file_names": place,
    }


def run(args: argparse.Namespace, split: str, recipe: str, seed: int) -> None:
    """Train and test, unless it was done; CPU seconds of the training go into cpu.json."""
    folder = args.out / f"{recipe}-{split}-{seed}"
    if (folder / "cpu.json").exists():
        return
    page = page_of(args, split, recipe)
    options = ["--work-dir", folder, "--cfg-options", "runner.device=cpu", f"runner.seed={seed}"]
    seconds = cpu_seconds(["tools/train.py", page, *options])
    cpu_seconds(["tools/test.py", page, folder / "latest.pth", *options])
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


def compared(args: argparse.Namespace, split: str) -> Iterator[str]:
    """AP of each run, the means over the seeds, and how these differ from the first recipe's."""
    first: tuple[float, np.ndarray] | None = None
    for recipe in args.recipes:
        page = load(args.out / f"{recipe}-{split}.py")
        experiment = prepare(page)
        labels = experiment.dataset("test", labels_only=True).labels()
        scorer = Scorer(experiment.metrics, labels, ScoringSettings(nms=True))
        folders = [args.out / f"{recipe}-{split}-{seed}" for seed in args.seeds]
        files = [scorer.read(folder / "predictions.json") for folder in folders]
        values = [scorer.score(file).values["AP"] for file in files]
        drawn = np.mean([scorer.resample(file, recipe)["AP"] for file in files], axis=0)
        cpu = [json.loads((folder / "cpu.json").read_text()) for folder in folders]
        mean = float(np.mean(values))
        told = " ".join(f"{value:.3f}" for value in values)
        line = f"by {split}, {recipe}: AP {mean:.3f} ({told}), {np.mean(cpu):.0f} CPU-s"
        if first is None:
            first = mean, drawn
        elif found := difference(first[0], mean, first[1], drawn):
            line += f"; {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
        yield line


if __name__ == "__main__":
    main()
