"""A checkpoint's own digest: whether what is read is what was written, to the bit."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hrpose.errors import CheckpointError

KEY = "content_sha256"
"""Where a checkpoint keeps the digest of everything else in it."""


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
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        digest.update(f"tensor {value.dtype} {tuple(value.shape)} ".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy())
    elif isinstance(value, Mapping):
        digest.update(f"dict {len(value)} ".encode())
        for key, item in value.items():
            _feed(digest, key)
            _feed(digest, item)
    elif isinstance(value, list | tuple):
        digest.update(f"{type(value).__name__} {len(value)} ".encode())
        for item in value:
            _feed(digest, item)
    else:
        digest.update(f"{value!r} ".encode())


def _on_cpu(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return {key: _on_cpu(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_on_cpu(item) for item in value)
    return value
