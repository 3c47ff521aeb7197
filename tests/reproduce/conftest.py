"""One small world for all tests here: a tiny Horse-10 page with its checkpoint, data and server."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from stand_in import ROOT, Handler, make_data, publish, serving, write_metafile

from hrpose.reproduce import Request, reproduce

TINY = f"""
_base_ = {str(ROOT / "configs/animal/hrnet/horse10/hrnet_w32_horse10_256x256-split1.py")!r}
codec = dict(input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
model = dict(backbone=dict(width=4))
pretrained = None
data = dict(workers=0, batch_size=2)
runner = dict(epochs=1, device="cpu", base_batch_size=4)
"""


@dataclass
class World:
    """Where everything is; `run` is the tool without its command line."""

    folder: Path
    address: str
    server: type[Handler]
    rows: list[dict[str, Any]]
    request: Request

    def run(self, **changes: Any) -> int:
        """Write the metafile of `rows` and reproduce."""
        write_metafile(self.request.metafile, self.rows)
        return reproduce(replace(self.request, **changes))

    def results(self) -> dict[str, Any]:
        """The rows of results.json."""
        return json.loads((self.request.work_dir / "results.json").read_text())["rows"]


@pytest.fixture(scope="session")
def samples() -> Path | None:
    """The real images where there are some."""
    folder = os.environ.get("HRPOSE_DATA")
    return Path(folder) / "mmpose-samples" if folder else None


@pytest.fixture
def world(tmp_path: Path, samples: Path | None, monkeypatch) -> Iterator[World]:
    make_data(tmp_path / "data", samples)
    page = tmp_path / "hrnet_tiny_horse10_64x64-split1.py"
    page.write_text(TINY)
    rows = [publish(tmp_path / "shelf", page, {"PCK@0.3": 0.5, "NME": 0.5})]
    with serving(tmp_path / "shelf") as (address, server):
        monkeypatch.setenv("HRPOSE_MIRROR", address)
        monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
        request = Request(
            metafile=tmp_path / "metafile.json",
            work_dir=tmp_path / "work",
            data_root=tmp_path / "data",
        )
        yield World(tmp_path, address, server, rows, request)
