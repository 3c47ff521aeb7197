"""What a crash, a full disk or a damaged one leaves behind is not taken for pixels."""

import os
import shutil
import warnings
from pathlib import Path

import pytest
from cache_cases import all_of, same

from hrpose.datasets.cache import region_file as cache_file
from hrpose.datasets.cache.image_cache import ImageCache
from hrpose.storage.own_files import open_own

pytestmark = pytest.mark.usefixtures("no_other_runs")


def flip_a_bit(folder: Path) -> None:
    path = folder / "pixels-1"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_pixels(folder: Path) -> None:
    os.truncate(folder / "pixels-1", (folder / "pixels-1").stat().st_size - 1)


def cut_index(folder: Path) -> None:
    os.truncate(folder / "index-1", (folder / "index-1").stat().st_size - 1)


def zero_index(folder: Path) -> None:
    size = cache_file._CHECKED.size
    data = (folder / "index-1").read_bytes()
    (folder / "index-1").write_bytes(data[:size] + bytes(size) + data[2 * size :])


@pytest.mark.parametrize("damage", [flip_a_bit, cut_pixels, cut_index, zero_index])
def test_a_damaged_entry_is_noticed_and_replaced(field, meta, train_steps, tmp_path, reads, damage):
    expected = all_of(field.open(meta, train_steps))
    folder = tmp_path / "kept"
    all_of(field.open(meta, train_steps, cache=ImageCache(str(folder))))
    damage(folder)
    for more in (1, 0):
        reads.clear()
        samples = all_of(field.open(meta, train_steps, cache=ImageCache(str(folder))))
        assert len(reads) == more
        for first, second in zip(expected, samples, strict=True):
            same(first, second)


def test_a_full_disk_is_no_error(field, meta, test_steps, monkeypatch):
    """/dev/full refuses every byte."""
    data = field.open(meta, test_steps, cache=ImageCache())

    def full(path: Path, mode: str):
        return Path("/dev/full").open(mode) if path.name == "pixels-1" else open_own(path, mode)

    monkeypatch.setattr(cache_file, "open_own", full)
    with pytest.warns(UserWarning, match="cannot be written .No space left on device.") as caught:
        samples = all_of(data, (0, 1))
    assert len(caught) == 1
    for first, second in zip(all_of(field.open(meta, test_steps)) * 2, samples, strict=True):
        same(first, second)


def test_a_disk_is_not_filled_to_the_brim(field, meta, test_steps, monkeypatch):
    monkeypatch.setattr(cache_file, "has_room", lambda folder, size: False)
    data = field.open(meta, test_steps, cache=ImageCache())
    with pytest.warns(UserWarning, match="has filled the disk, or nearly so"):
        all_of(data)
    assert (data.cache.folder / "pixels-1").stat().st_size == 0


def test_a_folder_that_goes_away_is_no_error(field, meta, test_steps):
    data = field.open(meta, test_steps, cache=ImageCache())
    first = data[0]
    shutil.rmtree(data.cache.folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(data[0], first)
        same(data[1], field.open(meta, test_steps)[1])
