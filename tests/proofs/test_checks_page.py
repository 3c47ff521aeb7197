from proofs import checks_page

from hrpose.datasets.faults.kinds import KINDS


def test_the_page_is_the_table_of_the_code():
    assert checks_page.PAGE.read_text(encoding="utf-8") == checks_page.text()
    assert checks_page.text().count("\n| ") == len(KINDS) + 2
    assert len(KINDS) >= 25
