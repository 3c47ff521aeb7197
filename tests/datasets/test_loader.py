import itertools
import os
import pickle
import platform

import numpy as np
import pytest
import torch

from hrpose.datasets.loader import EpochSampler, make_loader
from hrpose.errors import DataError


def batches(sampler, epoch=0, start_batch=0):
    sampler.set_epoch(epoch, start_batch)
    return list(sampler)


def same(first, second):
    assert first.keys() == second.keys()
    for key, value in first.items():
        if torch.is_tensor(value):
            assert torch.equal(value, second[key]), key
            assert value.stride() == second[key].stride()
        else:
            assert value == second[key]


def test_order_by_hand():
    sampler = EpochSampler(7, 3)
    assert list(sampler) == [[(0, 0), (0, 1), (0, 2)], [(0, 3), (0, 4), (0, 5)], [(0, 6)]]
    assert len(sampler) == 3
    sampler = EpochSampler(7, 3, drop_last=True)
    assert [len(batch) for batch in sampler] == [3, 3]
    assert len(sampler) == 2
    assert batches(sampler, epoch=4)[0] == [(4, 0), (4, 1), (4, 2)]
    assert list(EpochSampler(0, 3)) == []


def test_shuffling_is_a_function_of_seed_and_epoch():
    first = batches(EpochSampler(50, 8, shuffle=True, seed=3), epoch=2)
    assert first == batches(EpochSampler(50, 8, shuffle=True, seed=3), epoch=2)
    assert first != batches(EpochSampler(50, 8, shuffle=True, seed=4), epoch=2)
    assert first != batches(EpochSampler(50, 8, shuffle=True, seed=3), epoch=1)
    assert sorted(index for _, index in itertools.chain(*first)) == list(range(50))


def smallest(length, batch_size, world_size=1, drop_last=False):
    """The fewest animals that a process gets in one training step; 0 where there is no step."""
    samplers = [
        EpochSampler(length, batch_size, True, 0, rank, world_size, drop_last)
        for rank in range(world_size)
    ]
    return min(itertools.chain(*(sampler.sizes() for sampler in samplers)), default=0)


def test_the_smallest_batch_by_hand():
    assert smallest(477, 32) == 29  # 14 * 32 + 29
    assert smallest(33, 32) == 1
    assert smallest(33, 32, drop_last=True) == 32
    assert smallest(64, 32) == 32
    assert smallest(1, 32) == 1
    assert smallest(5, 2, world_size=2) == 2  # one is left: fewer than processes
    assert smallest(6, 2, world_size=2) == 1  # two are left, one each
    assert smallest(3, 4, drop_last=True) == smallest(1, 4, world_size=2) == 0


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_sizes_are_those_of_the_batches(world, drop_last, shuffle):
    for length, batch_size in itertools.product(range(30), (1, 2, 5)):
        for rank in range(world):
            sampler = EpochSampler(length, batch_size, shuffle, 0, rank, world, drop_last)
            assert sampler.sizes() == {len(batch) for batch in sampler}


@pytest.mark.parametrize("length", [0, 1, 2, 5, 12, 13, 14, 24])
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_the_batches_of_one_process(length, world):
    """Batch s of all ranks, one behind the other, is batch s of one process."""
    for drop_last, shuffle in itertools.product([True, False], [True, False]):
        options = {"shuffle": shuffle, "seed": 1, "drop_last": drop_last}
        one = batches(EpochSampler(length, 4 * world, **options), epoch=1)
        samplers = [
            EpochSampler(length, 4, rank=rank, world_size=world, **options) for rank in range(world)
        ]
        parts = [batches(sampler, epoch=1) for sampler in samplers]
        assert [len(part) for part in parts] == [len(sampler) for sampler in samplers]
        together = [
            list(itertools.chain(*step)) for step in itertools.zip_longest(*parts, fillvalue=[])
        ]
        if shuffle:
            assert len({len(part) for part in parts}) == 1, "a rank would wait for ever"
            assert all(all(part) for part in parts)
            if one and len(one[-1]) < world:
                one.pop()
        assert together == one
        if not (shuffle or drop_last):
            assert [index for batch in together for _, index in batch] == list(range(length))


def test_resume_inside_an_epoch():
    sampler = EpochSampler(50, 8, shuffle=True)
    whole = batches(sampler, epoch=3)
    assert batches(sampler, epoch=3, start_batch=4) == whole[4:]
    assert len(sampler) == len(whole) == 7
    assert batches(sampler, epoch=3) == whole


def test_wrong_settings():
    with pytest.raises(ValueError, match="batch_size 0: must be"):
        EpochSampler(3, 0)
    with pytest.raises(ValueError, match="rank 2: must be from 0 to below world_size 2"):
        EpochSampler(3, 1, rank=2, world_size=2)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker:UserWarning")
def test_same_batches_for_any_number_of_workers(toy, meta, train_steps):
    """0, 1 and 4 workers, over two epochs, and again from the second batch on."""
    data = toy.open(meta, train_steps)
    runs = []
    for workers in (0, 1, 4):
        loader = make_loader(data, 2, workers, shuffle=True, drop_last=False, seed=5)
        run = []
        for epoch, start in ((0, 0), (1, 0), (1, 1)):
            loader.batch_sampler.set_epoch(epoch, start)
            run.append(list(loader))
        runs.append(run)
    assert [len(epoch) for epoch in runs[0]] == [3, 3, 2]
    for run in runs[1:]:
        for first, second in zip(itertools.chain(*runs[0]), itertools.chain(*run), strict=True):
            same(first, second)
    again, rest = runs[0][1][1:], runs[0][2]
    for first, second in zip(again, rest, strict=True):
        same(first, second)
    assert not torch.equal(runs[0][0][0]["images"], runs[0][1][0]["images"])


def test_two_processes_see_what_one_sees(toy, meta, train_steps):
    data = toy.open(meta, train_steps)
    one = list(make_loader(data, 4, 0, shuffle=True, drop_last=False, seed=5))
    ranks = [
        list(make_loader(data, 2, 0, True, False, seed=5, rank=rank, world_size=2))
        for rank in (0, 1)
    ]
    for step, whole in enumerate(one):
        for key in ("images", "keypoints", "visible", "matrix", "index"):
            assert torch.equal(torch.cat([rank[step][key] for rank in ranks]), whole[key]), key


def test_seed_epoch_and_index_each_matter(toy, meta, train_steps):
    data = toy.open(meta, train_steps)
    base = data[1, 2]["matrix"]
    assert np.array_equal(data[1, 2]["matrix"], base)
    assert np.array_equal(data[0, 3]["matrix"], data[3]["matrix"])
    assert not np.array_equal(data[2, 2]["matrix"], base)
    data.seed = 1
    assert not np.array_equal(data[1, 2]["matrix"], base)
    with pytest.raises(IndexError):
        data[6]


class Threads:
    """Stands in for a data set; says what a worker may use."""

    def __len__(self):
        return 1

    def __getitem__(self, key):
        import cv2

        counts = [cv2.getNumThreads(), torch.get_num_threads()]
        return {"bad": [str(counts), str(os.getpid())]}


def test_workers_use_one_thread():
    (batch,) = make_loader(Threads(), 1, 1, shuffle=False, drop_last=False)
    assert batch["bad"][0] == "[1, 1]"  # OpenCV counts the caller too
    assert batch["bad"][1] != str(os.getpid())


class Memory:
    """Stands in for a data set; says how many pages the second of two large blocks brings."""

    def __len__(self):
        return 1

    def __getitem__(self, key):
        import resource

        counts = []
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            block = b"x" * (64 << 20)
            counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
            del block
        return {"bad": [str(counts[1])]}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_workers_use_freed_memory_again():
    loader = make_loader(Memory(), 1, 1, shuffle=False, drop_last=False)
    loader.multiprocessing_context = "spawn"  # a fork has it from this process, if that keeps it
    (batch,) = loader
    assert int(batch["bad"][0]) < 100  # 64 MiB are 16,384 pages of 4 KiB


def spoil(toy, number, content=b""):
    (toy.root / "images" / f"{number}.jpg").write_bytes(content)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_image_is_an_error_that_names_all(toy, meta, train_steps, workers):
    """From a worker too it arrives as a DataError with one line, without the worker's traceback."""
    data = toy.open(meta, train_steps)
    spoil(toy, 4)
    loader = make_loader(data, 2, workers, shuffle=False, drop_last=False)
    with pytest.raises(DataError) as caught:
        list(loader)
    message = str(caught.value)
    del caught  # its traceback would keep the workers alive
    path = toy.root / "images" / "4.jpg"
    where = f"[annotation 54 of {toy.root / 'ann.json'}]"
    assert message.startswith(f"{path}: the file is empty; ")
    assert message.endswith(where)
    assert "\n" not in message


def test_training_takes_another_animal_in_its_place(toy, meta, train_steps):
    data = toy.open(meta, train_steps, on_bad_image="skip")
    good = data[1, 0]
    whole = (toy.root / "images" / "4.jpg").read_bytes()
    spoil(toy, 4, whole[: len(whole) // 2])
    (toy.root / "images" / "5.jpg").unlink()
    runs = [list(make_loader(data, 3, workers, True, False, seed=0)) for workers in (0, 2)]
    for first, second in zip(*runs, strict=True):
        same(first, second)
    assert [len(batch["index"]) for batch in runs[0]] == [3, 3]
    used = torch.cat([batch["index"] for batch in runs[0]]).tolist()
    assert set(used) <= {0, 1, 2, 3}
    messages = [message for batch in runs[0] for message in batch["bad"]]
    assert any("4.jpg: the image is cut off" in message for message in messages)
    assert any("5.jpg: no such image" in message for message in messages)
    assert all("annotation 5" in message for message in messages)
    assert np.array_equal(data[1, 0]["image"], good["image"])
    assert "bad" not in good


def test_evaluation_leaves_it_out(toy, meta, test_steps):
    data = toy.open(meta, test_steps, on_bad_image="skip")
    for number in (1, 2, 3):
        spoil(toy, number, b"no image")
    first, second, third = make_loader(data, 2, 0, shuffle=False, drop_last=False)
    assert first["index"].tolist() == [0]
    assert first["images"].shape == (1, 3, 64, 64)
    assert [message.split(": ")[0][-5:] for message in first["bad"]] == ["1.jpg"]
    assert second["index"].tolist() == []
    assert second["images"].shape[:2] == (0, 3)
    assert second["keypoints"].shape[0] == second["matrix"].shape[0] == 0
    assert second["index"].dtype == torch.int64
    assert len(second["bad"]) == 2
    assert third["index"].tolist() == [4, 5]
    assert third["bad"] == []


def test_nothing_but_bad_images(toy, meta, train_steps):
    data = toy.open(meta, train_steps, on_bad_image="skip")
    for number in range(6):
        spoil(toy, number)
    with pytest.raises(DataError, match=r"20 images in a row cannot be used, the last: .*empty"):
        data[0]


def test_a_data_set_can_be_sent_to_a_process(toy, meta, train_steps):
    """As workers that are spawned, not forked, need it."""
    data = toy.open(meta, train_steps)
    data.seed = 4
    copy = pickle.loads(pickle.dumps(data))
    assert np.array_equal(copy[3, 1]["image"], data[3, 1]["image"])
    assert copy.digest() == data.digest()
