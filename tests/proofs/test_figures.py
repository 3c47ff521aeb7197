import pytest
from proofs.benchmark.figures import Figure, Row, Section, rate, ratio, shown


def test_a_rate_is_items_over_seconds_and_its_median_the_middle_run():
    figure = rate([2.0, 0.5, 1.0], 10, "img/s")
    assert figure.values == (5.0, 20.0, 10.0)
    assert figure.as_dict() == {"median": 10, "min": 5, "max": 20, "runs": 3, "unit": "img/s"}
    assert Figure((1.0, 4.0), "s").median == 2.5


def test_a_ratio_pairs_the_runs():
    # the second run was slow for both sides: the ratio does not notice
    assert ratio([2.0, 20.0], [1.0, 10.0]).values == (2.0, 2.0)
    with pytest.raises(ValueError):
        ratio([1.0], [1.0, 2.0])


def test_a_section_as_text_and_as_a_dict():
    figure = Figure((1.0, 3.0, 2.0), "img/s")
    rows = [Row("step", figure, {"batch": 8, "share": 0.12345}), Row("step", figure, {}, "bf16")]
    section = Section(rows, ["resident"])
    assert section.text().splitlines() == [
        "  step                2 img/s        (1 to 3, 3 runs)",
        "                batch 8, share 0.1235",
        "  bf16: step          2 img/s        (1 to 3, 3 runs)",
        "  note: resident",
    ]
    made = section.as_dict()
    assert made["notes"] == ["resident"]
    assert made["rows"][0] == {"name": "step", **figure.as_dict(), "batch": 8, "share": 0.12345}
    assert made["rows"][1]["variant"] == "bf16"


def test_numbers_are_shown_with_four_digits():
    assert [shown(value) for value in (12345.6, 0.123456, 3, True, None, "fp32")] == [
        "12,346", "0.1235", "3", "True", "None", "fp32",
    ]  # fmt: skip
