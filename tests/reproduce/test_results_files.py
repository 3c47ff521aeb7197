"""results.json is read back as it was; results.md shows what was compared and from what."""

import json

import pytest

from hrpose.errors import RunError
from hrpose.reproduce.metafile import DataSource, Row
from hrpose.reproduce.results import markdown, read_table, write_table

MADE_FROM = {
    "checkpoint_sha256": "401d",
    "annotation_files": {"annotations/a.json": "77ab"},
    "config_sha256": "c0de",
    "versions": {"hrpose": "0.1.0", "torch": "2.6"},
    "animals": 1234,
    "left_out": 5,
    "device": "GPU",
    "date": "2026-01-01",
    "command": "python tools/reproduce.py",
}
RECORD = {
    "values": {"PCK@0.3": 0.95, "strict/PCK@0.3": None},
    "intervals": {"PCK@0.3": [0.94, 0.96]},
    "per_keypoint": {"PCK@0.3": {"Nose": 0.9, "Eye": None}, "strict/PCK@0.3": {"Nose": 0.1}},
    "notes": ["PCK@0.3: of the distance Nose-Eye", "strict/PCK@0.3: 7 are left out"],
    "made_from": MADE_FROM,
}


@pytest.fixture
def row(tmp_path):
    paper = {"PCK@0.3": 0.951}
    return Row(tmp_path / "net.py", DataSource("horse10", "Horse-10", ()), paper, "net.pth", "log")


def test_what_is_written_is_read_again(tmp_path, row):
    assert read_table(tmp_path) == {}
    write_table(tmp_path, [row], {"net": {"published": RECORD}, "other": {}}, 0.003)
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["tolerance"] == 0.003
    entry = content["rows"]["net"]
    assert entry["paper"] == {"PCK@0.3": 0.951}
    assert entry["published"]["compared"][0]["difference"] == pytest.approx(-0.001)
    assert entry["published"]["compared"][0]["within"] is True
    assert read_table(tmp_path)["net"]["published"].items() >= RECORD.items()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.md"]


@pytest.mark.parametrize("text", ["", "[]", '{"rows": 3}', "{}"])
def test_another_file_of_that_name_is_refused(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(RunError, match=r"results\.json: not the results .* --work-dir"):
        read_table(tmp_path)


def test_the_page_for_people(row):
    lines = markdown([row], {"net": {"published": RECORD}}, 0.003).splitlines()
    assert lines[5:] == [
        "## Published checkpoints",
        "",
        "| row | metric | paper | measured | difference | 95% interval | within |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| net | PCK@0.3 | 0.951 | 0.9500 | -0.0010 | 0.9400 .. 0.9600 | yes |",
        "",
        "### net",
        "",
        "PCK@0.3 0.9500, strict/PCK@0.3 -",
        "",
        "- PCK@0.3: of the distance Nose-Eye",
        "",
        "| keypoint | PCK@0.3 |",
        "| --- | --- |",
        "| Nose | 0.9000 |",
        "| Eye | - |",
        "",
        "- checkpoint sha256 `401d`",
        "- annotations/a.json sha256 `77ab`",
        "- config digest `c0de`",
        "- hrpose 0.1.0, torch 2.6",
        "- 1,234 animals (5 annotations left out) on GPU",
        "- 2026-01-01: `python tools/reproduce.py`",
    ]
