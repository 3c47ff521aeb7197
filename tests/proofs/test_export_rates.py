import sys

import pytest
import torch
from proofs import export_rates

from hrpose import config
from hrpose.engine.experiment import prepare

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason="extra export")


@pytest.mark.slow
def test_four_ways_are_compared(tiny, tmp_path, monkeypatch, capsys):
    model = prepare(config.load(tiny)).model
    model.keypoint_head.final_layer.bias.data.fill_(0.5)  # torch is sure of all points
    torch.save({"state_dict": model.state_dict()}, tmp_path / "weights.pth")
    words = [tiny, str(tmp_path / "weights.pth"), "--turns", "2", "--count", "8"]
    monkeypatch.setattr(sys, "argv", ["export_rates.py", *words])
    export_rates.main()
    said = capsys.readouterr().out
    for name in ("torch bf16", "ONNX fp32", "ONNX int8"):
        for size in (1, 8):
            assert f"batch {size}: {name}: " in said
        assert f"{name} moves 264 of 264 points of 12 crops by " in said
    assert "torch fp32 1.000 (1.000, 1.000), by CPU time 1.000" in said
