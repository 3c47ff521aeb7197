import pytest


@pytest.fixture
def av():
    """PyAV, which makes the films of these tests."""
    return pytest.importorskip("av", reason="PyAV (extra `video`) is not installed: no films")
