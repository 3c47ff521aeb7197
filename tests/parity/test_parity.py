"""All links as tests: on the whole reference set where HRPOSE_GOLDEN names its folder, and on the
copies in tests/golden for what no other test compares.
"""

import os
from pathlib import Path

import pytest

from parity import LINKS, Reference


def named(links):
    return [pytest.param(link, id=link.name) for link in links]


def marked(links):
    return [
        pytest.param(link, id=link.name, marks=[pytest.mark.slow] if link.slow else [])
        for link in links
    ]


@pytest.fixture(scope="session")
def whole_set(data_dir) -> Reference:
    folder = os.environ.get("HRPOSE_GOLDEN")
    if not folder:
        pytest.skip("the reference set: set HRPOSE_GOLDEN to the folder that holds it")
    return Reference(Path(folder), data_dir)


@pytest.fixture(scope="session")
def copies(golden, data_dir) -> Reference:
    return Reference(golden, data_dir)


def check(link, reference):
    measured = link.measure(reference)
    assert link.holds(measured), f"{measured.difference} of {link.tolerance} {link.unit}"


@pytest.mark.parametrize("link", marked(LINKS))
def test_link(link, whole_set):
    check(link, whole_set)


@pytest.mark.parametrize(
    "link", named(link for link in LINKS if link.chapter == "End to end" or "db_" in link.files)
)
def test_link_on_the_copies(link, copies):
    """Sample images end to end, the file of predictions, the records."""
    check(link, copies)


@pytest.mark.parametrize("link", named(link for link in LINKS if "distribution" in link.name))
def test_same_distribution(link):
    """Two samples of 20,000 draws each, ours and the reference's formula; no file is needed."""
    check(link, Reference(Path(), Path()))
