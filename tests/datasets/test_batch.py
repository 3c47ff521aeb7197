import numpy as np
import torch

from hrpose.datasets import batch as module
from hrpose.datasets.batch import Samples, collate
from hrpose.datasets.photometric import Photometric


def test_collate(toy, meta, test_steps):
    data = toy.open(meta, test_steps)
    batch = collate([data[3], data[1]])
    assert batch["images"].shape == (2, 3, 64, 64)
    assert batch["images"].dtype == torch.uint8
    assert batch["images"].is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(batch["images"][1].permute(1, 2, 0).numpy(), data[1]["image"])
    assert batch["keypoints"].shape == (2, 4, 2)
    assert batch["visible"].shape == (2, 4)
    assert batch["keypoints"].dtype == batch["visible"].dtype == torch.float32
    assert batch["matrix"].shape == (2, 2, 3)
    assert batch["matrix"].dtype == torch.float64
    assert batch["index"].tolist() == [3, 1]
    assert batch["bad"] == []


def test_crops_are_cut_into_the_batch(toy, meta, train_steps):
    """No copy is made, and the batch is the one of single samples."""
    data = toy.open(meta, train_steps)
    keys = [(1, 3), (1, 0), (1, 5)]
    samples = data.__getitems__(keys)
    batch = collate(samples)
    assert batch["images"].data_ptr() == samples.images.data_ptr()
    single = collate([data[key] for key in keys])
    assert torch.equal(batch["images"], single["images"])
    assert batch["images"].stride() == single["images"].stride()


def test_crops_that_are_changed_afterwards_are_copied(toy, meta, train_steps):
    data = toy.open(meta, [*train_steps, Photometric(0.5)])
    keys = [(0, index) for index in range(6)]
    samples = data.__getitems__(keys)
    assert (
        len({sample["image"] is row for sample, row in zip(samples, samples.rows, strict=True)})
        == 2
    )
    batch = collate(samples)
    assert torch.equal(batch["images"], collate([data[key] for key in keys])["images"])


def test_a_batch_with_a_gap_is_closed_up(toy, meta, test_steps):
    data = toy.open(meta, test_steps, on_bad_image="skip")
    (toy.root / "images" / "1.jpg").unlink()
    batch = collate(data.__getitems__([(0, 0), (0, 1), (0, 2)]))
    assert batch["index"].tolist() == [0, 2]
    assert torch.equal(batch["images"], collate([data[0], data[2]])["images"])


def test_a_worker_cuts_into_shared_memory(monkeypatch):
    assert not Samples(2, (6, 4)).images.is_shared()
    monkeypatch.setattr(module, "get_worker_info", lambda: "a worker")
    samples = Samples(2, (6, 4))
    assert samples.images.is_shared()
    assert samples.images.shape == (2, 4, 6, 3)
    samples.rows[1][:] = 7
    assert samples.images[1].eq(7).all()
    assert torch.is_tensor(Samples(0, (6, 4)).images)
