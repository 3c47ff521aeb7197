"""The cache of decoded images: the same samples, and no image file is read twice."""

import os
import pickle

import cv2
import numpy as np
import pytest
import torch
from cache_cases import all_of, same

from hrpose.config.registry import build
from hrpose.datasets.cache.image_cache import ImageCache
from hrpose.datasets.loader import make_loader
from hrpose.errors import ConfigError, DataError

pytestmark = pytest.mark.usefixtures("no_other_runs")


def spoil_images(toy) -> None:
    """Other content, the same size and time: whoever decodes one of them now fails."""
    for path in (toy.root / "images").iterdir():
        state = path.stat()
        path.write_bytes(bytes(state.st_size))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("kind", ["train_steps", "test_steps"])
def test_the_same_samples_and_one_reading(field, meta, kind, reads, request):
    steps = request.getfixturevalue(kind)
    plain, cached = field.open(meta, steps), field.open(meta, steps, cache=ImageCache())
    expected = all_of(plain, range(12))
    reads.clear()
    got = all_of(cached, range(12))
    assert len(reads) == len(set(reads)) == 6
    for first, second in zip(expected, got, strict=True):
        same(first, second)
    assert (cached.cache.folder / "pixels-1").stat().st_size < 6 * 0.5 * 640 * 480 * 3


@pytest.mark.parametrize("workers", [0, 2])
def test_from_the_second_epoch_on_no_image_is_read(field, meta, train_steps, workers):
    """With workers too, which each meet regions that the other one has kept."""
    plain = make_loader(field.open(meta, train_steps), 2, 0, True, False, seed=3)
    data = field.open(meta, train_steps, cache=ImageCache())
    cached = make_loader(data, 2, workers, True, False, seed=3)
    expected = []
    for epoch in range(4):
        plain.batch_sampler.set_epoch(epoch)
        expected.append(list(plain))
    for epoch in range(4):
        cached.batch_sampler.set_epoch(epoch)
        for first, second in zip(expected[epoch], cached, strict=True):
            assert torch.equal(first["images"], second["images"])
            assert torch.equal(first["matrix"], second["matrix"])
            assert torch.equal(first["keypoints"], second["keypoints"])
        if epoch == 0:
            spoil_images(field)


def test_real_photographs(data_dir, reference_meta, train_steps, reads):
    """Horses of 288 x 162 px, whose regions end with the picture."""
    from hrpose.datasets import CocoPoseDataset

    folder = data_dir / "mmpose-samples" / "horse10"
    steps = [step for step in train_steps if type(step).__name__ != "RandomHalfBody"]
    plain, cached = (
        CocoPoseDataset(
            "test_horse10.json", "", reference_meta("horse10"), steps, str(folder), cache=kept
        )
        for kept in (None, ImageCache())
    )
    expected = all_of(plain, range(20))
    reads.clear()
    for first, second in zip(expected, all_of(cached, range(20)), strict=True):
        same(first, second)
    assert len(reads) == 3


def test_animals_of_one_photograph_share_it_where_it_is_kept_whole(toy, meta, train_steps, reads):
    for entry in toy.annotations:
        entry["image_id"] = 20
    data = toy.open(meta, train_steps, cache=ImageCache())
    all_of(data)
    assert len(reads) == 1
    assert (data.cache.folder / "pixels-1").stat().st_size == 100 * 80 * 3


def test_a_later_run_uses_the_folder(field, meta, test_steps, tmp_path, reads):
    for _ in range(2):
        data = field.open(meta, test_steps, cache=ImageCache(str(tmp_path / "kept")))
        samples = all_of(data)
    assert len(reads) == 6
    for first, second in zip(all_of(field.open(meta, test_steps)), samples, strict=True):
        same(first, second)


def test_a_changed_photograph_is_decoded_anew(field, meta, test_steps, tmp_path, reads):
    data = field.open(meta, test_steps, cache=ImageCache(str(tmp_path / "kept")))
    before = all_of(data)
    path = field.root / "images" / "3.jpg"
    cv2.imwrite(str(path), np.full((480, 640, 3), 200, np.uint8))
    after = data[3]
    assert reads[6:] == [str(path)]
    assert (after["image"] == 200).all()
    assert not np.array_equal(before[3]["image"], after["image"])


def test_other_augmentation_asks_for_other_parts(field, meta, test_steps, train_steps, reads):
    kept = ImageCache()
    for steps in (test_steps, train_steps, test_steps):
        all_of(field.open(meta, steps, cache=kept))
    assert len(reads) == 12


def test_the_bound_is_kept_and_said_once(field, meta, test_steps, reads):
    """Regions of 49 x 44 and 58 x 58 px fit into 20,000 bytes, another of 58 x 58 px does not."""
    data = field.open(meta, test_steps, cache=ImageCache(gigabytes=0.02e-3))
    expected = all_of(field.open(meta, test_steps))
    with pytest.warns(UserWarning, match="has reached its 2e-05 GB; what is not in it") as caught:
        samples = all_of(data, (0, 1))
    assert len(caught) == 1
    assert (data.cache.folder / "pixels-1").stat().st_size == (49 * 44 + 58 * 58) * 3
    assert len(reads) == 6 + 6 + 4
    for first, second in zip(expected * 2, samples, strict=True):
        same(first, second)


def test_a_data_set_with_a_cache_can_be_sent_to_a_process(field, meta, test_steps, reads):
    data = field.open(meta, test_steps, cache=ImageCache())
    expected = all_of(data)
    copy = pickle.loads(pickle.dumps(data))
    reads.clear()
    for first, second in zip(expected, all_of(copy), strict=True):
        same(first, second)
    assert reads == []


def test_bad_images_stay_errors(field, meta, test_steps):
    data = field.open(meta, test_steps, cache=ImageCache())
    (field.root / "images" / "2.jpg").unlink()
    (field.root / "images" / "3.jpg").write_bytes(b"")
    for index, words in ((2, "no such image"), (3, "the file is empty")):
        with pytest.raises(DataError, match=f"{index}.jpg: {words}"):
            data[index]


def test_on_a_page(toy, meta, test_steps, tmp_path):
    toy.write()
    page = {
        "type": "CocoPoseDataset",
        "ann_file": "ann.json",
        "img_root": "images",
        "root": str(toy.root),
        "cache": {"type": "ImageCache", "gigabytes": 2, "folder": str(tmp_path / "kept")},
    }
    data = build(page, "data.train", keypoints=meta, pipeline=test_steps)
    assert f"a cache of at most 2 GB in {tmp_path / 'kept'}" in data.summary()
    with pytest.raises(ConfigError, match=r"data.train.cache: got 'disk', expected a dict"):
        build({**page, "cache": "disk"}, "data.train", keypoints=meta, pipeline=test_steps)


def test_what_cannot_be_a_cache(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: no cache can be kept there"):
        ImageCache(str(tmp_path / "file"))
    with pytest.raises(ValueError, match="gigabytes 0: must be above 0"):
        ImageCache(gigabytes=0)
