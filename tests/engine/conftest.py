from pathlib import Path

import pytest

from hrpose import config

TINY = Path(__file__).resolve().parent.parent / "pages" / "tiny.py"


@pytest.fixture
def tiny():
    """The tiny page, with the given changes."""
    return lambda *changes: config.load(TINY, changes)
