"""Whose a folder must be, and which files are opened."""

import os
import tempfile
from pathlib import Path

import pytest

from hrpose.storage import own_files
from hrpose.storage.own_files import cache_folder, open_own, own_folder


def test_the_cache_of_a_user_without_a_home(monkeypatch, tmp_path):
    def homeless(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("HRPOSE_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "hrpose"
    monkeypatch.setattr(Path, "expanduser", homeless)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cache_folder() == tmp_path / f"hrpose-{os.getuid()}"


@pytest.fixture
def public(tmp_path) -> Path:
    """A folder as /tmp is."""
    tmp_path.chmod(0o1777)
    return tmp_path


def test_a_new_folder_is_for_this_user_alone(public):
    folder = own_folder(public / "a" / "b")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert own_folder(folder) == folder


def test_where_anybody_may_write_nothing_is_kept(public):
    with pytest.raises(PermissionError, match="anybody may write to it"):
        own_folder(public)
    (public / "a").mkdir()
    (public / "a").chmod(0o777)
    with pytest.raises(PermissionError, match="anybody may write to it"):
        own_folder(public / "a" / "b")
    assert list((public / "a").iterdir()) == []


def test_a_link_of_the_users_own_is_followed(public, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (public / "cache").symlink_to(elsewhere)
    own_folder(public / "cache" / "sub")
    assert (elsewhere / "sub").is_dir()


def test_a_folder_on_a_mount_without_modes_is_taken(tmp_path):
    """Where all folders show as open to all, but as this user's."""
    tmp_path.chmod(0o777)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    assert own_folder(tmp_path / "cache") == tmp_path / "cache"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_counts_where_only_he_could_make_it(public):
    shared = public / "lab"
    shared.mkdir()
    (shared / "cache").mkdir()
    os.chown(shared / "cache", 12345, 12345)
    assert own_folder(shared / "cache") == shared / "cache"
    os.chown(shared, 12345, 12345)
    with pytest.raises(PermissionError, match="another user") as caught:
        own_folder(shared / "cache")
    assert caught.value.filename == str(shared)


def test_files_are_plain_files(tmp_path):
    with open_own(tmp_path / "new", "ab") as file:
        file.write(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "new")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        for mode in ("rb", "ab", "r+b"):
            with pytest.raises(OSError, match=name):
                open_own(tmp_path / name, mode)
    with pytest.raises(FileNotFoundError):
        open_own(tmp_path / "none", "rb")
    assert (tmp_path / "new").read_bytes() == b"content"


def test_links_are_refused_where_the_system_cannot_say_so_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(own_files, "_NO_LINK", 0)
    (tmp_path / "file").write_text("content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="it is a link"):
        open_own(tmp_path / "link", "ab")
    assert open_own(tmp_path / "file", "rb").read() == b"content"
