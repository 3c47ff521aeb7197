"""Batches on their way from a loader worker to the main process, in shared memory.

torch has the receiver ask the worker for each file descriptor, through a socket: who asks a worker
that was stopped waits for ever, whatever the timeout, and four of five questions are for a few
bytes. Here the receiver opens the memory by the worker's number and the descriptor's in `/proc`,
which asks nobody, and takes the file's permissions away, by which the worker sees that it has
arrived. Where there is no `/proc` (macOS, Windows), torch's way is taken.
"""

from __future__ import annotations

import multiprocessing
import os
import stat
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import get_worker_info

_ARRIVED = 0
"""The mode of a file that was received."""
_sent: deque[torch.UntypedStorage] = deque()
"""In a worker: memory on its way, in the order in which it arrives."""


@dataclass(frozen=True)
class Collate:
    """`function`, a collate function; in a worker its tensors go the way described above."""

    function: Callable[[Sequence[Any]], dict[str, Any]]

    def __call__(self, samples: Sequence[Any]) -> Any:
        """The batch of `samples`; in a worker as a Parcel, which is a batch where it arrives."""
        batch = self.function(samples)
        return Parcel(batch) if get_worker_info() and _parent_sees_us() else batch


class Parcel:
    """A batch that arrives, unpickled in the main process, as the dict that it holds."""

    def __init__(self, batch: dict[str, Any]) -> None:
        let_go()
        self._batch = batch

    def __reduce__(self) -> tuple[Any, ...]:
        plain, shared = dict(self._batch), {}
        for key, value in self._batch.items():
            if isinstance(value, torch.Tensor) and value.numel():
                del plain[key]
                storage = value.untyped_storage()
                place = storage._share_fd_cpu_()  # descriptor and size in bytes
                _sent.append(storage)
                layout = value.storage_offset(), value.shape, value.stride()
                shared[key] = place, value.dtype, layout
        return _open, (os.getpid(), plain, shared)


def let_go() -> None:
    """In a worker: give up memory that has arrived; what is made next finds it in the cache."""
    while _sent:
        descriptor, _ = _sent[0]._share_fd_cpu_()
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != _ARRIVED:
            return
        _sent.popleft()


def _parent_sees_us() -> bool:
    """Whether the main process may open the files that this worker has open.

    What the worker may do with the main one's, that one may do with the worker's.
    """
    parent = multiprocessing.parent_process()
    return parent is not None and os.access(f"/proc/{parent.pid}/fd", os.R_OK | os.X_OK)


def _open(worker: int, plain: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """The batch whose tensors lie in the files that process `worker` has open."""
    batch = plain
    for key, (place, dtype, layout) in shared.items():
        storage = _open_storage(worker, *place)
        batch[key] = torch.empty(0, dtype=dtype).set_(storage, *layout)
    return batch


def _open_storage(worker: int, descriptor: int, size: int) -> torch.UntypedStorage:
    """The memory of `size` bytes behind `descriptor` of process `worker`.

    Raises:
        RuntimeError: the worker is gone, as torch says it.
    """
    try:
        here = os.open(f"/proc/{worker}/fd/{descriptor}", os.O_RDWR)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise RuntimeError(f"DataLoader worker (pid {worker}) exited unexpectedly") from error
    try:
        os.fchmod(here, _ARRIVED)
        return torch.UntypedStorage._new_shared_fd_cpu(here, size)  # type: ignore[attr-defined]
    finally:
        os.close(here)
