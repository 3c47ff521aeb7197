import torch

from hrpose.processes import distributed
from hrpose.rundir.meter import Meter


def test_losses_from_before_a_resume_are_not_averaged_again(monkeypatch):
    """They are means over the processes; their mean over eight would round them anew."""
    monkeypatch.setattr(distributed, "mean", lambda losses: losses + 0.5)
    meter = Meter()
    assert meter.losses().shape == (0,)
    meter.reset(torch.tensor([1.0, 2.0]))
    assert meter.losses().tolist() == [1, 2]
    meter.add(torch.tensor(3.0), images=4)
    assert meter.losses().tolist() == [1, 2, 3.5]
    meter.reset()
    meter.add(torch.tensor(4.0), images=4)
    assert meter.losses().tolist() == [4.5]
