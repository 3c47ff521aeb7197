"""A checkpoint's own digest: whether what is read is what was written, to the bit."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hrpose.errors import CheckpointError

KEY = "content_sha256"
"""Where a checkpoint keeps the digest of everything else in it."""
_NUMBERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""By bytes an element: what NumPy knows, as it does not bfloat16."""


def sealed(state: Mapping[str, Any]) -> dict[str, Any]:
    """`state` on the CPU, with the digest of its content."""
    content = {key: _on_cpu(value) for key, value in state.items() if key != KEY}
    return {**content, KEY: content_digest(content)}


def check_seal(state: Any, path: Path) -> None:
    """CheckpointError if `state`, read from `path`, has a digest and it is not that of its content.

    Other programs' files have none and pass.
    """
    if not isinstance(state, dict) or KEY not in state:
        return
    if content_digest({key: value for key, value in state.items() if key != KEY}) != state[KEY]:
        raise CheckpointError(
            f"{path}: damaged: its content is not what was written (the digest differs); "
            "take an older checkpoint, or copy the file again"
        )


def content_digest(value: Any) -> str:
    """SHA-256, in hex, of nested dicts, lists, tuples, tensors and plain values."""
    content = _Content()
    content.feed(value)
    return content.digest.hexdigest()


class _Content:
    """What goes into a digest, piece by piece."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self._room = np.empty(0, np.uint8)

    def feed(self, value: Any) -> None:
        """One value and all that it holds."""
        if isinstance(value, torch.Tensor):
            self.digest.update(f"tensor {value.dtype} {tuple(value.shape)} ".encode())
            self.digest.update(self._bytes(value.detach().cpu()))
        elif isinstance(value, Mapping):
            self.digest.update(f"dict {len(value)} ".encode())
            for key, item in value.items():
                self.feed(key)
                self.feed(item)
        elif isinstance(value, list | tuple):
            self.digest.update(f"{type(value).__name__} {len(value)} ".encode())
            for item in value:
                self.feed(item)
        else:
            self.digest.update(f"{value!r} ".encode())

    def _bytes(self, value: torch.Tensor) -> memoryview:
        """The bytes of a tensor in the order of its indices, to be used before the next call.

        NumPy puts channels_last weights into that order, all in one room and in this thread: torch
        would wake its threads for each of some hundred small tensors, and take memory anew.
        """
        number = _NUMBERS.get(value.element_size())
        if value.is_contiguous() or number is None or value.layout is not torch.strided:
            return value.contiguous().reshape(-1).view(torch.uint8).numpy().data
        lying = value.view(number).numpy()
        if lying.nbytes > len(self._room):
            self._room = np.empty(lying.nbytes, np.uint8)
        ordered = self._room[: lying.nbytes]
        ordered.view(lying.dtype).reshape(lying.shape)[...] = lying
        return ordered.data


def _on_cpu(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return {key: _on_cpu(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_on_cpu(item) for item in value)
    return value
