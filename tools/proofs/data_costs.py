"""What reading labels costs, by animal; and what a loader worker does that keeps freed memory.

`labels` reads a drawn file of N animals with 17 keypoints, in a process of its own, and then looks
at every animal in two forked processes, as loader workers do; then it reads the file in several
processes of one run, and in a spawned worker; with `--before`, in turns with another checkout.
`worker` loads a data set with one worker, in turns with and without the call of
`keep_freed_memory` in it.
"""

import argparse
import gc
import json
import multiprocessing
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

from hrpose.datasets import CocoPoseDataset, loader
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta

CROP = (192, 256)
NAMES = [f"k{place}" for place in range(17)]
MOST_OBJECTS = 200_000  # of which COCO's dicts are made, 7 KB each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    labels = verbs.add_parser("labels")
    labels.add_argument("--animals", type=int, default=30_000)
    labels.add_argument("--turns", type=int, default=1)
    labels.add_argument("--before", type=Path, help="folder of another checkout")
    labels.add_argument("--processes", type=int, default=4, help="of one run")
    together = verbs.add_parser("together", help="a file that `labels` has drawn, by several")
    together.add_argument("file")
    together.add_argument("processes", type=int)
    read = verbs.add_parser("read", help="a file that `labels` has drawn")
    read.add_argument("file")
    worker = verbs.add_parser("worker")
    worker.add_argument("root", type=Path, help="folder of the images")
    worker.add_argument("ann_file", help="COCO keypoint file in it")
    worker.add_argument("--samples", type=int, default=192)
    worker.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    if args.verb == "labels":
        run_labels(args.animals, args.turns, args.before, args.processes)
    elif args.verb == "together":
        read_together(args.file, args.processes)
    elif args.verb == "read":
        read_labels(args.file)
    else:
        run_workers(args.root, args.ann_file, args.samples, args.turns)


def opened(path: str, names: list[str], root: str, labels_only: bool) -> CocoPoseDataset:
    steps = [LoadImage(), CropBox(input_size=CROP), Warp(size=CROP)]
    meta = KeypointMeta("costs", names)
    return CocoPoseDataset(path, "", meta, steps, root=root, labels_only=labels_only)


def run_labels(count: int, turns: int, before: Path | None, processes: int) -> None:
    here = Path(__file__).resolve().parents[2]
    checkouts = {"before": before, "now": here} if before else {"now": here}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels.json")
        draw_labels(path, count)
        for _ in range(turns):
            for told, checkout in checkouts.items():
                print(f"{told}: ", end="", flush=True)
                verbs = [["read", str(path)], ["together", str(path), str(processes)]]
                known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
                searched = os.pathsep.join([str(checkout), *known])
                for verb in verbs:
                    command = [sys.executable, __file__, *verb]
                    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": searched})


def draw_labels(path: Path, count: int) -> None:
    """Written an entry at a time, so that a million fit into memory."""
    draw = random.Random(0).uniform
    images = [{"id": i + 1, "file_name": f"{i}.jpg", "width": 640, "height": 480}
              for i in range(count)]  # fmt: skip
    categories = [{"id": 1, "name": "a", "keypoints": NAMES}]
    with path.open("w") as file:
        file.write(f'{{"images": {json.dumps(images)}, "annotations": [')
        for number in range(1, count + 1):
            file.write((", " if number > 1 else "") + json.dumps(drawn_animal(number, draw)))
        file.write(f'], "categories": {json.dumps(categories)}}}')


def drawn_animal(number: int, draw: Callable[[float, float], float]) -> dict:
    box = [draw(50, 300), draw(50, 200), draw(100, 250), draw(100, 200)]
    points = [(box[0] + draw(0, 1) * box[2], box[1] + draw(0, 1) * box[3]) for _ in NAMES]
    return {
        "id": number, "image_id": number, "category_id": 1, "bbox": box, "iscrowd": 0,
        "area": box[2] * box[3], "num_keypoints": 17,
        "keypoints": [value for x, y in points for value in (round(x, 2), round(y, 2), 2)],
    }  # fmt: skip


def read_labels(path: str) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew, here
    before = memory("status", "VmRSS")
    start = time.process_time()
    data = opened(path, NAMES, "", True)
    read = time.process_time() - start
    peak, kept = memory("status", "VmHWM") - before, memory("status", "VmRSS") - before
    print(f"{len(data)} animals: {read / len(data) * 1e6:.0f} us each, {read:.2f} CPU-s in all")
    print(
        f"  memory: {peak:.0f} MB at most, {kept:.0f} MB kept, beside the {before:.0f} of imports"
    )
    own = [private_of_worker(data) for _ in range(2)]
    print(f"  two loader workers: {own[0]:.0f} and {own[1]:.0f} MB of their own")
    if len(data) <= MOST_OBJECTS:
        start = time.process_time()
        data.coco()
        made = (time.process_time() - start) / len(data)
        print(f"  coco(): {made * 1e6:.0f} us an animal")


def read_together(path: str, count: int) -> None:
    """In `count` processes that seem to be started by torchrun; memory that several share counts
    for each of them by its part.
    """
    os.environ |= {"WORLD_SIZE": str(count), "MASTER_PORT": "0"}
    context = multiprocessing.get_context("fork")
    ready, told = context.Barrier(count), context.SimpleQueue()

    def work() -> None:
        ready.wait()
        before = memory("smaps_rollup", "Pss")
        ready.wait()
        start = time.process_time()
        data = opened(path, NAMES, "", True)
        seconds = time.process_time() - start
        ready.wait()
        told.put((seconds, memory("smaps_rollup", "Pss") - before))
        ready.wait()
        del data

    workers = [context.Process(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds, own = (sum(part) for part in zip(*(told.get() for _ in workers), strict=True))
    print(f"  {count} processes of a run: {seconds:.2f} CPU-s and {own:.0f} MB, all together")
    os.environ["WORLD_SIZE"] = "1"
    data = opened(path, NAMES, "", True)
    start = time.process_time()
    sent = ForkingPickler.dumps(data)
    again = ForkingPickler.dumps(data)
    del again
    seconds = time.process_time() - start
    print(f"  sent to two spawned workers: {len(sent) / 1e6:.1f} MB each, {seconds:.2f} CPU-s")


def private_of_worker(data: CocoPoseDataset) -> float:
    """MB that a forked process no longer shares, once it has seen every animal."""
    ours, theirs = multiprocessing.Pipe()

    def work() -> None:
        for index in range(len(data)):
            data.record(index, 0)
        theirs.send(sum(memory("smaps_rollup", f"Private_{kind}") for kind in ("Clean", "Dirty")))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    found = ours.recv()
    process.join()
    return found


def memory(file: str, key: str) -> float:
    """MB, as Linux counts them for this process."""
    return int(re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self", file).read_text())[1]) / 1024


def run_workers(root: Path, ann_file: str, samples: int, turns: int) -> None:
    names = json.loads((root / ann_file).read_text())["categories"][0]["keypoints"]
    keep = loader.keep_freed_memory
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(turns):
        for kept in times:
            loader.keep_freed_memory = keep if kept else lambda: None
            times[kept].append(
                seconds_of_worker(opened(ann_file, names, str(root), False), samples)
            )
    for kept, found in times.items():
        told = "with" if kept else "without"
        print(f"{told}: {statistics.median(found) / samples * 1e3:.1f} CPU-ms a sample")


def seconds_of_worker(data: CocoPoseDataset, samples: int) -> float:
    """CPU-seconds of one worker that loads `samples`, the animals again and again."""
    real, record = len(data), data.record

    class Again(CocoPoseDataset):
        def __len__(self) -> int:
            return samples

        def record(self, index: int, epoch: int) -> dict:
            return record(index % real, epoch)

    data.__class__ = Again
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    batches = loader.make_loader(data, 64, 1, False, False)
    for _ in batches:
        pass
    del batches
    gc.collect()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
