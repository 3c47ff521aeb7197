import os

import pytest

from hrpose.storage.whole_file import draft_for_library, link, remove_drafts, write_whole


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "page.py"
    write_whole(path, "one\n")
    write_whole(path, "two\n")
    assert path.read_text() == "two\n"

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "three\n")
    assert path.read_text() == "two\n"
    assert list(tmp_path.iterdir()) == [path], "no draft is left"


def test_where_links_are_not_to_be_had_a_copy_is_made(tmp_path, monkeypatch):
    def refused(source, path):
        raise OSError(95, "Operation not supported")

    (tmp_path / "one").write_text("content")
    (tmp_path / "two").write_text("older")
    link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "one").samefile(tmp_path / "two")
    monkeypatch.setattr(os, "link", refused)
    link(tmp_path / "one", tmp_path / "three")
    assert (tmp_path / "three").read_text() == "content"
    assert not (tmp_path / "one").samefile(tmp_path / "three")
    assert len(list(tmp_path.iterdir())) == 3, "no draft is left"


def test_line_ends_are_the_same_on_every_system(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "linesep", "\r\n")
    write_whole(tmp_path / "page.py", "ä = 1\n")
    assert (tmp_path / "page.py").read_bytes() == b"\xc3\xa4 = 1\n"


def test_a_library_writes_a_draft_that_ends_as_the_file_does(tmp_path):
    path = tmp_path / "film.mp4"
    with draft_for_library(path) as draft:
        assert draft.parent == tmp_path and draft.suffix == ".mp4"
        draft.write_text("one")
        assert not path.exists()
    assert path.read_text() == "one"
    with pytest.raises(KeyError), draft_for_library(path) as draft:
        draft.write_text("two")
        raise KeyError
    assert path.read_text() == "one"
    with pytest.raises(FileNotFoundError), draft_for_library(path):
        pass  # nothing was written
    assert list(tmp_path.iterdir()) == [path], "no draft is left"


def test_drafts_of_killed_processes_are_removed(tmp_path):
    for name in (".film.mp4.123.tmp.mp4", ".epoch.pth.123.tmp", "film.mp4", ".film.mp4"):
        (tmp_path / name).touch()
    remove_drafts(tmp_path, "*.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".epoch.pth.123.tmp",
        ".film.mp4",
        "film.mp4",
    ]
