"""What a number was made from: digests and versions."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

import hrpose
from hrpose.storage.addresses import without_secrets

if TYPE_CHECKING:
    import torch

_RUNTIMES = ("torch", "onnxruntime")


def page_digest(page: dict[str, Any]) -> str:
    """SHA-256 of a resolved config page, without the secrets of addresses in it, in hex.

    The order of keys does not matter.
    """
    text = json.dumps(without_secrets(page), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Digested(Protocol):
    """A data set, as far as it is known here."""

    def digest(self) -> str:
        """SHA-256, in hex, of all that decides what is in it."""


def identity(page: dict[str, Any], train: Digested, val: Digested | None) -> dict[str, Any]:
    """What a run is made of, as its checkpoints hold it."""
    return {
        "page": json.dumps(page),
        "config": page_digest(page),
        "train": train.digest(),
        "val": val.digest() if val is not None else "",
        "hrpose": versions()["hrpose"],
    }


def versions() -> dict[str, str]:
    """Versions of what computes; of the runtimes, those that are at work here."""
    loaded = {name: sys.modules[name] for name in _RUNTIMES if name in sys.modules}
    return {
        "hrpose": hrpose.__version__,
        "python": platform.python_version(),
        **{name: str(module.__version__) for name, module in loaded.items()},
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def machine(device: torch.device) -> str:
    """The device in words."""
    import torch  # an exported model is run without it

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {device.type}, {torch.get_num_threads()} threads"


def command() -> str:
    """The command line of this process as it can be typed again, without secrets in addresses."""
    program = Path(sys.argv[0])
    as_module = (program.parent.name, program.name) == ("hrpose", "__main__.py")
    if as_module or program.stem == "hrpose":  # hrpose.exe on Windows
        return " ".join(["hrpose", *without_secrets(sys.argv[1:])])
    return " ".join([Path(sys.executable).name, *without_secrets(sys.argv)])
