"""What a number was made from: digests and versions."""

import hashlib
import json
import platform
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

import hrpose


def page_digest(page: dict[str, Any]) -> str:
    """SHA-256 of a resolved config page, in hex; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(page, sort_keys=True).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of what computes."""
    return {
        "hrpose": hrpose.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def machine(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} {device.type}, {torch.get_num_threads()} threads"


def command() -> str:
    """The command line of this process, as it can be typed again."""
    program = Path(sys.argv[0])
    as_module = (program.parent.name, program.name) == ("hrpose", "__main__.py")
    if as_module or program.stem == "hrpose":  # hrpose.exe on Windows
        return " ".join(["hrpose", *sys.argv[1:]])
    return " ".join([Path(sys.executable).name, *sys.argv])
