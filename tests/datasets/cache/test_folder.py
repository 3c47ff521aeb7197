"""A temporary folder that several processes use, and that none of them leaves behind."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hrpose.datasets.cache import folder as cache_folder
from hrpose.datasets.cache.folder import has_room, temporary_folder
from hrpose.storage.locks import locked


class Owner:
    pass


@pytest.fixture
def base(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(cache_folder, "_SHARED_MEMORY", tmp_path / "none")
    monkeypatch.setattr(cache_folder.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def in_child(work: Callable[[], object]) -> None:
    """In a process that ends as if it were killed: nothing is tidied up."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_it_ends_with_its_owner(base):
    owner, second = Owner(), Owner()
    folder = temporary_folder(owner, 1)
    assert folder.parent == base
    assert temporary_folder(second, 1) == folder  # of the same process: train and val share it
    (folder / "pixels").write_bytes(b"x")
    del owner
    assert folder.is_dir()
    del second
    assert not folder.exists()


def test_workers_neither_remove_nor_keep_it(base):
    """A worker ends its copy of the owner; and another may still live when the owner ends."""
    owner = Owner()
    folder = temporary_folder(owner, 1)
    holder = [owner]
    in_child(holder.clear)
    assert folder.is_dir()
    ends, starts = os.pipe()
    worker = os.fork()
    if not worker:
        os.close(starts)
        os.read(ends, 1)  # until the parent closes its end
        os._exit(0)
    holder.clear()
    del owner
    assert not folder.exists()
    os.close(starts)
    os.waitpid(worker, 0)


def test_the_next_run_removes_what_a_killed_one_left(base):
    owner = Owner()
    in_child(lambda: temporary_folder(owner, 1))
    (left,) = base.iterdir()
    (left / "pixels").write_bytes(b"x")
    (base / "other").mkdir()
    folder = temporary_folder(owner, 1)
    assert folder != left
    assert sorted(base.iterdir()) == sorted([folder, base / "other"])


def test_processes_of_torchrun_share_one(base, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("MASTER_PORT", "29500")
    monkeypatch.setattr(cache_folder.os, "getppid", lambda: 1234)
    owner = Owner()
    folder = temporary_folder(owner, 1)
    assert folder.name.endswith("-1234-29500")
    other = Owner()
    monkeypatch.setattr(cache_folder.os, "getpid", lambda: 99999)
    assert temporary_folder(other, 1) == folder
    monkeypatch.undo()


def test_shared_memory_is_taken_only_where_it_has_room(base, monkeypatch):
    memory = base / "shm"
    memory.mkdir()
    monkeypatch.setattr(cache_folder, "_SHARED_MEMORY", memory)
    owner, second = Owner(), Owner()
    assert temporary_folder(owner, 1).parent == memory
    assert temporary_folder(second, 10**18).parent == base


def test_room():
    assert has_room(Path("/"), 0)
    assert not has_room(Path("/"), 10**18)
    space = os.statvfs("/")
    assert not has_room(Path("/"), space.f_bavail * space.f_frsize)  # something is left to others


def test_one_at_a_time(base):
    """Four processes each count to 50 in one file."""
    number = base / "number"
    number.write_text("0")

    def count() -> None:
        for _ in range(50):
            with locked(base / "lock"):
                number.write_text(str(int(number.read_text()) + 1))

    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            try:
                count()
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert number.read_text() == "200"
    assert not (base / "lock").exists()


def test_a_folder_of_somebody_else_is_refused(base, monkeypatch):
    monkeypatch.setattr(
        cache_folder.os, "fstat", lambda handle: os.stat_result([0] * 4 + [12345] + [0] * 5)
    )
    with pytest.raises(PermissionError, match="belongs to another user"):
        temporary_folder(Owner(), 1)
