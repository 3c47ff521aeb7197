import pytest
from report_cases import Cattery


@pytest.fixture
def cattery(tmp_path) -> Cattery:
    """Twelve photographs of one cat each, of the videos a and b in turn."""
    return Cattery(tmp_path)
