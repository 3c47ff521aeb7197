"""Batches: which samples, in which order, on which process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.process import BaseProcess
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from hrpose.datasets.base import PoseDataset
from hrpose.datasets.batch import collate
from hrpose.datasets.shipping import Collate
from hrpose.datasets.worker_errors import end_on_lost_batches, with_advice
from hrpose.errors import LoaderError
from hrpose.processes.device import keep_freed_memory

Key = tuple[int, int]


class EpochSampler:
    """Batches of (epoch, index); the order is a function of (`seed`, epoch) alone.

    All processes share the batches of one process with `batch_size` * `world_size`: each takes an
    even part, one behind the other in the order of the ranks. So every index is seen once, and a
    last batch that is not full is shared out too; without `drop_last` and with `shuffle`, it is
    left out if it has fewer animals than there are processes, for each must have its part in a
    training step.

    Args:
        batch_size: of each process.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: must be at least 1")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank}: must be from 0 to below world_size {world_size}")
        self.length, self.batch_size, self.shuffle, self.seed = length, batch_size, shuffle, seed
        self.rank, self.world_size, self.drop_last = rank, world_size, drop_last
        self.epoch = 0
        self.start_batch = 0

    def set_epoch(self, epoch: int, start_batch: int = 0) -> None:
        """Choose the epoch of the next pass, and how many of its batches are done already."""
        self.epoch, self.start_batch = epoch, start_batch

    def __len__(self) -> int:
        """Batches of a whole epoch on this rank."""
        total = self.batch_size * self.world_size
        full, rest = divmod(self.length, total)
        return full + bool(self._has_part(rest))

    def sizes(self) -> set[int]:
        """How many animals this rank's batches of an epoch have: at most two numbers."""
        full, rest = divmod(self.length, self.batch_size * self.world_size)
        part = rest // self.world_size + (self.rank < rest % self.world_size)
        return ({self.batch_size} if full else set()) | ({part} if self._has_part(rest) else set())

    def __iter__(self) -> Iterator[list[Key]]:
        """What remains of the epoch from `start_batch` on."""
        order = np.arange(self.length)
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(self.length)
        total = self.batch_size * self.world_size
        for batch in range(self.start_batch, len(self)):
            whole = order[batch * total : (batch + 1) * total]
            part = np.array_split(whole, self.world_size)[self.rank]
            yield [(self.epoch, int(index)) for index in part]

    def _has_part(self, rest: int) -> bool:
        """Whether this rank takes part in a last batch of `rest` animals."""
        if self.drop_last or (self.shuffle and rest < self.world_size):
            return False
        return rest > self.rank


class PoseLoader(DataLoader):
    """A DataLoader of batches as `collate` makes them.

    A DataError in a worker arrives as one, the death of a worker as a LoaderError.
    """

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        batches = with_advice(super().__iter__, self.num_workers, self.timeout, self._processes)
        try:
            for batch in batches:
                if "error" in batch:
                    raise batch["error"]
                yield batch
        except LoaderError:
            # one that hangs or was stopped would be waited for, at the latest as this process ends
            for worker in self._processes():
                worker.kill()
            self._iterator = None
            raise

    def _processes(self) -> Sequence[BaseProcess]:
        return getattr(self._iterator, "_workers", ())


def make_loader(
    dataset: PoseDataset,
    batch_size: int,
    workers: int,
    shuffle: bool,
    drop_last: bool,
    seed: int = 0,
    rank: int = 0,
    world_size: int = 1,
    pin_memory: bool = False,
    timeout: float = 0,
) -> PoseLoader:
    """The loader of one process; its `batch_sampler` is an `EpochSampler`.

    Sets `dataset.seed` to `seed`. `batch_size` is that of this process. Workers stay alive between
    epochs and use one thread each; a batch that takes longer than `timeout` seconds is an error (0:
    never).
    """
    dataset.seed = seed
    sampler = EpochSampler(len(dataset), batch_size, shuffle, seed, rank, world_size, drop_last)
    return PoseLoader(
        dataset,  # type: ignore[arg-type]
        batch_sampler=sampler,
        num_workers=workers,
        collate_fn=Collate(collate),
        pin_memory=pin_memory,
        worker_init_fn=_start_worker,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
        generator=torch.Generator(),  # else each pass would move torch's own
        timeout=timeout if workers else 0,
    )


def _start_worker(worker: int) -> None:
    """One thread of work, with freed memory kept, for a decoded photograph takes megabytes; and a
    Ctrl-C or SIGTERM to all processes is the main one's to answer.
    """
    for name in ("SIGINT", "SIGBREAK"):  # the latter is Windows' Ctrl-Break
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # not on Windows and macOS
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_obey_parent, daemon=True).start()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    keep_freed_memory()
    end_on_lost_batches()


def _obey_parent() -> None:
    """End this worker at a SIGTERM of the main process, and of no other."""
    parent = multiprocessing.parent_process()
    while parent and signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent.pid:
        pass
    os._exit(0)
