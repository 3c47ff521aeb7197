"""YAML files of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrpose.errors import DataError


def read_yaml(path: Path) -> dict[str, Any]:
    """The keys and values of the YAML file `path`; plain values only, nothing in it is run.

    Raises:
        DataError: it cannot be read, is no YAML, or holds something else.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: bytes, huge numbers
        raise DataError(f"{path}: is no YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected keys and values")
    return content
