import pytest
import torch

from hrpose.datasets import shipping
from hrpose.datasets.loader import make_loader
from hrpose.datasets.synthetic import SyntheticAnimals
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta


def batches(workers):
    pipeline = [LoadImage(), CropBox((32, 32)), Warp((32, 32))]
    dataset = SyntheticAnimals(30, 0, KeypointMeta("two", ["Nose", "Eye"]), pipeline)
    return list(make_loader(dataset, 2, workers, False, False, timeout=60))


@pytest.mark.parametrize("opens", [True, False])
def test_batches_arrive_as_they_were_and_stay_so(monkeypatch, opens):
    """Fifteen, held to the end."""
    monkeypatch.setattr(shipping, "_parent_sees_us", lambda: opens)
    for ours, theirs in zip(batches(2), batches(0), strict=True):
        assert ours.keys() == theirs.keys()
        assert ours.pop("bad") == theirs.pop("bad") == []
        for key, value in theirs.items():
            assert torch.equal(ours[key], value) and ours[key].dtype == value.dtype
            assert ours[key].stride() == value.stride()


def test_a_worker_keeps_what_has_not_arrived():
    shipping._sent.clear()
    first, second = (
        shipping.Parcel({"index": torch.tensor([number]), "bad": []}).__reduce__()
        for number in (5, 6)
    )
    assert [storage[0] for storage in shipping._sent] == [5, 6]
    build, arguments = second
    assert build(*arguments)["index"].tolist() == [6]
    shipping.let_go()
    assert len(shipping._sent) == 2, "they are let go in their order"
    build, arguments = first
    assert build(*arguments)["index"].tolist() == [5]
    shipping.Parcel({"index": torch.tensor([7]), "bad": []}).__reduce__()
    assert [storage[0] for storage in shipping._sent] == [7]
    shipping._sent.clear()
