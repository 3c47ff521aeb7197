"""The device of this process, and how torch works there."""

from __future__ import annotations

import ctypes
import os

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
