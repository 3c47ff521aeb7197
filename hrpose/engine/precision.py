"""Arithmetic: fp32, or autocast to bf16 or fp16; deterministic kernels or the fastest."""

import os
from contextlib import nullcontext
from typing import Any

import torch

from hrpose.engine.allocator import keep_freed_memory

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(precision: str, device: torch.device) -> str:
    """'amp' made concrete: bf16 where the device has it, fp16 on older GPUs."""
    if precision != "amp":
        return precision
    if device.type != "cuda":
        return "bf16"
    # emulated bf16, which torch counts as support, is slow and has no convolutions
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


def autocast(precision: str, device: torch.device) -> Any:
    """The context of a forward pass."""
    dtype = PRECISIONS[precision]
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def set_backends(deterministic: bool, device: torch.device) -> None:
    """Deterministic kernels only, or else the fastest that cuDNN finds by trying; and on the CPU
    freed memory is kept.
    """
    if device.type == "cpu":
        keep_freed_memory()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS refuses
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    elif device.type == "cuda":
        torch.backends.cudnn.benchmark = True
