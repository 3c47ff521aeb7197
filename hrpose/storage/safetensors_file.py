"""Weights as .safetensors: tensors, and beside them texts by name; made as bytes, and read.

The content is that of a published .pth: 'state_dict', 'meta' (texts), and the digest of both. The
format keeps no order of tensors, so they stand by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hrpose.environment import require
from hrpose.errors import CheckpointError
from hrpose.storage.seal import KEY, content_digest

SUFFIX = ".safetensors"


def to_bytes(state_dict: Mapping[str, Any], meta: Mapping[str, str]) -> bytes:
    """The file with these weights and texts.

    Raises:
        RunError: the package safetensors is missing.
    """
    library = require("safetensors.torch", "export", "writing .safetensors")
    content = _content(
        # a memory of its own, in the common layout: the format has no other
        {key: value.detach().cpu().contiguous().clone() for key, value in state_dict.items()},
        meta,
    )
    texts = {**content["meta"], KEY: content_digest(content)}
    return library.save(content["state_dict"], texts)


def read(path: Path) -> dict[str, Any]:
    """'state_dict', 'meta', and where the file has it the digest of both, not yet checked.

    Raises:
        CheckpointError: it cannot be read, or is damaged.
        RunError: the package safetensors is missing.
    """
    library = require("safetensors", "export", f"reading {path}")
    try:
        with library.safe_open(path, framework="pt", device="cpu") as file:
            texts = dict(file.metadata() or {})
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except OSError as error:
        why = error.strerror or error
        raise CheckpointError(f"{path}: cannot be read: {why}") from error
    except library.SafetensorError as error:
        raise CheckpointError(
            f"{path}: not a readable .safetensors file: cut off, damaged, or another kind of file "
            f"({error})"
        ) from error
    digest = texts.pop(KEY, None)
    return _content(tensors, texts) | ({KEY: digest} if digest else {})


def _content(state_dict: Mapping[str, Any], meta: Mapping[str, str]) -> dict[str, Any]:
    return {
        "state_dict": {key: state_dict[key] for key in sorted(state_dict)},
        "meta": {key: meta[key] for key in sorted(meta)},
    }
