from pathlib import Path

import pytest

from hrpose.storage.files import cache_folder, write_whole


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "page.py"
    write_whole(path, "one\n")
    write_whole(path, "two\n")
    assert path.read_text() == "two\n"

    def full(self, text, **_):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "three\n")
    assert path.read_text() == "two\n"
    assert list(tmp_path.iterdir()) == [path], "no draft is left"


def test_the_cache_of_a_user_without_a_home(monkeypatch, tmp_path):
    def homeless(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("HRPOSE_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "hrpose"
    monkeypatch.setattr(Path, "expanduser", homeless)
    assert cache_folder() is None
