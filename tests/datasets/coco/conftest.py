import pytest

from hrpose.datasets.coco.stream import CocoStream


@pytest.fixture(params=["many", "one by one"])
def way(request, monkeypatch):
    """As most files are read, and as those are in which msgspec cannot be sure of anything."""
    if request.param == "one by one":
        monkeypatch.setattr(CocoStream, "_many", lambda self: None)
