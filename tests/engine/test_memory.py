import pytest
import torch
from torch import nn

from hrpose.engine import memory
from hrpose.engine.memory import Memory
from hrpose.engine.runner import in_steps
from hrpose.engine.steps import BatchStatistics
from hrpose.errors import RunError
from hrpose.rundir.log import RunLog
from hrpose.rundir.state import Progress


class Shared(nn.Module):
    """Stands in for a DistributedDataParallel."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def no_sync(self):
        return torch.no_grad()


def run(network, failures):
    """How many parts a step of four animals needs, if the first `failures` attempts fail."""
    batch = {name: torch.zeros(4, 3, 1, 1) for name in ("images", "keypoints", "visible")}
    attempts = []

    def gradients(parts):
        attempts.append(len(list(parts)))
        if len(attempts) <= failures:
            raise torch.OutOfMemoryError("no room")
        return torch.zeros(())

    Memory(network, BatchStatistics(network), Progress(), RunLog(None)).run(gradients, [batch])
    return attempts


def test_synchronised_batch_norm_cannot_try_again_in_parts(monkeypatch):
    """A process that fails in the forward pass would leave the others waiting for its sums."""
    monkeypatch.setattr(memory, "DistributedDataParallel", Shared)
    with pytest.raises(RunError, match=r"process 0 ran out of memory \(no room\).*batch_size"):
        run(Shared(nn.SyncBatchNorm(3)), failures=1)
    rehearsed_twice = [2, 2, 2]
    assert run(Shared(nn.BatchNorm2d(3)), failures=1) == [1, *rehearsed_twice]


def test_parts_are_halved_until_they_fit():
    assert run(nn.BatchNorm2d(3), failures=0) == [1]
    assert run(nn.BatchNorm2d(3), failures=2) == [1, 2, 4]
    with pytest.raises(RunError, match="single animal in the network"):
        run(nn.BatchNorm2d(3), failures=3)


def test_batches_in_steps():
    assert list(in_steps([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
