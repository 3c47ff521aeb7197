import pytest
import torch

from hrpose.engine.placement import resolve_precision


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "fp16")])
def test_amp_takes_fp16_where_bf16_is_only_emulated(monkeypatch, native, expected):
    """torch counts a V100 or T4 as having bf16, though it emulates it."""
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or native,
    )
    assert resolve_precision("amp", torch.device("cuda", 0)) == expected
    assert resolve_precision("amp", torch.device("cpu")) == "bf16"
    assert resolve_precision("fp32", torch.device("cuda", 0)) == "fp32"
