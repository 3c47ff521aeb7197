import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, settings

from hrpose.processes.sharing import spin_briefly

spin_briefly()  # as the command does; without it a second busy program makes the tests take hours
EXAMPLES = os.environ.get("HRPOSE_EXAMPLES")
# each run draws the same few cases; HRPOSE_EXAMPLES=1000 draws as many new ones for each property
settings.register_profile(
    "hrpose",
    max_examples=int(EXAMPLES or 25),
    derandomize=EXAMPLES is None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("hrpose")

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "tests" / "pages" / "tiny.py"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory) -> None:
    """What tests keep does not go into the user's cache folder."""
    os.environ["HRPOSE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def golden() -> Path:
    """Numbers measured on MMPose, copied from the reference set (tests/golden/README.md)."""
    return ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data named by HRPOSE_DATA; tests that want it are skipped without."""
    folder = os.environ.get("HRPOSE_DATA")
    if not folder:
        pytest.skip("real data: set HRPOSE_DATA to the folder that holds it")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"HRPOSE_DATA={folder} is not a folder")
    return path


@pytest.fixture(scope="session")
def tiny():
    """The tiny page, with the given changes."""
    from hrpose import config

    return lambda *changes: config.load(TINY, changes)


class Shelf(BaseHTTPRequestHandler):
    """Serves `files`, parts of them too; a path under /cut/ breaks off half way each time.

    A path under /whole/ knows no parts, one under /endless/ says no length, and /to/X leads to X.
    """

    files: dict[str, bytes]
    asked: list[str]
    ranges: list[str | None]
    authorized: list[str | None]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.ranges.append(self.headers["Range"])
        self.authorized.append(self.headers["Authorization"])
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", unquote(self.path.split("/")[2]))
            self.end_headers()
            return
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
        if not self.path.startswith("/endless/"):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.path.startswith("/cut/") else data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shelf() -> Iterator[tuple[str, type[Shelf]]]:
    """The address of a server on this machine, and what it serves and was asked for."""
    lists = {name: [] for name in ("asked", "ranges", "authorized")}
    handler = type("OneShelf", (Shelf,), {"files": {}, **lists})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()
    thread.join()
