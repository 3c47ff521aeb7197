"""Files from addresses, served by this machine: cached, checked, whole or not at all."""

import base64
import hashlib
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from hrpose.errors import CheckpointError
from hrpose.storage import download
from hrpose.storage.addresses import mirrored
from hrpose.storage.digests import promised_digest
from hrpose.storage.download import fetch


def hashed(data: bytes, date: str = "") -> str:
    return f"net-{hashlib.sha256(data).hexdigest()[:8]}{date}.pth"


def test_an_address_is_fetched_once(shelf, tmp_path: Path, monkeypatch):
    address, handler = shelf
    name = hashed(b"content", "_20210405")
    handler.files[name] = b"content"
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    for _ in range(2):
        kept = fetch(f"{address}/{name}")
        assert kept == tmp_path / "cache" / name
        assert kept.read_bytes() == b"content"
    assert len(handler.asked) == 1
    assert [path.name for path in kept.parent.iterdir()] == [name]


def test_a_damaged_file_in_the_cache_is_replaced(shelf, tmp_path: Path):
    address, handler = shelf
    name = hashed(b"content")
    handler.files[name] = b"content"
    (tmp_path / name).write_bytes(b"conte")
    assert fetch(f"{address}/{name}", tmp_path).read_bytes() == b"content"


@pytest.mark.parametrize("name", ["net-0123abcd.pth", "net-0123abcd_20210405.pth"])
def test_another_hash_than_the_name_promises_is_refused(shelf, tmp_path: Path, name: str):
    address, handler = shelf
    handler.files[name] = b"content"
    real = hashlib.sha256(b"content").hexdigest()[:8]
    with pytest.raises(CheckpointError, match=f"starts with {real}, its name promises 0123abcd"):
        fetch(f"{address}/{name}", tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_without_a_hash_do_not_collide(shelf, tmp_path: Path):
    address, handler = shelf
    handler.files |= {"latest.pth": b"content", "net-20210405.pth": b"a date is not a hash"}
    first = fetch(f"{address}/a/latest.pth?x=1", tmp_path)
    second = fetch(f"{address}/b/latest.pth", tmp_path)
    assert first != second and first.name == second.name == "latest.pth"
    assert fetch(f"{address}/net-20210405.pth", tmp_path).name == "net-20210405.pth"


def test_failures_name_the_address_and_leave_nothing(shelf, tmp_path: Path):
    address, handler = shelf
    handler.files["x.pth"] = b"content" * 100
    for place, reason in (
        ("none.pth", "HTTP Error 404: Not Found"),
        ("cut/x.pth", "broke off after 350 of 700 bytes"),
    ):
        with pytest.raises(CheckpointError, match=f"{place}: could not be downloaded.*{reason}"):
            fetch(f"{address}/{place}", tmp_path)
    with pytest.raises(CheckpointError, match="names no file"):
        fetch(f"{address}/", tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_server_and_no_room(tmp_path: Path, shelf):
    with pytest.raises(CheckpointError, match=r"1/x\.pth: could not be downloaded .*refused"):
        fetch("http://127.0.0.1:1/x.pth", tmp_path)
    address, handler = shelf
    handler.files["x.pth"] = b"content"
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"x\.pth: could not be downloaded to .*file"):
        fetch(f"{address}/x.pth", tmp_path / "file")


def test_a_break_is_gone_on_with_from_where_it_was(shelf, tmp_path: Path, monkeypatch):
    address, handler = shelf
    monkeypatch.setattr(download, "PAUSE", 0)
    data = bytes(range(256)) * 4
    name = hashed(data)
    handler.files[name] = data
    with pytest.raises(CheckpointError, match="broke off after 992 of 1,024 bytes; 992 bytes are"):
        fetch(f"{address}/cut/{name}", tmp_path)
    # each of the five tries brings half of what is left: 512, 256, 128, 64, 32
    expected = [None, "bytes=512-", "bytes=768-", "bytes=896-", "bytes=960-"]
    assert handler.ranges == expected
    assert [path.name for path in tmp_path.iterdir()] == [f".{name}.part"]
    assert fetch(f"{address}/{name}", tmp_path).read_bytes() == data
    assert handler.ranges == [*expected, "bytes=992-"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("there", [b"cont", b"content", b"content and more"])
def test_what_is_there_already_is_never_taken_on_trust(shelf, tmp_path: Path, there: bytes):
    address, handler = shelf
    name = hashed(b"content")
    handler.files[name] = b"content"
    part = tmp_path / f".{name}.part"
    part.write_bytes(there)
    if there == b"content and more":
        with pytest.raises(CheckpointError, match="damaged on the way"):
            fetch(f"{address}/{name}", tmp_path)
        assert not part.exists()
    assert fetch(f"{address}/{name}", tmp_path).read_bytes() == b"content"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_server_without_parts_and_a_name_without_a_hash_start_anew(shelf, tmp_path: Path):
    address, handler = shelf
    name = hashed(b"content")
    handler.files |= {name: b"content", "latest.pth": b"new content"}
    (tmp_path / f".{name}.part").write_bytes(b"xyz")
    assert fetch(f"{address}/whole/{name}", tmp_path).read_bytes() == b"content"
    url = f"{address}/latest.pth"
    folder = tmp_path / hashlib.sha256(url.encode()).hexdigest()[:8]
    folder.mkdir()
    (folder / ".latest.pth.part").write_bytes(b"old")
    assert fetch(url, tmp_path).read_bytes() == b"new content"
    assert handler.ranges == ["bytes=3-", None]


def test_a_mirror_takes_the_place_of_the_origin(shelf, tmp_path: Path, monkeypatch):
    address, handler = shelf
    handler.files["latest.pth"] = b"content"
    monkeypatch.setenv("HRPOSE_MIRROR", f"{address}/a/")
    path = fetch("https://download.openmmlab.com/mmpose/latest.pth", tmp_path)
    assert path.read_bytes() == b"content"
    assert handler.asked == ["/a/mmpose/latest.pth"]
    elsewhere = "https://download.openmmlab.com.example/latest.pth"
    assert mirrored(elsewhere) == elsewhere
    monkeypatch.setenv("HRPOSE_MIRROR", "localhost")
    with pytest.raises(CheckpointError, match=r"unknown url type: 'localhost/mmpose/x\.pth'"):
        fetch("https://download.openmmlab.com/mmpose/x.pth", tmp_path)


def test_two_at_once_download_once(shelf, tmp_path: Path, monkeypatch):
    address, handler = shelf
    data = b"content" * 1000
    name = hashed(data)
    handler.files[name] = data
    receive, inside, begin = download._receive, threading.Event(), threading.Event()

    def slowly(url, file):
        inside.set()
        assert begin.wait(10)
        return receive(url, file)

    monkeypatch.setattr(download, "_receive", slowly)
    found: list[Path] = []
    both = [
        threading.Thread(target=lambda: found.append(fetch(f"{address}/{name}", tmp_path)))
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    assert inside.wait(10)
    begin.set()
    for thread in both:
        thread.join(10)
    assert found == [tmp_path / name] * 2
    assert len(handler.asked) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "end", ["{}.PTH", "{}.pt", "{}.ckpt", "{}.pth.tar", "{}.safetensors", "{}_20210405.pth", "{}"]
)
@pytest.mark.parametrize("digits", [8, 64])
def test_a_promised_hash_is_read_in_any_case_and_before_any_suffix(end: str, digits: int):
    digest = hashlib.sha256(b"content").hexdigest()[:digits]
    ours = end if "." in end else end + ".pth"
    assert promised_digest("net-" + ours.format(digest)) == digest
    assert promised_digest("net-" + ours.format(digest.upper())) == digest


@pytest.mark.parametrize(
    "name",
    ["latest.pth", "net-20210405.pth", "net-20210405_1.pth", "net-20210405123456.pth",
     "net-0123abcd", "net0123abcd.pth", "net-0123abc.pth", "net-256x256.pth"],
)  # fmt: skip
def test_other_names_promise_none(name: str):
    assert promised_digest(name) == ""


def test_what_neither_hash_nor_length_vouches_for_is_said(shelf, tmp_path: Path, capsys):
    address, handler = shelf
    name = hashed(b"content")
    handler.files |= {"x.pth": b"content", name: b"content"}
    said: list[str] = []
    path = fetch(f"{address}/endless/x.pth?token=geheim", tmp_path, said.append)
    assert path.read_bytes() == b"content"
    assert said == [
        f"{address}/endless/x.pth?token=*** came without a length, and its name promises no hash: "
        f"nothing tells whether {path} is whole; compare its sha256, "
        f"{hashlib.sha256(b'content').hexdigest()}"
    ]
    fetch(f"{address}/endless/{name}", tmp_path, said.append)
    fetch(f"{address}/x.pth", tmp_path, said.append)
    assert len(said) == 1
    fetch(f"{address}/endless/x.pth", tmp_path)
    assert capsys.readouterr().err.startswith(f"warning: {address}/endless/x.pth came without")


def test_a_user_and_password_are_sent_and_not_shown(shelf, tmp_path: Path):
    address, handler = shelf
    handler.files["x.pth"] = b"content"
    host = address.removeprefix("http://")
    assert fetch(f"http://me:p%40ss@{host}/x.pth", tmp_path).read_bytes() == b"content"
    assert handler.authorized == ["Basic " + base64.b64encode(b"me:p@ss").decode()]
    with pytest.raises(CheckpointError) as caught:
        fetch(f"http://me:p%40ss@{host}/none.pth", tmp_path)
    assert str(caught.value).startswith(f"http://***@{host}/none.pth: could not be downloaded")


def test_redirects_lead_on_without_the_password(shelf, tmp_path: Path):
    address, handler = shelf
    handler.files["x.pth"] = b"content"
    host = address.removeprefix("http://")
    url = f"http://me:pass@{host}/to/{quote(f'{address}/there/x.pth', safe='')}/x.pth"
    assert fetch(url, tmp_path).read_bytes() == b"content"
    assert handler.asked[-1] == "/there/x.pth"
    assert handler.authorized == ["Basic " + base64.b64encode(b"me:pass").decode(), None]


def test_a_hidden_secret_is_asked_for(tmp_path: Path):
    with pytest.raises(CheckpointError, match="stands for a secret that is kept nowhere"):
        fetch("https://host/x.pth?token=***", tmp_path)
