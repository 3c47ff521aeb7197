"""One process by default, several under `torchrun` (NCCL on GPUs, gloo on CPUs)."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from hrpose.errors import DataError, LoaderError, RunError

Item = TypeVar("Item")
Result = TypeVar("Result")
_prompt: list[Any] = []
_patient: list[Any] = []
_LOST = (
    r"onnection (closed|reset|refused)|roken pipe|remote process exited|RemoteError|watchdog"
    r"|imed out waiting"
)
"""What gloo and NCCL say where another process is gone, or does not answer."""
_MEETING = 300.0
"""Seconds in which all processes of a run must have come; one may have been stopped as it began."""
_LEAVING = 10.0
"""Seconds in which the process group must be left."""


def rank() -> int:
    """The number of this process, 0 .. world_size() - 1."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes take part."""
    return dist.get_world_size() if dist.is_initialized() else 1


@dataclass(frozen=True)
class Launched:
    """How this process was started: alone, or by torchrun as one of several."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process keeps the run directory: lock, log, checkpoints."""
        return self.rank == 0


_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def launched() -> Launched:
    """What torchrun says in the environment; before the processes have found one another too.

    Raises:
        RunError: the variables contradict one another, as a leftover RANK does.
    """
    given = {name: os.environ.get(name, "") for name in _VARIABLES}
    if not (given["RANK"] or given["WORLD_SIZE"] or given["LOCAL_RANK"]):
        return Launched()
    numbers = [_number(given[name]) for name in _VARIABLES if name != "MASTER_ADDR"]
    rank, world, local, local_world, port = numbers
    alone = world == 1
    if (
        not 0 <= rank < world
        or not max(0, local) < (local_world if given["LOCAL_WORLD_SIZE"] else world)
        or (given["LOCAL_RANK"] and local < 0)
        or not (alone or (given["MASTER_ADDR"] and 0 < port < 2**16))
    ):
        told = ", ".join(f"{name}={value or '(not set)'}" for name, value in given.items())
        raise RunError(
            f"the environment describes no process of a run: {told}; start several processes with "
            "tools/dist_train.sh or torchrun, and unset these variables for a single one"
        )
    return Launched(rank, world, max(0, local), max(1, local_world))


def _number(text: str) -> int:
    """A whole number from 0 on, of nine digits at most; -1 for all else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


@contextmanager
def processes(device: torch.device) -> Iterator[None]:
    """Join the process group that `torchrun` describes in the environment, and leave at the end."""
    if launched().world_size == 1:
        yield
        return
    try:
        _join("nccl" if device.type == "cuda" else "gloo")
        # what is on the CPU anyway is exchanged there: nobody waits for a GPU, and a process that
        # died is noticed at once, though not one that hangs: hence half an hour where all should be
        # quick, and a day where one may look through a data set, score it or download while the
        # others wait
        _prompt[:] = [dist.new_group(backend="gloo", timeout=timedelta(minutes=30))]
        _patient[:] = [dist.new_group(backend="gloo", timeout=timedelta(days=1))]
        yield
    except RuntimeError as error:
        if not (lost := re.search(_LOST, str(error))):
            raise
        what = "does not answer" if "imed out" in lost[0] else "has ended"
        raise RunError(
            f"process {rank()}: another process of this run {what}; its own message says why "
            f"(here: {str(error).strip().splitlines()[-1]})"
        ) from None
    finally:
        _prompt.clear()
        _patient.clear()
        _leave_group()


def _join(backend: str) -> None:
    """Join the process group; RunError where the processes do not find one another."""
    try:
        store = _meet()
        here, long = launched(), timedelta(minutes=30)
        dist.init_process_group(
            backend, store=store, rank=here.rank, world_size=here.world_size, timeout=long
        )
    except (dist.DistError, ValueError) as error:
        raise RunError(
            f"the processes of this run do not find one another ({str(error).splitlines()[0]}); "
            "start them with torchrun -m hrpose or tools/dist_train.sh"
        ) from error


def _meet() -> dist.Store:
    """What the processes find one another by, once all are there.

    Raises:
        RunError: some have not come in time.
        DistError: the first one cannot be reached.
    """
    store, rank, world = next(dist.rendezvous("env://", timeout=timedelta(seconds=_MEETING)))
    store.set(f"hrpose/{rank}", "here")
    end = time.monotonic() + _MEETING
    names = [f"hrpose/{number}" for number in range(world)]
    while not store.check(names):  # not `wait`, in which no Ctrl-C is heard
        if time.monotonic() > end:
            missing = [str(number) for number in range(world) if not store.check([names[number]])]
            raise RunError(
                f"process {rank}: of the {world} processes of this run number "
                f"{', '.join(missing[:8])}{' ...' if len(missing) > 8 else ''} did not come within "
                f"{_MEETING:g} s; its own message, if there is one, says why"
            )
        time.sleep(0.05)
    return store


def _leave_group() -> None:
    """Leave the process group; where others do not, NCCL might wait for them: not for ever."""
    if not dist.is_initialized():
        return
    leaving = threading.Thread(target=dist.destroy_process_group, daemon=True)
    leaving.start()
    leaving.join(_LEAVING)


def local_first(function: Callable[..., Result], *args: Any) -> Result:
    """Call `function` in the first process of each machine before the others: download once."""
    first = launched().local_rank == 0
    if dist.is_initialized() and not first:
        dist.barrier(group=_patient[0])
    result = function(*args)
    if dist.is_initialized() and first:
        dist.barrier(group=_patient[0])
    return result


def gather(value: Any) -> list[Any]:
    """`value` of every process, in rank order, on all of them."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value, group=_patient[0])
    return values


def broadcast(value: Any) -> Any:
    """Rank 0's `value`, on all processes."""
    if world_size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0, group=_patient[0])
    return box[0]


def largest(value: int) -> int:
    """The largest `value` of all processes."""
    if world_size() == 1:
        return value
    box = torch.tensor(value)
    dist.all_reduce(box, dist.ReduceOp.MAX, group=_prompt[0])
    return int(box)


def together(items: Iterable[Item]) -> Iterator[Item]:
    """`items`, as long as every process gets its own; each must have as many.

    Raises:
        DataError, LoaderError: of this process.
        LoaderError: another process met one; nobody has got the items of that round.
    """
    iterator = iter(items)
    while True:
        error: DataError | LoaderError | None = None
        try:
            item = next(iterator)
        except StopIteration:
            return
        except (DataError, LoaderError) as own:
            error = own
        if largest(int(error is not None)):
            told = gather(f"{type(error).__name__}: {error}" if error else "")
            if error:
                raise error
            number = next(number for number, text in enumerate(told) if text)
            raise LoaderError(
                f"process {number} gets no batch ({told[number]}); this process stops with it"
            )
        yield item


def mean(value: torch.Tensor) -> torch.Tensor:
    """Mean of a tensor over the processes."""
    if world_size() > 1 and value.numel():
        value = value.clone()
        dist.all_reduce(value)
        value /= world_size()
    return value
