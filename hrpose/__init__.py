"""hrpose: top-down heatmap pose estimation of animals with HRNet."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrpose.api.load import load_model
    from hrpose.api.mmpose_names import inference_topdown, init_model

__version__ = "0.1.0"
__all__ = ["__version__", "inference_topdown", "init_model", "load_model"]
_HOMES = {
    "load_model": "hrpose.api.load",
    "init_model": "hrpose.api.mmpose_names",
    "inference_topdown": "hrpose.api.mmpose_names",
}
"""What stands in which module: these bring torch, and are imported when they are asked for."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hrpose' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
