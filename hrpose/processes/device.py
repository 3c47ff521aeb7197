"""The device of this process, and how torch works there."""

from __future__ import annotations

import copy
import ctypes
import math
import os
import time

import torch

from hrpose.errors import RunError
from hrpose.processes import distributed

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of mallopt's numbers in malloc.h


def choose_device(name: str = "auto") -> torch.device:
    """The device of this process: a GPU if there is one (one per local rank), MPS, else the CPU.

    Raises:
        RunError: there is no such device here.
    """
    mps = getattr(torch.backends, "mps", None)
    has_mps = bool(mps and mps.is_available())
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise RunError(f"device '{name}': expected auto, cpu, cuda, cuda:1 or mps") from None
    if device.type == "mps" and not has_mps:
        raise RunError("device is 'mps', but torch sees none here; use 'auto' or 'cpu'")
    if device.type != "cuda":
        return device
    if not torch.cuda.is_available():
        raise RunError(f"device is '{name}', but torch sees no GPU; use 'auto' or 'cpu'")
    count = torch.cuda.device_count()
    if device.index is None:
        local = distributed.launched().local_rank
        if local >= count:
            raise RunError(
                f"local process {local} has no GPU of its own: this machine has {count}; "
                "start torchrun with --nproc-per-node of at most that"
            )
        device = torch.device("cuda", local)
    elif device.index >= count:
        raise RunError(f"device is '{name}', but this machine has {count} GPU(s), from cuda:0 on")
    torch.cuda.set_device(device)
    return device


def set_backends(deterministic: bool, device: torch.device, tf32: bool = True) -> None:
    """Deterministic kernels only, or else the fastest that cuDNN finds by trying; and on the CPU
    freed memory is kept.

    Args:
        tf32: whether convolutions in fp32 may round to TF32 on a GPU; they never do where
            `deterministic` is asked for. Matrix products do not, as torch has it.
    """
    torch.backends.cudnn.allow_tf32 = tf32 and not deterministic
    if device.type == "cpu":
        keep_freed_memory()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else cuBLAS refuses
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    elif device.type == "cuda":
        torch.backends.cudnn.benchmark = True


def arithmetic(precision: str, device: torch.device) -> str:
    """`precision` in words: what fp32 is on a GPU is not said by its name."""
    if precision == "fp32" and device.type == "cuda" and torch.backends.cudnn.allow_tf32:
        return "fp32 (convolutions in TF32)"
    return precision


def has_bf16() -> bool:
    """Whether this processor multiplies bf16 by itself (AVX512_BF16 or AMX)."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in names)


def gain_of_bf16(seconds: float = 0.5) -> float:
    """How many times as fast a convolution in bf16 is here as in fp32, by the fastest run of each.

    It is one of HRNet's: 3x3, 64 channels, 64x64 cells, 8 images.

    Args:
        seconds: to measure, in all; each is run twice at least.
    """
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(memory_format=torch.channels_last)
    cells = torch.randn(8, 64, 64, 64).to(memory_format=torch.channels_last)
    tried = [(layer, cells), (copy.deepcopy(layer).bfloat16(), cells.bfloat16())]
    best = [math.inf, math.inf]
    end, rounds = time.perf_counter() + seconds, 0
    with torch.inference_mode():
        while rounds < 2 or time.perf_counter() < end:
            for place, (convolve, images) in enumerate(tried):
                start = time.perf_counter()
                convolve(images)
                best[place] = min(best[place], time.perf_counter() - start)
            rounds += 1
    return best[0] / best[1]


def keep_freed_memory() -> bool:
    """Let later tensors on the CPU reuse the memory of earlier ones; true where that is possible.

    By its own rules glibc gives the memory of large tensors back at once, and the kernel clears it,
    page by page, for the next: 8% of a training step of W32 on two cores. From now on this process
    holds what it has needed at its peak. Other C libraries go on by their own rules.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError, OSError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, 1 << 30) and mallopt(_TRIM_THRESHOLD, -1))
