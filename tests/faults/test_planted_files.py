"""Files that somebody else has put where hrpose writes."""

import os
import tempfile
from pathlib import Path

import pytest

from hrpose.datasets.cache import folder as temporary
from hrpose.datasets.cache.image_cache import ImageCache
from hrpose.datasets.preflight.look import look_through
from hrpose.errors import CheckpointError, DataError
from hrpose.rundir.lock import Lock
from hrpose.storage import checkpoint_file
from hrpose.storage.download import fetch
from hrpose.storage.whole_file import write_whole

pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners of files here")
TREASURE = "what the victim has written\n"
SOMEBODY = 12345  # a user number that is not ours


@pytest.fixture
def victim(tmp_path) -> Path:
    """A folder of the user's own, with files of all names that hrpose writes into a cache."""
    folder = tmp_path / "victim"
    folder.mkdir()
    for name in ("good_images.npy", "pixels-1", "index-1", "full", "lock", "net.pth"):
        (folder / name).write_text(TREASURE)
    return folder


def untouched(folder: Path) -> bool:
    return len(list(folder.iterdir())) == 6 and all(
        path.read_text() == TREASURE for path in folder.iterdir()
    )


@pytest.fixture
def public(tmp_path, monkeypatch) -> Path:
    """A folder for temporary files that anybody may write to, as /tmp is; the user has no home."""
    folder = tmp_path / "public"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(temporary, "_SHARED_MEMORY", tmp_path / "none")
    monkeypatch.delenv("HRPOSE_CACHE", raising=False)

    def homeless(self: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    return folder


def plant(place: Path, kind: str, target: Path) -> None:
    """Put at `place` what only somebody else would put there."""
    if kind == "link":
        place.symlink_to(target)
        if os.getuid() == 0:
            os.lchown(place, SOMEBODY, SOMEBODY)
    elif kind == "foreign":
        place.mkdir()
        if os.getuid() != 0:
            pytest.skip("only root can make a folder of another user")
        for path in target.iterdir():
            (place / path.name).symlink_to(path)
        os.chown(place, SOMEBODY, SOMEBODY)
    else:
        place.mkdir()
        for path in target.iterdir():
            (place / path.name).symlink_to(path)
        place.chmod(0o777)


KINDS = pytest.mark.parametrize("kind", ["link", "foreign", "open"])


@pytest.mark.fault(
    name="planted cache folder",
    does="a user without a home; in the temporary directory hrpose's folder is there already: a "
    "link to the user's files, of another owner, or writable by all and full of links",
    expects="not used and not written through; the images are looked at without it",
)
@KINDS
def test_cache_folder(herd, public, victim, happened, kind):
    dataset = herd.open()
    plant(public / f"hrpose-{os.getuid()}", kind, victim)
    checked = look_through(dataset)
    assert (checked.images, checked.problems) == (4, [])
    assert untouched(victim)
    with pytest.raises(CheckpointError, match=r"hrpose-\d+: .*set HRPOSE_CACHE"):
        fetch("http://127.0.0.1:1/net-0123abcd.pth")
    assert untouched(victim)
    happened("the four images were looked at; the user's files are as they were; a download names "
             "the folder and HRPOSE_CACHE")  # fmt: skip


@pytest.mark.fault(
    name="planted temporary image cache",
    does="the folder of `ImageCache()` of this process is there already, in each of these ways",
    expects="a DataError that names it, or made anew; nothing is written through it",
)
@KINDS
def test_temporary_cache(public, victim, happened, kind):
    place = public / f"hrpose-cache-{os.getuid()}-{os.getpid()}"
    plant(place, kind, victim)
    if kind == "open":  # ours: taken for what a killed run left, which is removed
        cache = ImageCache()
        assert not (place / "pixels-1").is_symlink()
        assert cache.folder.stat().st_mode & 0o777 == 0o700
        assert untouched(victim)
        happened("removed, links and all, and made anew for this user alone")
        return
    with pytest.raises(DataError, match=r"hrpose-cache-\d+-\d+: no cache can be kept there .*"):
        ImageCache()
    assert untouched(victim)
    happened("DataError: ...: no cache can be kept there (...); name another folder")


@pytest.mark.fault(
    name="links and pipes under the names of a cache",
    does="in a cache folder every name that hrpose reads or writes is a link to the user's files, "
    "or a named pipe, which blocks whoever opens it",
    expects="no link is written through, no pipe is waited for",
)
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_names_in_a_cache(herd, victim, tmp_path, happened, kind):
    dataset, cache = herd.open(), tmp_path / "cache"
    cache.mkdir()

    def put(name: str, target: str) -> None:
        if kind == "link":
            (cache / name).symlink_to(victim / target)
        else:
            os.mkfifo(cache / name)

    put("good_images.npy", "good_images.npy")
    put(f".good_images.npy.{os.getpid()}.tmp", "good_images.npy")
    assert look_through(dataset).problems == []
    assert untouched(victim)
    for name in ("pixels-1", "index-1", "lock", "full"):
        put(name, name)
        with pytest.raises(DataError, match="no cache can be kept there"):
            ImageCache(str(cache))
        assert untouched(victim)
    put(".net-0123abcd.pth.part", "net.pth")
    with pytest.raises(CheckpointError, match="could not be downloaded"):
        fetch("http://127.0.0.1:1/net-0123abcd.pth", cache)
    assert untouched(victim)
    happened("refused or replaced; the user's files are as they were")


@pytest.mark.fault(
    name="links under the names of drafts",
    does="beside a checkpoint, a page and their hard links stand links under the names of drafts",
    expects="the files are written; what the links lead to is as it was",
)
def test_drafts(victim, tmp_path, happened):
    run = tmp_path / "run"
    run.mkdir()
    for name in ("latest.pth", "epoch_1.pth", "config.py"):
        (run / f".{name}.{os.getpid()}.tmp").symlink_to(victim / "net.pth")
    checkpoint_file.save({"optimizer": 1}, run / "epoch_1.pth", run / "latest.pth")
    write_whole(run / "config.py", "a = 1\n")
    Lock(run).close()
    assert checkpoint_file.read(run / "epoch_1.pth")["optimizer"] == 1
    assert checkpoint_file.read(run / "latest.pth")["optimizer"] == 1
    assert (run / "config.py").read_text() == "a = 1\n"
    assert untouched(victim)
    happened("written whole; the user's files are as they were")
