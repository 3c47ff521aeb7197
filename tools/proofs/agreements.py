"""What several processes cost one another, on this machine: the agreement of a step, and a step's
exchange of gradients in fp32 and in bf16. Two processes over gloo and the loopback device.

python tools/proofs/agreements.py --width 32
"""

import argparse
import os
import socket
import statistics
import time
from collections.abc import Callable

import torch
from torch import multiprocessing

from hrpose.models import HRNet
from hrpose.processes import distributed
from hrpose.processes.sharing import crowded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=32, help="of HRNet, whose gradients go")
    parser.add_argument("--repeats", type=int, default=7, help="runs that count")
    parser.add_argument("--calls", type=int, default=200, help="agreements of a run")
    args = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in HRNet(args.width).parameters())
    print(crowded() or f"{os.cpu_count()} cores, nobody else wants them")
    multiprocessing.spawn(process, (port, count, args.repeats, args.calls), nprocs=2)


def process(rank: int, port: str, count: int, repeats: int, calls: int) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    torch.set_num_threads(1)

    def agree() -> None:
        for _ in range(calls):
            distributed.largest(0)

    def exchange(gradients: torch.Tensor) -> Callable[[], None]:
        return lambda: torch.distributed.all_reduce(gradients)

    with distributed.processes(torch.device("cpu")):
        one = timed(agree, repeats)
        full = timed(exchange(torch.zeros(count)), repeats)
        half = timed(exchange(torch.zeros(count, dtype=torch.bfloat16)), repeats)
    if rank == 0:
        print(f"agreement: {told(one, 1e6 / calls, 'us')}")
        for name, size, found in (("fp32", 4, full), ("bf16", 2, half)):
            print(f"{count / 1e6:.1f} M gradients in {name}, {count * size / 1e6:.0f} MB: "
                  f"{told(found, 1e3, 'ms')}")  # fmt: skip


def timed(work: Callable[[], None], repeats: int) -> list[tuple[float, float]]:
    """Seconds, and CPU-seconds of this process, of each run; one before them is not counted."""
    found = []
    for _ in range(repeats + 1):
        distributed.largest(0)
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        found.append((time.perf_counter() - wall, time.process_time() - cpu))
    return found[1:]


def told(found: list[tuple[float, float]], scale: float, unit: str) -> str:
    wall, cpu = ([value * scale for value in values] for values in zip(*found, strict=True))
    spread = f"({min(wall):,.0f} to {max(wall):,.0f})"
    middle = statistics.median(cpu)
    return f"{statistics.median(wall):,.0f} {unit} {spread}, of CPU time {middle:,.0f} {unit}"


if __name__ == "__main__":
    main()
