"""How this process gets memory from the operating system."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of mallopt's numbers in malloc.h


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
