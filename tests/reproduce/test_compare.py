"""The difference, the verdict and how they are shown."""

import pytest

from hrpose.reproduce.compare import as_json, compare_row, console_table

RECORD = {"values": {"PCK@0.3": 0.954, "NME": 0.1189, "AP": None}, "intervals": {"NME": [0.1, 0.2]}}


def test_within_is_up_to_and_including_the_tolerance():
    paper = {"PCK@0.3": 0.951, "NME": 0.122, "AP": 0.5}
    pck, nme, ap = compare_row(paper, RECORD, 0.003)
    assert pck.difference == pytest.approx(0.003)
    assert pck.within  # though 0.954 - 0.951 > 0.003 in binary
    assert 0.954 - 0.951 > 0.003
    assert nme.difference == pytest.approx(-0.0031)
    assert not nme.within
    assert (ap.difference, ap.within) == (None, False)
    assert as_json([ap]) == [{"metric": "AP", "paper": 0.5, "within": False}]


def test_the_table_on_the_console():
    paper = {"PCK@0.3": 0.951, "NME": 0.122, "AP": 0.5}
    assert console_table(compare_row(paper, RECORD, 0.003), trained=False).splitlines() == [
        "  metric   paper        measured  difference      95% interval  within",
        "  PCK@0.3  0.951          0.9540     +0.0030                 -     yes",
        "  NME      0.122          0.1189     -0.0031  0.1000 .. 0.2000      NO",
        "  AP       0.500  does not exist           -                 -      NO",
    ]
    trained = {"values": {"NME": 0.125}, "spread": {"NME": 0.0012}}
    assert console_table(
        compare_row({"NME": 0.122}, trained, 0.003), trained=True
    ).splitlines() == [
        "  metric  paper    mean  difference  spread over seeds  within",
        "  NME     0.122  0.1250     +0.0030             0.0012     yes",
    ]
