"""The page as a browser shows it: on a screen and on a phone, by day and by night."""

import numpy as np
import pytest
from html_pages import needs_chromium, screenshot
from report_cases import poses

from hrpose.report.page.page import page_of
from hrpose.report.report import ReportRequest, make_report
from hrpose.visualize.colours import LEFT, RIGHT

pytestmark = needs_chromium
FIRST_RUN = (0, 96, 160)
"""The colour of the first run's lines by day; see report.css."""


@pytest.fixture
def page(cattery):
    """A report on two runs."""
    off = poses(12)
    off[:4, 0, 0] += 30
    runs = [cattery.predictions("good", poses(12)), cattery.predictions("worse", off)]
    request = ReportRequest(runs, str(cattery.page()), resamples=20)
    path = cattery.folder / "report.html"
    path.write_text(page_of(make_report(request)), encoding="utf-8")
    return path


def near(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image.astype(int) - colour) < 16).all(axis=2)


@pytest.mark.parametrize("width", [390, 1280])
def test_charts_and_pictures_fit_the_window(page, width):
    """Lines of the charts and points of the pictures are there; nothing touches the right edge."""
    image = screenshot(page, width, 12000)
    assert image.shape[1] == width
    assert near(image, FIRST_RUN).sum() > 500
    for colour in (LEFT, RIGHT):
        assert near(image, colour).sum() > 200
    edge = image[:, -6:].astype(int)
    assert np.ptp(edge, axis=(0, 1)).max() <= 4


def test_by_night_the_page_is_dark(page):
    day = screenshot(page, 390, 2000)
    night = screenshot(page, 390, 2000, "--blink-settings=preferredColorScheme=0")
    assert day.mean() > 200 and night.mean() < 80
