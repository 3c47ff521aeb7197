"""SHA-256 of files, and the part of it that the names of published files promise."""

import hashlib
import re
from pathlib import Path

CHUNK = 1 << 20
HASHED_NAME = re.compile(
    r"-(?!20\d{6}[._]|\d{9,}[._])([0-9a-f]{8}|[0-9a-f]{64})([_-]\d{8})?(\.[a-z]\w*)+$",
    re.IGNORECASE,
)
"""A name that ends in 8 or all 64 hex digits of its file's sha256, maybe a date, and a suffix.

A date alone, or another long number, is no hash.
"""


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def promised_digest(name: str) -> str:
    """The hex digits that a file's sha256 starts with, as its name has them; '' if it has none."""
    found = HASHED_NAME.search(name)
    return found[1].lower() if found else ""
