"""Locks between processes, with what this system has and with what others have."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import filelock
import pytest

from hrpose.storage import locks
from hrpose.storage.locks import ProcessLock, SharedFolder, locked


@pytest.fixture(params=["fcntl", "filelock"])
def system(request, monkeypatch) -> str:
    """What locks are made with; filelock's own kinds: of this system, with its own file."""
    if request.param == "filelock":
        monkeypatch.setattr(locks, "fcntl", None)
    elif locks.fcntl is None:
        pytest.skip("no fcntl here")
    return request.param


def test_one_thread_at_a_time_gets_in(system, tmp_path):
    inside: list[int] = []
    most: list[int] = []

    def enter(number: int) -> None:
        for _ in range(5):
            with locked(tmp_path / "lock"):
                inside.append(number)
                time.sleep(0.002)
                most.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1] * 20


def hold(system: str, path: Path, ready, children: int) -> None:
    """In a process of its own: hold the lock of a run, with sleeping children, until killed."""
    if system == "filelock":
        locks.fcntl = None
    lock = ProcessLock(path.open("a+", encoding="utf-8"))
    assert lock.take()
    pids = []
    for _ in range(children):
        child = os.fork()
        if not child:
            time.sleep(60)
            os._exit(0)
        pids.append(child)
    ready.send(pids)
    time.sleep(60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_lock_ends_with_its_process_though_children_live(system, tmp_path):
    """Children are forked only where there is fcntl."""
    path = tmp_path / ".lock"
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    holder = context.Process(target=hold, args=(system, path, theirs, 2 * (system == "fcntl")))
    holder.start()
    assert ours.poll(20)
    children = ours.recv()
    try:
        lock = ProcessLock(path.open("a+", encoding="utf-8"))
        with pytest.raises(BlockingIOError):
            lock.take()
        holder.kill()
        holder.join()
        assert lock.take(), "at once, although the children live"
        assert lock.take(), "again by the one that has it"
        lock.close()
        again = ProcessLock(path.open("a+", encoding="utf-8"))
        assert again.take()
        again.close()
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)


def test_a_file_system_without_locks(system, tmp_path, monkeypatch):
    def unsupported(*_, **__):
        raise OSError(38, "Function not implemented")

    lock = ProcessLock((tmp_path / ".lock").open("a+", encoding="utf-8"))
    if system == "fcntl":
        monkeypatch.setattr(locks.fcntl, "lockf", unsupported)
    else:
        monkeypatch.setattr(filelock.FileLock, "acquire", unsupported)
    assert lock.take() is False
    lock.close()


def test_a_folder_goes_with_the_last_that_leaves_it(system, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "pixels").write_bytes(b"x")
    held = SharedFolder(folder)
    assert held.is_there()
    with pytest.raises(BlockingIOError):
        SharedFolder(folder, alone=True)
    if system == "fcntl":
        second = SharedFolder(folder)
        held.leave()
        assert (folder / "pixels").exists()
        second.leave()
    else:
        with pytest.raises(BlockingIOError, match="in use"):
            SharedFolder(folder)
        held.leave()
    assert not folder.exists()


def test_a_folder_made_anew_by_another_is_left_alone(tmp_path):
    if sys.platform == "win32":
        pytest.skip("a folder that is held cannot be moved there")
    folder = tmp_path / "folder"
    folder.mkdir()
    held = SharedFolder(folder)
    folder.rename(tmp_path / "before")
    folder.mkdir()
    (folder / "pixels").write_bytes(b"x")
    assert not held.is_there()
    held.leave()
    assert (folder / "pixels").exists()
