"""Hand-made exports of label programs, in the forms that their documentation gives."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

from hrpose.convert.formats import ReadOptions

PLAIN = ReadOptions()


def picture(path: Path, width: int = 200, height: int = 100) -> Path:
    """A black PNG image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(width, height))
    return path


def png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
