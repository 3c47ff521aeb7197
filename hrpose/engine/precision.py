"""Arithmetic of the forward pass: fp32, or autocast to bf16 or fp16."""

from contextlib import nullcontext
from typing import Any

import torch

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(precision: str, device: torch.device) -> str:
    """'amp' made concrete: bf16 where the device has it, fp16 on older GPUs."""
    if precision != "amp":
        return precision
    return "fp16" if device.type == "cuda" and not torch.cuda.is_bf16_supported() else "bf16"


def autocast(precision: str, device: torch.device) -> Any:
    """The context of a forward pass."""
    dtype = PRECISIONS[precision]
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)
