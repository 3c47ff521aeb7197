import torch

from hrpose.processes import distributed
from hrpose.rundir.losses import Losses


def test_losses_from_before_a_resume_are_not_averaged_again(monkeypatch):
    """They are means over the processes; their mean over eight would round them anew."""
    monkeypatch.setattr(distributed, "mean", lambda losses: losses + 0.5)
    losses = Losses()
    assert losses.values().shape == (0,)
    losses.begin(torch.tensor([1.0, 2.0]))
    assert losses.values().tolist() == [1, 2]
    losses.add(torch.tensor(3.0))
    assert losses.values().tolist() == [1, 2, 3.5]
    losses.begin()
    losses.add(torch.tensor(4.0))
    assert losses.values().tolist() == [4.5]
