"""Memory that runs out: the gradients of a step once more, in smaller parts of its batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from hrpose.engine.steps import BatchStatistics
from hrpose.errors import RunError
from hrpose.processes import distributed
from hrpose.rundir.generators import generator_states, set_generator_states
from hrpose.rundir.log import RunLog
from hrpose.rundir.state import Progress

_SHORT = re.compile(r"out of memory|ALLOC_FAILED|not enough memory|can't allocate memory", re.I)
_TRUSTED = 100
"""Steps that went well at one size, after which memory may be taken to be enough."""
_REHEARSALS = 2
"""Passes through the first step of several processes before the one that counts."""


@dataclass(frozen=True)
class MicroBatch:
    """What goes through the network at once: a batch, or a part of one, on the CPU."""

    images: Tensor
    keypoints: Tensor
    visible: Tensor
    divisor: float
    """Of its loss, so that the parts of a step add up to the mean over its animals."""
    context: AbstractContextManager
    """Around its forward and backward pass: says whether processes exchange gradients."""

    def to(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Images, keypoints and visible on `device`."""
        tensors = (self.images, self.keypoints, self.visible)
        images, keypoints, visible = (t.to(device, non_blocking=True) for t in tensors)
        return images, keypoints, visible


class Memory:
    """Cuts batches into `progress.micro_batches` parts, and doubles that when memory runs out.

    Several processes agree before each exchange of gradients that all had enough memory for what
    came before it, so that none waits for one that has not. The first step at each size is
    rehearsed twice: without an exchange, which needs most of the memory that there is to need; then
    with it, after which DistributedDataParallel chooses its final order. So all steps that count
    add gradients in one order, the first of a resumed run too.

    Args:
        network: what the training step calls; perhaps a DistributedDataParallel.
        statistics: of the batch norm in it; an attempt that failed leaves none behind.
        agree_steps: of the page. Where it is 1, several processes agree in every step; else only in
            the first `_TRUSTED` at each size: where memory runs out later, the run ends.
    """

    def __init__(
        self,
        network: nn.Module,
        statistics: BatchStatistics,
        progress: Progress,
        log: RunLog,
        agree_steps: int = 1,
    ) -> None:
        self._statistics, self._progress, self._log = statistics, progress, log
        self._shared = network if isinstance(network, DistributedDataParallel) else None
        self._always_ask = agree_steps == 1
        self._passes = 0  # that went well at this size, rehearsals among them
        # the part at hand: in its forward pass buckets are made anew, and exchanged; in its
        # backward pass gradients are
        self._rebuild = self._exchange = False
        self._asked = self._begun = False  # this attempt: `_some_failed` was asked; exchange begun
        self._generators: dict[str, Any] = {}
        if self._shared is not None:
            self._shared.register_forward_pre_hook(self._before_forward)
            self._shared.module.register_forward_hook(self._before_exchange)
        # its statistics are exchanged in the forward pass: a process that fails there leaves the
        # others waiting, so they cannot agree on smaller parts
        self._synced = any(isinstance(m, nn.SyncBatchNorm) for m in network.modules())

    def run(
        self, gradients: Callable[[Iterator[MicroBatch]], Tensor], batches: list[dict[str, Any]]
    ) -> Tensor:
        """`gradients` of `batches` in as many parts as memory asks for; returns what it returns.

        Raises:
            RunError: memory is too short for one animal, or ran out where processes cannot agree.
        """
        animals = max(len(batch["images"]) for batch in batches)
        while True:
            self._statistics.remember()
            failure = ""
            try:
                result = gradients(self._parts(batches))
            except ValueError as error:
                if self._progress.micro_batches > 1 and "than 1 value per channel" in str(error):
                    raise RunError(
                        "out of memory with two animals in the network, and one alone leaves a "
                        "batch norm a single value, which has no variance; choose a larger "
                        "codec.input_size and a narrower model, set runner.batch_norm='frozen', "
                        "or free the device"
                    ) from error
                raise
            except RuntimeError as error:
                failure = out_of_memory(error)
                if not failure:
                    raise
            # the error is gone here, with it its traceback, and with that the graph of the attempt
            if not self._again(failure, animals):
                return result
            self._statistics.put_back_where(torch.tensor(True))

    def _parts(self, batches: list[dict[str, Any]]) -> Iterator[MicroBatch]:
        count = self._progress.micro_batches
        self._asked = self._begun = False
        if self._shared is not None and self._passes < _REHEARSALS:
            self._generators = generator_states()
        for number, batch in enumerate(batches, start=1):
            tensors = (batch[name].chunk(count) for name in ("images", "keypoints", "visible"))
            chunks = list(zip(*tensors, strict=True))
            for place, (images, keypoints, visible) in enumerate(chunks, start=1):
                last = number == len(batches) and place == len(chunks)
                self._rebuild = self._passes == _REHEARSALS and number == place == 1
                self._exchange = self._shared is not None and self._passes > 0 and last
                divisor = len(batches) * len(batch["images"]) / max(1, len(images))
                local = self._shared is not None and not self._exchange
                context = self._shared.no_sync() if self._shared and local else nullcontext()
                yield MicroBatch(images, keypoints, visible, divisor, context)

    def _before_forward(self, *_: object) -> None:
        """OutOfMemoryError if the forward pass exchanges something, and a process is not there."""
        if self._rebuild:
            self._go_together()
            self._asked = False

    def _before_exchange(self, *_: object) -> None:
        """The same for the backward pass, before DistributedDataParallel begins to expect it."""
        if self._exchange:
            self._go_together()
            self._begun = True

    @property
    def _trusts(self) -> bool:
        """Whether the other processes are not asked any more."""
        return not self._always_ask and self._passes >= _TRUSTED + _REHEARSALS

    def _go_together(self) -> None:
        if not self._trusts and self._some_failed(False):
            raise torch.OutOfMemoryError("in another process")

    def _some_failed(self, here: bool) -> bool:
        """Whether memory ran out in any process; where it did, this attempt is over for all."""
        self._asked = True
        return bool(distributed.largest(int(here)))

    def _again(self, failure: str, animals: int) -> bool:
        """Whether an attempt is to be made once more: it failed, or was a rehearsal.

        Args:
            failure: the message of an out-of-memory error; empty if there was none.
            animals: size of the largest batch.
        """
        if failure and self._shared is not None and (self._synced or self._begun or self._trusts):
            raise RunError(
                f"process {distributed.rank()} ran out of memory ({failure}); go on with --resume, "
                "a smaller data.batch_size and a larger runner.accumulate"
            )
        failed = bool(failure)
        if self._shared is not None and not self._asked and not self._trusts:
            failed = self._some_failed(failed)
        if failed:
            self._halve(failure, animals)
            return True
        self._passes += 1
        rehearsal = self._shared is not None and self._passes <= _REHEARSALS
        if rehearsal:
            set_generator_states(self._generators)
        return rehearsal

    def _halve(self, failure: str, animals: int) -> None:
        """From here on twice as many parts; RunError where one animal is too much already."""
        progress = self._progress
        if progress.micro_batches >= distributed.largest(animals):
            raise RunError(
                f"out of memory with a single animal in the network ({failure}); choose a smaller "
                "codec.input_size or a narrower model, or free the device"
            )
        progress.micro_batches *= 2
        self._passes = 0
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        self._log.warning(
            f"out of memory ({failure or 'in another process'}): from here on every batch goes "
            f"through the network in {progress.micro_batches} parts, their gradients added up; the "
            "batch of a step is the same, BatchNorm sees the parts"
        )


def out_of_memory(error: RuntimeError) -> str:
    """The first line of `error` if it says that memory ran out, as torch says it in many ways."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return first if isinstance(error, torch.OutOfMemoryError) or _SHORT.search(first) else ""


@contextmanager
def advice_if_short(where: str, advice: str) -> Iterator[None]:
    """RunError with `advice` where memory runs out inside: `where` says at what."""
    try:
        yield
    except RuntimeError as error:
        if not (short := out_of_memory(error)):
            raise
        raise RunError(f"out of memory {where} ({short}); {advice}") from error
