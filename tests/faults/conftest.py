"""Fault tests: one per fault that a run can meet, read by tools/fault_report.py.

A test here carries `@pytest.mark.fault(name=..., does=..., expects=...)`, three short texts, and
says what happened through the fixture `happened`. Cases of one test under one name become one row.
A file is an area of the report; the first line of its docstring is the heading.
"""

from collections.abc import Callable, Iterator

import pytest
from herds import Herd


@pytest.fixture(autouse=True)
def happened(request, record_property) -> Iterator[Callable[[str], None]]:
    """Takes the sentence on what happened, once the test knows that it is right."""
    marker = request.node.get_closest_marker("fault")
    if marker is None or set(marker.kwargs) != {"name", "does", "expects"}:
        pytest.fail("a fault test needs @pytest.mark.fault(name=, does=, expects=)", pytrace=False)
    for key, text in marker.kwargs.items():
        record_property(key, text)
    yield lambda sentence: record_property("happened", sentence)


@pytest.fixture
def herd(tmp_path, monkeypatch) -> Herd:
    """A small data set on disk, and a cache folder of its own."""
    monkeypatch.setenv("HRPOSE_CACHE", str(tmp_path / "cache"))
    return Herd(tmp_path / "herd")
