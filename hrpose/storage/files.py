"""Files that are there whole or not at all, and the folder for what can be had again."""

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Give the file `path` the content `text`, by way of another file and a rename.

    Raises:
        OSError: it cannot be written; what stood at `path` still stands there.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def cache_folder() -> Path | None:
    """$HRPOSE_CACHE, or else ~/.cache/hrpose; None for a user without a home, as in containers."""
    try:
        return Path(os.environ.get("HRPOSE_CACHE") or "~/.cache/hrpose").expanduser()
    except RuntimeError:
        return None
