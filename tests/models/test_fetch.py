"""Weights from addresses, served by this machine: cached, checked, whole or not at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tiny import model, same, save

from hrpose.errors import CheckpointError
from hrpose.models.weights import fetch, load_weights


class Shelf(BaseHTTPRequestHandler):
    """Serves `files`; a path under /cut/ breaks off half way."""

    files: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        data = self.files.get(self.path.split("?")[0].rpartition("/")[2])
        if data is None:
            self.send_error(404, "Not Found")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path.startswith("/cut/") else data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shelf() -> Iterator[tuple[str, type[Shelf]]]:
    handler = type("OneShelf", (Shelf,), {"files": {}, "asked": []})
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
