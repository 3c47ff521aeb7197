import sys
from pathlib import Path

import pytest
import torch

from hrpose import cli, config
from hrpose.datasets.synthetic import write_coco
from hrpose.engine.experiment import prepare

TINY = Path(__file__).resolve().parents[1] / "pages" / "tiny.py"


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """Random weights of the tiny page, with peaks of about 1."""
    model = prepare(config.load(TINY)).model.eval()
    layer = model.keypoint_head.final_layer
    with torch.no_grad():
        noise = torch.randint(0, 255, (4, 3, 64, 64), dtype=torch.uint8)
        layer.weight /= model(noise).std() * 2
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save({"state_dict": model.state_dict()}, path)
    return path


@pytest.fixture(scope="session")
def herd(tmp_path_factory) -> Path:
    """A folder with images/000000.png to 000005.png and annotations.json with their boxes."""
    folder = tmp_path_factory.mktemp("herd")
    write_coco(prepare(config.load(TINY)).dataset("test"), folder)
    return folder


@pytest.fixture
def predict(checkpoint, monkeypatch, tmp_path):
    """Runs `hrpose predict` with the tiny page into tmp_path/out; gives the exit status."""

    def run(*words: object) -> int:
        line = ["hrpose", TINY, checkpoint, *words]
        if "--out" not in line:
            line += ["--out", tmp_path / "out"]
        monkeypatch.setattr(sys, "argv", [str(word) for word in line])
        try:
            cli.main("predict")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run
