import gc
import weakref

import torch

from hrpose.rundir.state import host_copy


def test_a_copy_holds_its_moment_and_what_is_there_twice_once():
    weight = torch.ones(2, 3, 2, 2).to(memory_format=torch.channels_last)
    state = {"state_dict": {"w": weight}, "rest": [(1, "a"), {"step": torch.zeros(())}, None]}
    copy, best = host_copy((state, {"w": weight.detach()}))
    weight.zero_()
    assert torch.equal(copy["state_dict"]["w"], torch.ones(2, 3, 2, 2))
    assert copy["state_dict"]["w"].stride() == weight.stride()
    assert best["w"] is copy["state_dict"]["w"]
    assert copy["rest"][0] == (1, "a") and copy["rest"][2] is None


def test_a_copy_goes_when_it_is_let_go():
    """Not when the garbage collector comes by: it is as large as the run's state."""
    gc.disable()
    try:
        copy = host_copy({"w": torch.ones(9)})
        seen = weakref.ref(copy["w"])
        del copy
        assert seen() is None
    finally:
        gc.enable()
