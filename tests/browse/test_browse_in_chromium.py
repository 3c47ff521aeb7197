"""The page as a browser shows it, on a screen and on a phone."""

import numpy as np
import pytest
from html_pages import needs_chromium, screenshot

from hrpose.browse.browse import BrowseRequest, look
from hrpose.browse.page import page_of
from hrpose.config import load
from hrpose.visualize.colours import LEFT, RIGHT

pytestmark = needs_chromium


@pytest.fixture
def shown(farm, tmp_path):
    """A picture (H, W, 3) RGB of the page of four animals in a window."""

    def show(width, height=1600):
        page = tmp_path / "page.html"
        request = BrowseRequest(load(farm.page(), []), "train", 4, 0, (), True, True)
        page.write_text(page_of(look(request)), encoding="utf-8")
        return screenshot(page, width, height)

    return show


@pytest.mark.parametrize("width", [390, 1280])
def test_pictures_fit_the_window(shown, width):
    """The pictures are there, in colour, and nothing touches the right edge."""
    image = shown(width)
    assert image.shape[1] == width
    for colour in (LEFT, RIGHT):
        assert (np.abs(image.astype(int) - colour) < 20).all(axis=2).sum() > 200
    edge = image[:, -6:].astype(int)
    assert np.ptp(edge, axis=(0, 1)).max() <= 4
    dark = (image.astype(int).sum(axis=2) < 120).any(axis=0)  # columns with a part of a picture
    assert dark.sum() > 0.6 * width
