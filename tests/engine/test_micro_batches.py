import pytest
from torch import nn

from hrpose.engine import micro_batches
from hrpose.engine.micro_batches import MicroBatches, in_steps
from hrpose.errors import RunError
from hrpose.rundir.log import RunLog
from hrpose.rundir.state import Progress


class Shared(nn.Module):
    """Stands in for a DistributedDataParallel."""

    def __init__(self, module):
        super().__init__()
        self.module = module


def test_synchronised_batch_norm_cannot_try_again_in_parts(monkeypatch):
    """A process that fails in the forward pass would leave the others waiting for its sums."""
    monkeypatch.setattr(micro_batches, "DistributedDataParallel", Shared)
    network = Shared(nn.SyncBatchNorm(3))
    parts = MicroBatches(network, Progress(), RunLog(None))
    with pytest.raises(RunError, match=r"process 0 ran out of memory \(no room\).*batch_size"):
        parts.again("no room", 4)
    local = MicroBatches(Shared(nn.BatchNorm2d(3)), Progress(), RunLog(None))
    assert local.again("no room", 4)


def test_batches_in_steps():
    assert list(in_steps([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
