#!/usr/bin/env python
"""Frames per second of `hrpose predict` beside those of the network alone, in turns.

OMP_NUM_THREADS=1 python tools/proofs/predict_rate.py PAGE CHECKPOINT VIDEO

The network alone works on one batch in memory, half of the time before and half after each run
from the video to the csv. CPU time is that of the whole process: what reading and cropping take
shows in it also where another core did them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from hrpose import config
from hrpose.commands.predict import add_arguments, make_order
from hrpose.errors import shown_to_user
from hrpose.predict.inputs import jobs_of
from hrpose.predict.run import do_job

Times = tuple[float, float]
"""Seconds by the clock, and of CPU time."""


def timed(work: Callable[[], object]) -> Times:
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def turn(args: argparse.Namespace, batch_size: int) -> tuple[Times, Times]:
    """Seconds for `args.frames` frames: of the network alone, and from video to table."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    page, jobs = config.load(args.page), jobs_of([args.video])
    with tempfile.TemporaryDirectory() as out:
        line = [args.page, args.checkpoint, args.video, "--out", out, "--no-flip"]
        line += ["--device", "cpu", "--batch-size", str(batch_size), "--stop", str(args.frames)]
        order = make_order(parser.parse_args(line), page, jobs)
        width, height = page["codec"]["input_size"]
        crops = np.random.default_rng(0).integers(0, 255, (batch_size, height, width, 3), np.uint8)
        images = crops.transpose(0, 3, 1, 2)
        count = max(1, args.frames // batch_size // 2)

        def alone() -> None:
            for _ in range(count):
                order.pipeline.estimate(images)()

        order.pipeline.estimate(images)()  # the first is slower
        before, whole, after = timed(alone), timed(lambda: do_job(order, jobs[0])), timed(alone)
    share = args.frames / (2 * count * batch_size)
    return ((before[0] + after[0]) * share, (before[1] + after[1]) * share), whole


@shown_to_user
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page")
    parser.add_argument("checkpoint")
    parser.add_argument("video")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 64], metavar="N")
    parser.add_argument("--frames", type=int, default=128, metavar="N")
    parser.add_argument("--turns", type=int, default=3, metavar="N")
    args = parser.parse_args()
    found: dict[int, list[tuple[Times, Times]]] = {size: [] for size in args.batch_sizes}
    for _ in range(args.turns):
        for size, turns in found.items():
            turns.append(turn(args, size))
    for size, turns in found.items():
        alone = args.frames / median(own[0] for own, _ in turns)
        whole = args.frames / median(all_[0] for _, all_ in turns)
        ratios = [[own[kind] / all_[kind] for own, all_ in turns] for kind in (0, 1)]
        print(
            f"batch {size}: network alone {alone:.2f} frames/s, end to end {whole:.2f}; ratio "
            f"{median(ratios[0]):.3f} ({', '.join(f'{ratio:.3f}' for ratio in ratios[0])}), "
            f"by CPU time {median(ratios[1]):.3f}"
        )


if __name__ == "__main__":
    main()
