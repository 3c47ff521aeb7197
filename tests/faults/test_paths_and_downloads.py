"""Paths, downloads and foreign checkpoints."""

import hashlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from hrpose import config
from hrpose.datasets.synthetic import write_coco
from hrpose.engine.experiment import read_dataset
from hrpose.errors import CheckpointError
from hrpose.models.weights import read_state_dict
from hrpose.rundir import checkpoints
from hrpose.storage.download import fetch

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = ROOT / "tests/pages/tiny.py"


@pytest.mark.fault(
    name="non-ASCII and spaced paths",
    does="tools/train.py with page, annotations, images and run directory below `Žemaitis 馬 (1)`",
    expects="a whole training and validation; every file is where it belongs",
)
def test_paths_with_spaces_and_letters(tmp_path, happened):
    folder = tmp_path / "Žemaitis 馬 (1)"
    write_coco(read_dataset(config.load(TINY), "val"), folder / "Bilder für später")
    page = folder / "meine Seite é.py"
    page.write_text(
        f"_base_ = {os.path.relpath(TINY, folder)!r}\n"
        "_files = dict(_delete_=True, type='CocoPoseDataset', ann_file='annotations.json', "
        f"img_root='images', root={str(folder / 'Bilder für später')!r})\n"
        "data = dict(workers=1, train=_files, val=_files, test=_files)\n",
        encoding="utf-8",
    )
    run = folder / "Lauf Nr. 1"
    done = subprocess.run(
        [sys.executable, "tools/train.py", page, "--work-dir", run,
         "--cfg-options", "runner.epochs=1"],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", "HRPOSE_CACHE": str(folder / "中")},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = {path.name for path in run.iterdir()}
    assert {"latest.pth", "epoch_1.pth", "metrics.jsonl", "curves.png", "config.py"} <= names
    assert list(run.glob("best_PCK@0.3_epoch_1.pth"))
    assert config.load(run / "config.py")["data"]["train"]["root"].endswith("Bilder für später")
    happened("one epoch trained and validated; checkpoints, log, curves and config are there")


class Server(BaseHTTPRequestHandler):
    """Sends 100 bytes; below /cut/ it promises 200."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "200" if self.path.startswith("/cut/") else "100")
        self.end_headers()
        self.wfile.write(bytes(100))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.fault(
    name="download with the wrong hash",
    does="the file's sha256 is not the one that its name promises",
    expects="refused with both digests; nothing stays in the cache",
)
def test_wrong_hash(address, tmp_path, happened):
    real = hashlib.sha256(bytes(100)).hexdigest()[:8]
    with pytest.raises(CheckpointError, match=f"starts with {real}, its name promises 0123abcd"):
        fetch(f"{address}/net-0123abcd.pth", tmp_path)
    assert not list(tmp_path.iterdir())
    happened("CheckpointError: its sha256 starts with ..., its name promises ...; the cache is "
             "empty")  # fmt: skip


@pytest.mark.fault(
    name="download cut off",
    does="the server promises 200 bytes and sends 100",
    expects="refused with both numbers; no file under the name",
)
def test_cut_off(address, tmp_path, happened):
    with pytest.raises(CheckpointError, match="broke off after 100 of 200 bytes"):
        fetch(f"{address}/cut/net.pth", tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    happened("CheckpointError: broke off after 100 of 200 bytes; the cache is empty")


@pytest.mark.fault(
    name="download server down",
    does="nobody answers at the address",
    expects="an error with the address and the reason, at once",
)
def test_server_down(tmp_path, happened):
    with pytest.raises(CheckpointError, match=r"1/net\.pth: could not be downloaded .*refused"):
        fetch("http://127.0.0.1:1/net.pth", tmp_path)
    happened("CheckpointError: http://127.0.0.1:1/net.pth: could not be downloaded to ...: "
             "connection refused")  # fmt: skip


class Hostile:
    """Runs a command where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


@pytest.mark.fault(
    name="hostile checkpoint",
    does="a pickle that runs a command where it is unpickled: bare, in a torch file, as one entry "
    "beside real weights; read as weights, and to resume",
    expects="nothing is executed; refused by name",
)
@pytest.mark.parametrize(
    "read", [read_state_dict, checkpoints.read_training], ids=["weights", "resume"]
)
@pytest.mark.parametrize("form", ["pickle", "torch", "entry"])
def test_hostile_checkpoint(tmp_path, happened, read, form):
    trace, path = tmp_path / "executed", tmp_path / "net.pth"
    hostile = Hostile(trace)
    if form == "pickle":
        path.write_bytes(pickle.dumps(hostile))
    elif form == "torch":
        torch.save(hostile, path)
    else:
        torch.save({"state_dict": {"weight": torch.zeros(1)}, "meta": hostile}, path)
    with pytest.raises(CheckpointError, match=r"net\.pth"):
        read(path)
    assert not trace.exists()
    if form == "pickle":
        pickle.loads(path.read_bytes())
        assert trace.exists(), "the pickle does what it is said to do"
    happened("CheckpointError names the file; the command was not run, which a plain unpickling "
             "does run")  # fmt: skip


@pytest.mark.fault(
    name="name that no encoding holds",
    does="checkpoint and run directory below a folder whose name is no UTF-8; tools/train.py",
    expects="the message names the file; train.log has its lines; no traceback",
)
def test_name_that_is_not_utf8(tmp_path, happened):
    folder = Path(os.fsdecode(bytes(tmp_path / "run-") + b"\xff"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("no such names on this file system")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/train.py"), str(TINY), "--work-dir", str(folder),
         "--load-from", str(folder / "gone.pth")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stdout + done.stderr
    assert "gone.pth: no such checkpoint" in done.stderr and "run-\\udcff" in done.stderr
    assert "run-\\udcff" in (folder / "train.log").read_text(encoding="utf-8")
    happened("CheckpointError: .../run-\\udcff/gone.pth: no such checkpoint")
