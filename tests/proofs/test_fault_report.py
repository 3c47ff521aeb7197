"""The table of faults, from a report of pytest that is written by hand."""

import importlib.util
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location(
        "fault_report", ROOT / "tools/proofs/fault_report.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def case(name, *happened, area="test_faulty_images", inside="", seconds=1):
    told = [("name", name), ("does", f"does {name}"), ("expects", f"a | b of {name}")]
    told += [("happened", text) for text in happened]
    properties = "".join(
        f'<property name="{key}" value={quoteattr(value)}/>' for key, value in told
    )
    return (
        f'<testcase classname="tests.faults.{area}" name="test_{name}" time="{seconds}">'
        f"<properties>{properties}</properties>{inside}</testcase>"
    )


def rows(tool, *cases):
    return tool.rows_of(ElementTree.fromstring(f"<testsuites>{''.join(cases)}</testsuites>"))


def test_cases_of_one_fault_are_one_row(tool):
    areas = rows(
        tool, case("rain", "wet"), case("rain", "wetter"), case("rain", "wet"),
        case("snow", "white", area="test_config_pages"),
    )  # fmt: skip
    row = areas["test_faulty_images"]["rain"]
    assert row["happened"] == "wet; wetter"
    assert (row["outcome"], float(row["seconds"])) == ("passed", 3)
    assert list(areas) == ["test_faulty_images", "test_config_pages"]


@pytest.mark.parametrize(
    ("inside", "happened", "outcome", "words"),
    [
        ("", ["wet"], "passed", "wet"),
        ("", [], "FAILED", "the test did not say what happened"),
        (
            '<failure message="assert 1 == 2&#10;more">trace</failure>',
            [],
            "FAILED",
            "assert 1 == 2",
        ),
        ('<error message="no such fixture"/>', ["wet"], "FAILED", "no such fixture"),
        ('<skipped message="no GPU here"/>', [], "not run", "no GPU here"),
    ],
)
def test_outcomes(tool, inside, happened, outcome, words):
    row = rows(tool, case("rain", *happened, inside=inside))["test_faulty_images"]["rain"]
    assert (row["outcome"], row["happened"]) == (outcome, words)


def test_one_bad_case_spoils_the_row(tool):
    bad = case("rain", inside='<failure message="dry"/>')
    skipped = case("rain", inside='<skipped message="no GPU"/>')
    for cases in ([bad, case("rain", "wet"), skipped], [case("rain", "wet"), skipped, bad]):
        assert rows(tool, *cases)["test_faulty_images"]["rain"]["outcome"] == "FAILED"


def test_the_page(tool):
    areas = rows(
        tool, case("rain", "wet <br>"), case("hail", area="test_config_pages"),
    )  # fmt: skip
    text = tool.page(areas, slow=False)
    assert (
        "- 2 faults: 1 passed, 1 failed, 0 could not be run here; the slow ones were left" in text
    )
    assert text.index("## Config pages") < text.index("## Images")
    assert "| rain | does rain | a \\| b of rain | wet &lt;br> | passed | 1.0 |" in text
    assert "torch " in text and " UTC, " in text
    assert "left out" not in tool.page(areas, slow=True)
