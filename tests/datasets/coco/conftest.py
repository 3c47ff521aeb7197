import pytest

from hrpose.datasets.coco import stream


@pytest.fixture(params=["json", "msgspec"])
def way(request, monkeypatch):
    """With and without the extra `fast`."""
    if request.param == "msgspec":
        pytest.importorskip("msgspec")
    else:
        monkeypatch.setattr(stream, "_msgspec", None)
