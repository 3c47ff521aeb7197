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


@pytest.mark.parametrize("always", [True, False])
def test_memory_is_asked_for_until_a_hundred_steps_went_well(monkeypatch, always):
    """Then the first that runs short ends the run: the others do not wait for its answer."""
    asked = []
    monkeypatch.setattr(memory, "DistributedDataParallel", Shared)
    monkeypatch.setattr(memory.distributed, "largest", lambda value: asked.append(value) or value)
    network = Shared(nn.BatchNorm2d(3))
    batch = {name: torch.zeros(4, 3, 1, 1) for name in ("images", "keypoints", "visible")}
    guard = Memory(network, BatchStatistics(network), Progress(), RunLog(None), 1 if always else 10)

    def gradients(parts):
        list(parts)
        return torch.zeros(())

    def short(parts):
        parts_here.append(len(list(parts)))
        if len(parts_here) == 1:
            raise torch.OutOfMemoryError("no room")
        return torch.zeros(())

    for _ in range(120):
        guard.run(gradients, [batch])
    assert len(asked) == (122 if always else 102)  # two rehearsals among them
    parts_here = []
    if always:
        guard.run(short, [batch])
        assert parts_here[:2] == [1, 2]
    else:
        with pytest.raises(RunError, match=r"process 0 ran out of memory \(no room\).*--resume"):
            guard.run(short, [batch])
        assert len(asked) == 102
