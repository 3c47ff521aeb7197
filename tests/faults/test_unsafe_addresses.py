"""Addresses that lead astray, or hold secrets."""

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
import torch
from runs import ROOT, TINY

from hrpose import config
from hrpose.engine.experiment import prepare
from hrpose.errors import CheckpointError
from hrpose.storage.addresses import without_secrets
from hrpose.storage.download import fetch


@pytest.mark.fault(
    name="an address that is none",
    does="a bracket left open, a port of letters or beyond 65535, no host; in CHECKPOINT and in "
    "--load-from, whose page is logged",
    expects="CheckpointError that shows the address without its secrets",
)
@pytest.mark.parametrize(
    "url", ["http://u:topsecret@[::1/x.pth", "http://h:port/x.pth", "http://127.0.0.1:99999/x.pth",
            "https:///x.pth"],
)  # fmt: skip
def test_no_address(tmp_path, happened, url):
    assert "topsecret" not in without_secrets(f"from {url}")
    with pytest.raises(CheckpointError, match=r"x\.pth: ") as caught:
        fetch(url, tmp_path / "cache")
    assert "topsecret" not in str(caught.value)
    happened("CheckpointError: http://***@[::1/x.pth: is no address: Invalid IPv6 URL")


@pytest.mark.fault(
    name="redirect to another kind of address",
    does="an http server sends on to ftp://, file:// and data: addresses",
    expects="refused; no file is read or kept",
)
@pytest.mark.parametrize(
    ("to", "why"),
    [("ftp://127.0.0.1:1/x.pth", "less safe"), ("file://{}", "not allowed"),
     ("data:,content", "not allowed")],
)  # fmt: skip
def test_other_schemes(shelf, tmp_path, happened, to, why):
    address, _ = shelf
    private = tmp_path / "private.pth"
    private.write_text("content")
    url = f"{address}/to/{quote(to.format(private), safe='')}/net.pth"
    with pytest.raises(CheckpointError, match=rf"net\.pth: could not be downloaded .*{why}"):
        fetch(url, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    happened("CheckpointError; the cache is empty")


class SendsDown(BaseHTTPRequestHandler):
    """An https server that sends on to `to`, as is."""

    to = ""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.to)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def tls(tmp_path, monkeypatch) -> Iterator[tuple[str, type[SendsDown]]]:
    """The address of an https server whose certificate is trusted, and its handler."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl here to make a certificate with")
    made = tmp_path / "tls.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made, "-out",
         tmp_path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", made)
    handler = type("OneSendsDown", (SendsDown,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


@pytest.mark.fault(
    name="redirect from https down to http",
    does="an https server sends on to an http address, which anybody on the way could answer",
    expects="refused; that address is not asked, and its token not shown",
)
def test_down_from_https(tls, shelf, tmp_path, happened):
    (secure, handler), (address, other) = tls, shelf
    other.files["net.pth"] = b"content"
    handler.to = f"{address}/net.pth?sig=geheim-1"
    with pytest.raises(CheckpointError, match=r"it leads on from https to .*less safe") as caught:
        fetch(f"{secure}/net.pth", tmp_path / "cache")
    assert "geheim" not in str(caught.value)
    assert other.asked == []
    happened("CheckpointError: it leads on from https to http://.../net.pth?sig=***, which is less "
             "safe; if you trust that, fetch the file yourself")  # fmt: skip


@pytest.mark.fault(
    name="promised hash in another spelling",
    does="the file's sha256 is not the one in its name, which has upper case letters, the suffix "
    ".pt, .ckpt, .pth.tar or .safetensors, or all 64 digits",
    expects="refused with both digests",
)
@pytest.mark.parametrize(
    "name",
    ["net-0123ABCD.PTH", "net-0123abcd.pt", "net-0123abcd_20210405.ckpt", "net-0123abcd.pth.tar",
     "net-0123abcd.safetensors", f"net-{'0123abcd' * 8}.pth"],
)  # fmt: skip
def test_spelling_of_hashes(shelf, tmp_path, happened, name):
    address, handler = shelf
    handler.files[name] = b"content"
    real = hashlib.sha256(b"content").hexdigest()[:8]
    with pytest.raises(CheckpointError, match=f"starts with {real}.*promises 0123abcd"):
        fetch(f"{address}/{name}", tmp_path)
    assert not list(tmp_path.iterdir())
    happened("CheckpointError: its sha256 starts with ..., its name promises 0123abcd")


@pytest.mark.fault(
    name="download that nothing vouches for",
    does="the server says no length, and the file's name promises no hash",
    expects="taken, with a warning that gives its sha256",
)
def test_nothing_vouches(shelf, tmp_path, happened):
    address, handler = shelf
    handler.files["net.pth"] = b"content"
    said: list[str] = []
    fetch(f"{address}/endless/net.pth", tmp_path, said.append)
    assert len(said) == 1
    assert said[0].endswith(hashlib.sha256(b"content").hexdigest())
    happened("warning: ... came without a length, and its name promises no hash: nothing tells "
             "whether ... is whole; compare its sha256, ...")  # fmt: skip


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, f"tools/{name}.py", str(TINY), *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


@pytest.mark.fault(
    name="secrets in addresses",
    does="tools/train.py --load-from and tools/test.py with addresses that hold a password and a "
    "token, which the server takes and refuses",
    expects="trained and tested, and refused; no file and no line shows the secrets",
)
def test_secrets(shelf, tmp_path, happened):
    address, handler = shelf
    torch.save(prepare(config.load(TINY)).model.state_dict(), tmp_path / "x.pth")
    handler.files["net.pth"] = (tmp_path / "x.pth").read_bytes()
    host = address.removeprefix("http://")
    secret = f"http://me:geheim-1@{host}/{{}}?token=geheim-2&X-Amz-Signature=geheim-3#geheim-4"
    run, refused = tmp_path / "run", tmp_path / "refused"
    options = ("--cfg-options", "runner.epochs=1", "data.workers=0")
    trained = tool("train", "--load-from", secret.format("net.pth"), "--work-dir", run, *options)
    tested = tool("test", secret.format("net.pth"), "--work-dir", run / "test", *options)
    missing = tool("train", "--load-from", secret.format("none.pth"), "--work-dir", refused)
    mistyped = tool("train", "--load-from", secret.format("a b.pth"), "--work-dir", refused)
    assert (trained.returncode, tested.returncode) == (0, 0), trained.stderr + tested.stderr
    assert (missing.returncode, mistyped.returncode) == (2, 2)
    shown = f"http://***@{host}/none.pth?token=***&X-Amz-Signature=***#***"
    assert f"{shown}: could not be downloaded" in missing.stderr
    for done in (trained, tested, missing, mistyped):
        assert "geheim" not in done.stdout + done.stderr
    files = [path for path in (*run.rglob("*"), *refused.rglob("*")) if path.is_file()]
    names = {path.name for path in files}
    assert {"latest.pth", "train.log", "config.py", "metrics.json"} <= names
    assert [path for path in files if b"geheim" in path.read_bytes()] == []
    assert "?token=***&X-Amz-Signature=***" in (run / "config.py").read_text()
    happened("trained, tested and refused; *** stands in train.log, config.py, metrics.json, the "
             "checkpoints and the messages")  # fmt: skip


class Odd(BaseHTTPRequestHandler):
    """Answers a request for all of a file with a part of it."""

    def do_GET(self):
        self.send_response(206)
        self.send_header("Content-Length", "5")
        self.send_header("Content-Range", "bytes 45-49/50")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


@pytest.mark.fault(
    name="a server that sends a part for the whole",
    does="status 206 with the last 5 of 50 bytes, where all was asked for; no hash in the name",
    expects="CheckpointError; nothing stays in the cache",
)
def test_part_for_the_whole(tmp_path, happened):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(CheckpointError, match="a part although all was asked for"):
            fetch(f"http://127.0.0.1:{server.server_port}/x.pth", tmp_path)
    finally:
        server.shutdown()
        server.server_close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    happened("CheckpointError: the server sent a part although all was asked for")


@pytest.mark.fault(
    name="an address whose file has no proper name",
    does="the last part is `..`, or holds a line break or a null character, plain or encoded",
    expects="CheckpointError before anything is asked or written",
)
@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%0ab.pth", "a%1b[31m.pth", "%00.pth"])
def test_no_proper_name(tmp_path, happened, name):
    with pytest.raises(CheckpointError, match="this address names no file"):
        fetch(f"http://127.0.0.1:1/{name}", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    happened("CheckpointError: this address names no file")
