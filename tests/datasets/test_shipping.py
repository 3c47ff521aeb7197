import os

import pytest
import torch

from hrpose.datasets import make_loader, shipping
from hrpose.datasets.synthetic import SyntheticAnimals
from hrpose.datasets.transforms import CropBox, LoadImage, Warp
from hrpose.keypoints import KeypointMeta


def batches(workers):
    pipeline = [LoadImage(), CropBox((32, 32)), Warp((32, 32))]
    dataset = SyntheticAnimals(30, 0, KeypointMeta("two", ["Nose", "Eye"]), pipeline)
    return list(make_loader(dataset, 2, workers, False, False, timeout=60))


@pytest.mark.parametrize("opens", [True, False])
def test_batches_arrive_as_they_were_and_stay_so(monkeypatch, opens):
    """Fifteen are held to the end: more than a worker keeps memory for."""
    monkeypatch.setattr(shipping, "_parent_sees_us", lambda: opens)
    for ours, theirs in zip(batches(2), batches(0), strict=True):
        assert ours.keys() == theirs.keys()
        assert ours.pop("bad") == theirs.pop("bad") == []
        for key, value in theirs.items():
            assert torch.equal(ours[key], value) and ours[key].dtype == value.dtype
            assert ours[key].stride() == value.stride()


def test_another_file_behind_a_descriptor_is_refused(tmp_path):
    """As after the worker has closed it and opened another: never the pixels of that."""
    with (tmp_path / "other").open("w+b") as other:
        other.truncate(8)
        number, file = other.fileno(), os.fstat(other.fileno()).st_ino
        assert len(shipping._open_storage(os.getpid(), number, file, 8)) == 8
        with pytest.raises(RuntimeError, match="has given up a batch too early"):
            shipping._open_storage(os.getpid(), number, file + 1, 8)


def test_memory_is_given_up_in_the_order_of_the_batches():
    shipping._sent.clear()
    for number in range(shipping.IN_FLIGHT + 1):
        shipping.Parcel({"index": torch.tensor([number]), "bad": []}).__reduce__()
    assert len(shipping._sent) == shipping.IN_FLIGHT
    shipping._sent.clear()
