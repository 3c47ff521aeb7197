import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from hrpose import cli


@pytest.fixture
def convert(monkeypatch, capsys):
    """`hrpose convert` with these words: exit status, and what it printed on both ways."""

    def run(*words) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["hrpose", "convert", *map(str, words)])
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@pytest.fixture
def picture():
    """Writes an image of this size, each a little different."""

    def write(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full(
            (size[1], size[0], 3), sum(f"{path.parent.name}{path.name}".encode()) % 256, np.uint8
        )
        cv2.imwrite(str(path), pixels)
        return path

    return write
