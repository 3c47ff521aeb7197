#!/usr/bin/env python
"""A trained model on the CPU four ways: torch in fp32 and bf16, ONNX Runtime in fp32 and int8.

OMP_NUM_THREADS=1 python tools/proofs/export_rates.py PAGE CHECKPOINT [DIR]

The four take turns on the same crops: the images of DIR, whole, or the animals of data.val and
data.test. Times are beside those of torch in fp32 in the same turn, by the clock and of CPU; points
beside its points, where its score is .3 or more. int8 is calibrated on animals of data.train.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import numpy as np

from hrpose import config
from hrpose.api.load import Trained, load_trained
from hrpose.config.pages import find_page
from hrpose.errors import shown_to_user
from hrpose.export.compared import moved_in_words
from hrpose.export.crops import animals_of, images_of
from hrpose.export.exported import Exported, read_exported
from hrpose.export.int8 import quantise
from hrpose.export.onnx_file import ExportRequest, export
from hrpose.predict.look.search import SURE
from hrpose.processes.device import has_bf16

Times: TypeAlias = tuple[float, float]
"""Seconds by the clock, and of CPU time."""
FIRST = "torch fp32"


def models(args: argparse.Namespace, page: dict[str, Any]) -> dict[str, Trained | Exported]:
    """The four, that which the others are compared with first."""
    flip_test = False if args.no_flip else None
    with tempfile.TemporaryDirectory() as folder:
        fp32, int8 = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        name = find_page(args.page).stem
        export(ExportRequest(page, name, args.checkpoint, fp32, flip_test))
        shutil.copy(fp32, int8)
        quantise(int8, animals_of(page, "train"))
        return {
            FIRST: load_trained(page, args.checkpoint, "cpu", "fp32", flip_test),
            "torch bf16": load_trained(page, args.checkpoint, "cpu", "amp", flip_test),
            "ONNX fp32": read_exported(fp32),
            "ONNX int8": read_exported(int8),
        }


def crops_of(args: argparse.Namespace, page: dict[str, Any], model: Trained) -> np.ndarray:
    """Crops (N, h, w, 3) uint8 RGB."""
    if args.images:
        return np.stack(images_of(model.cropper, args.images, args.most))
    return np.concatenate([animals_of(page, split) for split in ("val", "test")])[: args.most]


def timed(work: Callable[[], object]) -> Times:
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def rounds_of(crops: np.ndarray, size: int, count: int) -> list[np.ndarray]:
    """At least `count` of `crops`, by turns, in batches (size, 3, h, w)."""
    batches = -(-count // size)
    chosen = np.stack(list(itertools.islice(itertools.cycle(crops), batches * size)))
    return np.split(chosen.transpose(0, 3, 1, 2), batches)


def rates(found: dict[str, Trained | Exported], batches: list[np.ndarray], turns: int) -> list[str]:
    """A line a model: crops a second, and times beside those of the first."""
    times: dict[str, list[Times]] = {name: [] for name in found}
    for model in found.values():
        model.estimate(batches[0])()  # the first is slower
    for _ in range(turns):
        for name, model in found.items():
            times[name].append(timed(lambda m=model: [m.estimate(batch)() for batch in batches]))
    size = len(batches[0])
    lines = []
    for name, own in times.items():
        per_second = size * len(batches) / median(clock for clock, _ in own)
        by_clock, by_cpu = (
            [one[kind] / first[kind] for one, first in zip(own, times[FIRST], strict=True)]
            for kind in (0, 1)
        )
        lines.append(
            f"batch {size}: {name}: {per_second:.2f} crops/s; of the time of {FIRST} "
            f"{median(by_clock):.3f} ({', '.join(f'{ratio:.3f}' for ratio in by_clock)}), "
            f"by CPU time {median(by_cpu):.3f}"
        )
    return lines


def moves(found: dict[str, Trained | Exported], crops: np.ndarray) -> list[str]:
    """A line a model but the first: how far its points are from those of the first."""
    batches = np.array_split(crops.transpose(0, 3, 1, 2), -(-len(crops) // 8))
    points = {}
    for name, model in found.items():
        answers = [model.estimate(batch)() for batch in batches]
        points[name] = [np.concatenate(parts) for parts in zip(*answers, strict=True)]
    want, scores = points.pop(FIRST)
    sure = scores >= SURE
    return [
        f"{name} moves {sure.sum()} of {sure.size} points of {len(crops)} crops by "
        f"{moved_in_words(np.linalg.norm(keypoints - want, axis=-1)[sure])}"
        for name, (keypoints, _) in points.items()
    ]


@shown_to_user
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page")
    parser.add_argument("checkpoint")
    parser.add_argument("images", metavar="DIR", nargs="?", type=Path)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8], metavar="N")
    parser.add_argument("--count", type=int, default=32, metavar="N", help="crops a turn")
    parser.add_argument("--turns", type=int, default=5, metavar="N")
    parser.add_argument("--most", type=int, default=200, metavar="N", help="crops to compare on")
    parser.add_argument("--no-flip", action="store_true", help="without the mirror image")
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    page = config.load(find_page(args.page), args.cfg_options)
    found = models(args, page)
    first = found[FIRST]
    crops = crops_of(args, page, first)
    without = "" if has_bf16() else ", without bf16"
    print(f"{first.made_from['device']}{without}; flip test {first.made_from['flip_test']}")
    for size in args.batch_sizes:
        print(*rates(found, rounds_of(crops, size, args.count), args.turns), sep="\n", flush=True)
    print(*moves(found, crops), sep="\n")


if __name__ == "__main__":
    main()
