"""All links as tests: on the whole reference set where HRPOSE_GOLDEN names its folder, and on the
copies in tests/golden for what no other test compares.
"""

import os
from pathlib import Path

import pytest

from parity import LINKS, Reference


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


def check(link, reference):
    measured = link.measure(reference)
    assert link.holds(measured), f"{measured.difference} of {link.tolerance} {link.unit}"


@pytest.mark.parametrize("link", marked(LINKS))
def test_link(link, whole_set):
    check(link, whole_set)


def without_images(link):
    """Links of models and training, but for the outputs of the stages, which are not copied."""
    return link.chapter in ("Model", "Training") and "stage" not in link.name


@pytest.mark.parametrize("link", marked(filter(without_images, LINKS)))
def test_link_on_the_copies(link, golden):
    check(link, Reference(golden, golden))


@pytest.mark.parametrize(
    "link", marked(link for link in LINKS if link.chapter == "End to end" or "db_" in link.files)
)
def test_link_on_the_copies_and_sample_images(link, golden, data_dir):
    """Sample images end to end, the file of predictions, the records."""
    check(link, Reference(golden, data_dir))


@pytest.mark.parametrize("link", marked(link for link in LINKS if "distribution" in link.name))
def test_same_distribution(link):
    """Two samples of 20,000 draws each, ours and the reference's formula; no file is needed."""
    check(link, Reference(Path(), Path()))
