"""Archives: what is in them comes out below one folder, or nothing does."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from hrpose.convert.archive import unpacked
from hrpose.errors import DataError


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, 3 if kind == tarfile.REGTYPE else 0
    info.linkname = "/etc/passwd"
    return info


def test_an_archive_is_a_folder_for_a_while(tmp_path):
    source = zipped(tmp_path / "a.zip", {"project/config.yaml": b"Task: x", "project/a/b": b"1"})
    with unpacked(source, tmp_path / "out") as folder:
        assert folder.name == "project" and (folder / "a" / "b").read_bytes() == b"1"
        assert folder.is_relative_to(tmp_path)
    assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_tar_and_what_is_no_archive(tmp_path):
    source = tarred(tmp_path / "a.tar.gz", member("a/b"), member("c"))
    with unpacked(source, tmp_path / "out") as folder:
        assert (folder / "a" / "b").read_bytes() == b"xxx" and (folder / "c").is_file()
    with unpacked(tmp_path, tmp_path / "out") as folder:
        assert folder == tmp_path


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "C:\\evil", "..\\evil"])
def test_paths_that_lead_outside(name, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    for source in (zipped(inner / "a.zip", {name: b"x"}), tarred(inner / "a.tgz", member(name))):
        with (
            pytest.raises(DataError, match="no name of a file below a folder"),
            unpacked(source, inner / "out"),
        ):
            pass
    assert [path.name for path in tmp_path.rglob("*evil*")] == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_a_tar(kind, tmp_path):
    source = tarred(tmp_path / "a.tgz", member("a", kind))
    with pytest.raises(DataError, match="is a link or a device"), unpacked(source, tmp_path / "o"):
        pass


def test_a_link_in_a_zip(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with (
        pytest.raises(DataError, match="'link' is a link"),
        unpacked(tmp_path / "a.zip", tmp_path / "out"),
    ):
        pass


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    source = zipped(tmp_path / "a.zip", {"zeros": bytes(1 << 27)})  # 128 MiB in 128 KiB
    with (
        pytest.raises(DataError, match=r"bytes would become 134217728 in 1 files"),
        unpacked(source, tmp_path / "out"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_broken_archives(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and no more")
    whole = tarred(tmp_path / "b.tgz", member("a")).read_bytes()
    (tmp_path / "b.tgz").write_bytes(whole[: len(whole) // 2])
    for name in ("a.zip", "b.tgz"):
        with (
            pytest.raises(DataError, match="is no whole archive"),
            unpacked(tmp_path / name, tmp_path / "out"),
        ):
            pass
