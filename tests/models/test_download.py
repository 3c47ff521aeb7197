"""Weights from addresses, served by this machine: cached, checked, whole or not at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tiny import model, same, save

from hrpose.errors import CheckpointError
from hrpose.models.weights import load_weights
from hrpose.storage import download
from hrpose.storage.download import fetch


class Shelf(BaseHTTPRequestHandler):
    """Serves `files`, parts of them too; a path under /cut/ breaks off half way each time.

    A path under /whole/ knows no parts.
    """

    files: dict[str, bytes]
    asked: list[str]
    ranges: list[str | None]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.ranges.append(self.headers["Range"])
        data = self.files.get(self.path.split("?")[0].rpartition("/")[2])
        if data is None:
            self.send_error(404, "Not Found")
            return
        start = 0
        if self.headers["Range"] and not self.path.startswith("/whole/"):
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if start >= len(data):
            self.send_error(416, "Range Not Satisfiable")
            return
        self.send_response(206 if start else 200)
        data = data[start:]
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path.startswith("/cut/") else data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shelf() -> Iterator[tuple[str, type[Shelf]]]:
    handler = type("OneShelf", (Shelf,), {"files": {}, "asked": [], "ranges": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def hashed(data: bytes, date: str = "") -> str:
    return f"net-{hashlib.sha256(data).hexdigest()[:8]}{date}.pth"


def test_an_address_is_fetched_once(shelf, tmp_path: Path, monkeypatch):
    address, handler = shelf
    state = model(seed=1).state_dict()
    data = save(state, tmp_path / "x.pth").read_bytes()
    name = hashed(data, "_20210405")
    handler.files[name] = data
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    target = model(seed=2)
    line = load_weights(target, f"{address}/{name}", strict=True)
    assert same(target.state_dict(), state)
    kept = tmp_path / "cache" / name
    assert line.endswith(f"entries from {address}/{name} (kept at {kept})")
    assert fetch(f"{address}/{name}") == kept
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
    assert download.mirrored(elsewhere) == elsewhere
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
        receive(url, file)

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
