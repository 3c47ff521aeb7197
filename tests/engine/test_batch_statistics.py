"""Batch norm's buffers survive a step that went wrong."""

import tiny
import torch
from torch import nn

from hrpose.engine.steps import BatchStatistics


def pair() -> nn.Sequential:
    """Two batch norms over 2 and 1 channels, with statistics of their own."""
    model = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1), nn.BatchNorm2d(1))
    model[0].running_mean.copy_(torch.tensor([1.0, 2.0]))
    model[2].running_var.fill_(5.0)
    model[2].num_batches_tracked.fill_(7)
    return model


def statistics(model: nn.Sequential) -> list[list[float] | int]:
    return [buffer.tolist() for buffer in model.buffers()]


BEFORE = [[1.0, 2.0], [1.0, 1.0], 0, [0.0], [5.0], 7]


def test_a_bad_step_is_undone_and_a_good_one_stays():
    model = pair()
    guard = BatchStatistics(model)
    guard.remember()
    model(torch.full((1, 2, 2, 2), torch.nan))
    assert model[0].running_mean.isnan().all()
    guard.put_back_where(torch.tensor(True))
    assert statistics(model) == BEFORE
    images = torch.tensor([3.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 2, 2)
    model(images)
    after = statistics(model)
    guard.put_back_where(torch.tensor(False))
    assert statistics(model) == after
    # a tenth of the way from 1 to 3 and from 2 to -1; the variance of equal values is 0
    torch.testing.assert_close(torch.tensor(after[0]), torch.tensor([1.2, 1.7]))
    torch.testing.assert_close(torch.tensor(after[1]), torch.tensor([0.9, 0.9]))
    assert after[2] == 1 and after[5] == 8


def test_keep_moves_the_point_of_return():
    model = pair()
    guard = BatchStatistics(model)
    model(torch.ones(1, 2, 2, 2))
    later = statistics(model)
    guard.remember()
    model(torch.full((1, 2, 2, 2), torch.inf))
    guard.put_back_where(torch.tensor(True))
    assert statistics(model) == later


def test_the_host_reads_nothing():
    """Tensors on the meta device have no values: any look at one is an error."""
    model = tiny.model().to("meta")
    guard = BatchStatistics(model)
    guard.remember()
    guard.put_back_where(torch.zeros((), dtype=torch.bool, device="meta"))
    guard.put_back_where(torch.tensor(True))  # known to the host; the model is on another device


def test_a_whole_model_with_state_loaded_in_between():
    model, other = tiny.model(seed=0).train(), tiny.model(seed=1).train()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    other(images)
    guard = BatchStatistics(model)
    model.load_state_dict(other.state_dict())
    guard.remember()
    model(images.float().fill_(torch.nan))
    assert not tiny.same(model.state_dict(), other.state_dict())
    guard.put_back_where(torch.tensor(True))
    assert tiny.same(model.state_dict(), other.state_dict())


def test_a_model_without_batch_norm_needs_no_guard():
    guard = BatchStatistics(
        nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False))
    )
    guard.remember()
    guard.put_back_where(torch.tensor(True))
