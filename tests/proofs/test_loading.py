import time

import cv2
import pytest
import torch
from proofs.benchmark.loading import _first_epoch, ceilings, loader_section, one_thread
from proofs.benchmark.transforms import transform_rows

from hrpose import config
from hrpose.datasets.synthetic import write_coco
from hrpose.datasets.transforms import Transform
from hrpose.engine.experiment import prepare


class Nap(Transform):
    """Takes 20 ms."""

    def __call__(self, sample, rng):
        time.sleep(0.02)
        return sample


def test_each_transform_has_its_time_and_the_pipeline_stays_as_it_was(animals, plan):
    before = animals.pipeline
    animals.pipeline = (*before, Nap())
    try:
        rows = transform_rows(animals, [(0, 0), (0, 1)], plan, "test")
        assert animals.pipeline[-1].__class__ is Nap
    finally:
        animals.pipeline = before
    names = [row.name for row in rows]
    assert names == [
        "test: 0 LoadImage", "test: 1 CropBox", "test: 2 Warp", "test: 3 Nap",
        "test: record, random stream and the rest", "test: collate",
    ]  # fmt: skip
    nap = rows[3]
    assert nap.figure.unit == "us/sample" and nap.figure.median >= 20_000
    assert sum(row.facts["share"] for row in rows) > 0.9
    assert len(nap.figure.values) == plan.repeats


def test_one_ceiling_reads_files_one_does_not_and_drawn_images_have_none(tmp_path, tiny, animals):
    assert ceilings(animals, [(0, 0)]) == {}
    write_coco(animals, tmp_path / "herd")
    page = herd(tiny, tmp_path)
    dataset = prepare(page).dataset("test")
    calls = ceilings(dataset, [(0, 0), (0, 1)])
    calls["read + decode + warp"]()
    for file in (tmp_path / "herd/images").iterdir():
        file.write_bytes(b"")
    calls["decode + warp"]()
    with pytest.raises(cv2.error):
        calls["read + decode + warp"]()


def herd(tiny, folder):
    data = "_delete_=True, type='CocoPoseDataset', ann_file='annotations.json', img_root='images'"
    path = folder / "herd.py"
    splits = ", ".join(f"{split}=dict({data})" for split in ("train", "val", "test"))
    path.write_text(f"_base_ = {tiny!r}\ndata = dict(root={str(folder / 'herd')!r}, {splits})\n")
    return config.load(path)


def test_a_loaders_rows(tmp_path, tiny, animals, plan):
    write_coco(animals, tmp_path / "herd")
    section = loader_section(herd(tiny, tmp_path), plan, [0, 1])
    rows = {row.name: row for row in section.rows}
    for split in ("train", "test"):
        alone = rows[f"{split}: one process"].figure
        share = rows[f"{split}: one process, ratio to decode + warp"].figure
        assert rows[f"{split}: one process, ratio to read + decode + warp"].figure.median > 0
        assert alone.unit == "samples/s" and 1 < alone.median < 1e6
        assert 0 < share.median < 1.5
        one = rows[f"{split}: 1 worker"]
        assert one.facts["per_worker"] == one.figure.median > 1
        assert one.facts["first_batch_after_s"] > 0
    assert "train: 2 RandomFlip" in rows and "test: 2 RandomFlip" not in rows
    assert not [name for name in rows if "0 worker" in name]


def test_a_cache_is_filled_first_and_the_time_of_that_is_a_figure(animals, plan, monkeypatch):
    read = []
    whole = type(animals).__getitems__
    monkeypatch.setattr(
        type(animals), "__getitems__", lambda self, keys: read.extend(keys) or whole(self, keys)
    )
    assert _first_epoch(animals, 4, "test") == [] and read == []
    monkeypatch.setattr(animals, "cache", "some cache", raising=False)
    (row,) = _first_epoch(animals, 4, "test")
    assert read == [(0, index) for index in range(6)]
    assert row.name == "test: one process, first epoch" and len(row.figure.values) == 1


def test_one_thread_and_back():
    before = cv2.getNumThreads(), torch.get_num_threads()
    with one_thread():
        assert (cv2.getNumThreads(), torch.get_num_threads()) == (1, 1)
    assert (cv2.getNumThreads(), torch.get_num_threads()) == before
